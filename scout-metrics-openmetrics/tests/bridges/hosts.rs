//! The libraries, each with one bridge.

use ::opentelemetry::metrics::MeterProvider;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, Instrument, PeriodicReader, SdkMeterProvider, Stream,
    data::{AggregatedMetrics, MetricData, ResourceMetrics},
};
use scout_metrics_openmetrics::{
    Format,
    bridge::{
        CurrentSnapshots, metrics::SnapshotPublisher, opentelemetry::SnapshotGauges, prometheus,
        prometheus_client,
    },
};

use crate::series::{Series, Values, parsed, series};

/// A library that collects metrics through a bridge.
pub(crate) trait Host {
    fn new(snapshots: impl CurrentSnapshots, has_label: bool) -> Self;

    /// Collects.
    fn values(&mut self) -> Values;

    /// Returns whether the library can hold a series that the encoder writes.
    fn can_hold(series: &Series, value: &str) -> bool {
        let (name, labels) = series;
        let is_of_scout = name.starts_with("scout_") && !name.starts_with("scout_exporter_");
        let is_plain = |(name, _): &(String, String)| !name.contains(' ');
        let _ = value;
        is_of_scout && labels.iter().all(is_plain)
    }
}

pub(crate) struct PrometheusClient(::prometheus_client::registry::Registry);

impl Host for PrometheusClient {
    fn new(snapshots: impl CurrentSnapshots, has_label: bool) -> Self {
        let mut collector = prometheus_client::SnapshotCollector::new(snapshots);
        if has_label {
            collector = collector.with_organization_label();
        }
        let mut registry = ::prometheus_client::registry::Registry::default();
        registry.register_collector(Box::new(collector));
        Self(registry)
    }

    fn values(&mut self) -> Values {
        parsed(&encode_client(&self.0), Format::OpenMetrics)
    }
}

pub(crate) fn encode_client(registry: &::prometheus_client::registry::Registry) -> String {
    let mut text = String::new();
    ::prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
    text
}

pub(crate) struct Prometheus(::prometheus::Registry);

impl Host for Prometheus {
    fn new(snapshots: impl CurrentSnapshots, has_label: bool) -> Self {
        let mut collector = prometheus::SnapshotCollector::new(snapshots);
        if has_label {
            collector = collector.with_organization_label();
        }
        let registry = ::prometheus::Registry::new();
        registry.register(Box::new(collector)).unwrap();
        Self(registry)
    }

    fn values(&mut self) -> Values {
        parsed(&encode_prometheus(&self.0), Format::Prometheus)
    }
}

pub(crate) fn encode_prometheus(registry: &::prometheus::Registry) -> String {
    let encoder = ::prometheus::TextEncoder::new();
    encoder.encode_to_string(&registry.gather()).unwrap()
}

pub(crate) struct OpenTelemetry {
    exporter: InMemoryMetricExporter,
    provider: SdkMeterProvider,
}

impl OpenTelemetry {
    /// Creates a provider with a limit for the series of an instrument.
    pub(crate) fn with_limit(
        snapshots: impl CurrentSnapshots,
        has_label: bool,
        limit: Option<usize>,
    ) -> Self {
        let mut gauges = SnapshotGauges::new(snapshots);
        if has_label {
            gauges = gauges.with_organization_label();
        }
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        let provider = SdkMeterProvider::builder().with_reader(reader);
        let provider = match limit {
            Some(limit) => provider.with_view(move |_: &Instrument| {
                Stream::builder().with_cardinality_limit(limit).build().ok()
            }),
            None => provider,
        };
        let provider = provider.build();
        gauges.register(&provider.meter("scout"));
        Self { exporter, provider }
    }
}

impl Host for OpenTelemetry {
    fn new(snapshots: impl CurrentSnapshots, has_label: bool) -> Self {
        Self::with_limit(snapshots, has_label, None)
    }

    fn values(&mut self) -> Values {
        self.exporter.reset();
        self.provider.force_flush().unwrap();
        let finished = self.exporter.get_finished_metrics().unwrap();
        finished.iter().flat_map(values_of).collect()
    }

    fn can_hold(series: &Series, value: &str) -> bool {
        Prometheus::can_hold(series, value) && series.0 != "scout_later" && !value.contains('.')
    }
}

fn values_of(metrics: &ResourceMetrics) -> Vec<(Series, String)> {
    let mut values = Vec::new();
    for metric in metrics.scope_metrics().flat_map(|scope| scope.metrics()) {
        assert!(!metric.description().is_empty());
        let AggregatedMetrics::U64(MetricData::Gauge(gauge)) = metric.data() else {
            panic!("{metric:?} is not a gauge of whole numbers");
        };
        for point in gauge.data_points() {
            let attributes: Vec<_> = point
                .attributes()
                .map(|pair| (pair.key.to_string(), pair.value.to_string()))
                .collect();
            let labels = attributes.iter().map(|(name, value)| (&**name, &**value));
            values.push((series(metric.name(), labels), point.value().to_string()));
        }
    }
    values
}

pub(crate) struct Facade {
    recorder: DebuggingRecorder,
    publisher: SnapshotPublisher,
}

impl Host for Facade {
    fn new(snapshots: impl CurrentSnapshots, has_label: bool) -> Self {
        let mut publisher = SnapshotPublisher::new(snapshots);
        if has_label {
            publisher = publisher.with_organization_label();
        }
        Self {
            recorder: DebuggingRecorder::new(),
            publisher,
        }
    }

    /// Publishes, and returns the values without those of series that have vanished.
    fn values(&mut self) -> Values {
        self.publisher.publish_to(&self.recorder);
        let recorded = self.recorder.snapshotter().snapshot().into_vec();
        let values = recorded.into_iter().map(|(key, _, _, value)| {
            let DebugValue::Gauge(value) = value else {
                panic!("{key:?} is not a gauge");
            };
            let labels = key.key().labels();
            let labels = labels.map(|label| (label.key(), label.value()));
            (series(key.key().name(), labels), value.to_string())
        });
        values.filter(|(_, value)| value != "NaN").collect()
    }
}
