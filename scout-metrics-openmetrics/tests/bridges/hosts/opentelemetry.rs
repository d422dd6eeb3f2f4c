//! A meter of OpenTelemetry.

use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, Instrument, PeriodicReader, SdkMeterProvider, Stream,
    data::{AggregatedMetrics, MetricData, ResourceMetrics},
};
use scout_metrics_openmetrics::bridge::{CurrentSnapshots, opentelemetry::SnapshotGauges};

use super::{Host, is_carried};
use crate::series::{Series, Values, series};

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
        is_carried(series) && series.0 != "scout_later" && !value.contains('.')
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
