//! Observable gauges of [OpenTelemetry], for OTLP and everything else that its SDK exports to.
//!
//! ```
//! use opentelemetry::metrics::MeterProvider;
//! use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
//! use scout_metrics_core::{MemorySource, MetricsSource, Organization, Poller, Snapshot, Stream};
//! use scout_metrics_openmetrics::bridge::opentelemetry::SnapshotGauges;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let production = Stream::new("production").with_vulnerabilities("5C 3H".parse()?);
//! let acme = MemorySource::new(Snapshot::new(Organization::new("acme")?, [production])?);
//! let poller = Poller::builder(acme).spawn();
//!
//! let exporter = InMemoryMetricExporter::default();
//! let reader = PeriodicReader::builder(exporter.clone()).build();
//! let provider = SdkMeterProvider::builder().with_reader(reader).build();
//! SnapshotGauges::new(poller.clone()).register(&provider.meter("scout"));
//!
//! poller.scrape().await?;
//! provider.force_flush()?;
//! let finished = exporter.get_finished_metrics()?;
//! let metric = finished[0].scope_metrics().next().and_then(|scope| scope.metrics().next());
//! assert_eq!(metric.map(|metric| metric.name()), Some("scout_stream_vulnerabilities"));
//! # Ok(())
//! # }
//! ```
//!
//! The attributes are the labels. Values are 64-bit integers. Attributes share the names of streams and the identifiers of
//! policies with the snapshot; each other text is copied once for each family. Streams that vanish from the
//! snapshot vanish from the next export.
//!
//! The example `embed` pushes to a collector with OTLP.
//!
//! # Limits of OpenTelemetry
//!
//! - The SDK keeps 2,000 series of an instrument and adds up all others as one with the attribute `otel.metric.overflow`.
//!   With seven policies, an organization with more than 285 streams needs a [view] with a higher limit.
//! - Instruments have their names before there are any metrics, so only [unplaced](scout_metrics_core::Anomaly::is_unplaced)
//!   samples of the four known families are observed, and of these only whole numbers.
//! - Each family is observed by itself: a snapshot that arrives during a collection is in the families after that.
//!
//! [OpenTelemetry]: https://docs.rs/opentelemetry
//! [view]: https://docs.rs/opentelemetry_sdk/0.33/opentelemetry_sdk/metrics/struct.MeterProviderBuilder.html#method.with_view

use std::{borrow::Cow, collections::HashMap, convert::Infallible, sync::Arc};

use foldhash::quality::RandomState;
use opentelemetry::{
    Key, KeyValue, Value,
    metrics::{AsyncInstrument, Meter},
};

use super::snapshots::{CurrentSnapshots, LabelledSnapshots, are_plain, whole};
use crate::scout::{
    unplaced::Unplaced,
    walk::{Family, Samples, Text, at},
};

/// Observes the current snapshots of a poller, or of anything else that has them.
///
/// The [module](self) has an example, and [`bridge`](crate::bridge#current-snapshots) describes what is observed.
#[derive(Debug)]
#[must_use = "nothing is observed until the gauges are registered"]
pub struct SnapshotGauges {
    snapshots: LabelledSnapshots,
}

impl SnapshotGauges {
    /// Creates gauges. Metrics of several organizations have an attribute `org`.
    pub fn new(snapshots: impl CurrentSnapshots) -> Self {
        Self {
            snapshots: LabelledSnapshots::new(snapshots),
        }
    }

    /// Adds an attribute `org` with the organization to all metrics.
    pub fn with_organization_label(self) -> Self {
        Self {
            snapshots: self.snapshots.with_organization_label(),
        }
    }

    /// Creates the instruments with a meter, which observes the snapshots until its provider is dropped.
    pub fn register(self, meter: &Meter) {
        let snapshots = Arc::new(self.snapshots);
        for family in Family::ALL {
            let snapshots = Arc::clone(&snapshots);
            // The meter keeps the callback; the instrument itself does nothing.
            let _instrument = meter
                .u64_observable_gauge(family.name())
                .with_description(family.help())
                .with_callback(move |observer| observe(observer, &snapshots, family))
                .build();
        }
    }
}

fn observe(observer: &dyn AsyncInstrument<u64>, snapshots: &LabelledSnapshots, family: Family) {
    snapshots.read(&snapshots.current(), |parts| {
        let mut samples = Observations::new(observer);
        let Ok(()) = family.walk(parts, &mut samples);
        let Ok(()) = Unplaced::new(parts).walk(family.name(), &mut samples);
    });
}

/// Passes the samples of a family to an instrument.
struct Observations<'a, 'o> {
    observer: &'o dyn AsyncInstrument<u64>,
    starts: Vec<Start>,
    ends: Vec<Option<Value>>,
    attributes: Vec<KeyValue>,
    copies: HashMap<&'a str, Arc<str>, RandomState>,
}

#[derive(Default)]
struct Start {
    attributes: Vec<KeyValue>,
    last_key: Option<Key>,
}

impl<'a, 'o> Observations<'a, 'o> {
    fn new(observer: &'o dyn AsyncInstrument<u64>) -> Self {
        Self {
            observer,
            starts: Vec::new(),
            ends: Vec::new(),
            attributes: Vec::new(),
            copies: HashMap::default(),
        }
    }

    fn value(&mut self, text: Text<'a>) -> Value {
        match text {
            Text::Static(text) => text.into(),
            Text::PolicyId(id) => Arc::<str>::from(id).into(),
            Text::StreamName(name) => Arc::<str>::from(name).into(),
            Text::Borrowed(text) => self.copy(text).into(),
        }
    }

    fn key(&mut self, name: Text<'a>) -> Key {
        match name {
            Text::Static(name) => Key::from_static_str(name),
            name => self.copy(name.as_str()).into(),
        }
    }

    /// Copies a text, once for all samples.
    fn copy(&mut self, text: &'a str) -> Arc<str> {
        Arc::clone(self.copies.entry(text).or_insert_with(|| text.into()))
    }
}

impl<'a> Samples<'a> for Observations<'a, '_> {
    type Error = Infallible;

    fn start(
        &mut self,
        place: usize,
        labels: impl Iterator<Item = (Text<'a>, Text<'a>)>,
        last_label: Text<'a>,
    ) -> Result<(), Infallible> {
        let mut attributes = std::mem::take(&mut at(&mut self.starts, place).attributes);
        attributes.clear();
        let attribute = |(name, value)| KeyValue::new(self.key(name), self.value(value));
        attributes.extend(labels.map(attribute));
        self.starts[place] = Start {
            attributes,
            last_key: Some(self.key(last_label)),
        };
        Ok(())
    }

    fn end(&mut self, place: usize, value: Text<'a>) -> Result<(), Infallible> {
        let value = self.value(value);
        *at(&mut self.ends, place) = Some(value);
        Ok(())
    }

    fn count(&mut self, start: usize, end: usize, count: u64) -> Result<(), Infallible> {
        let start = &self.starts[start];
        self.attributes.clear();
        self.attributes.extend_from_slice(&start.attributes);
        if let (Some(key), Some(value)) = (&start.last_key, &self.ends[end]) {
            let last = KeyValue::new(key.clone(), value.clone());
            self.attributes.push(last);
        }
        self.observer.observe(count, &self.attributes);
        Ok(())
    }

    fn unplaced(
        &mut self,
        labels: &[(Cow<'a, str>, &'a str)],
        value: f64,
    ) -> Result<(), Infallible> {
        let count = whole(value).and_then(|value| value.try_into().ok());
        if let (Some(count), true) = (count, are_plain(labels)) {
            let attribute = |(name, value): &(Cow<'a, str>, &'a str)| {
                KeyValue::new(name.clone().into_owned(), (*value).to_owned())
            };
            let attributes: Vec<_> = labels.iter().map(attribute).collect();
            self.observer.observe(count, &attributes);
        }
        Ok(())
    }
}
