//! A publisher into the facade [metrics], for whichever recorder the program installs.
//!
//! ```
//! use metrics_exporter_prometheus::PrometheusBuilder;
//! use scout_metrics_core::{MemorySource, MetricsSource, Organization, Poller, Snapshot, Stream};
//! use scout_metrics_openmetrics::bridge::metrics::SnapshotPublisher;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let production = Stream::new("production").with_vulnerabilities("5C 3H".parse()?);
//! let acme = MemorySource::new(Snapshot::new(Organization::new("acme")?, [production])?);
//! let poller = Poller::builder(acme).spawn();
//!
//! let recorder = PrometheusBuilder::new().build_recorder();
//! let mut publisher = SnapshotPublisher::new(poller.clone());
//! poller.scrape().await?;
//! publisher.publish_to(&recorder);
//!
//! let line = r#"scout_stream_vulnerabilities{streamName="production",severity="CRITICAL"} 5"#;
//! assert!(recorder.handle().render().lines().any(|found| found == line));
//! # Ok(())
//! # }
//! ```
//!
//! In a program, [`SnapshotPublisher::run`] publishes to the installed recorder at an interval.
//!
//! # Limits of the facade
//!
//! - Nothing is collected: values are as old as the last publication, so choose an interval that is shorter than that of
//!   scrapes.
//! - A gauge cannot be removed. A series that vanishes from the snapshot is set to NaN once, which is neither above nor
//!   below any bound and shows in no graph, and then left alone. Let the recorder remove it: with metrics-exporter-prometheus,
//!   `idle_timeout(MetricKindMask::GAUGE, ...)` and a time longer than two intervals. All other series are published each
//!   time, so they are never idle. Until then a `sum` over all series is NaN, too.
//! - The facade has no untyped metrics, so unplaced samples of unknown families are gauges.
//!
//! [metrics]: https://docs.rs/metrics

use std::{borrow::Cow, collections::HashSet, convert::Infallible, sync::Arc, time::Duration};

use metrics::{Key, Label, Level, Metadata, Recorder, SharedString};
use scout_metrics_core::Snapshot;
use tokio::time::{MissedTickBehavior, interval};

use super::snapshots::{CurrentSnapshots, LabelledSnapshots, are_plain, other_names};
use crate::scout::{
    part::Part,
    unplaced::Unplaced,
    walk::{Family, Samples, Text, at},
};

const METADATA: Metadata<'static> =
    Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Publishes the current snapshots of a poller, or of anything else that has them.
///
/// The [module](self) has an example, and [`bridge`](crate::bridge#current-snapshots) describes what is published. The names
/// of series are made once for each snapshot and share the names of streams and the identifiers of policies with it.
#[derive(Debug)]
#[must_use = "nothing is published without a call of `publish`"]
pub struct SnapshotPublisher {
    snapshots: LabelledSnapshots,
    published: Vec<Snapshot>,
    series: Vec<(Key, f64)>,
}

impl SnapshotPublisher {
    /// Creates a publisher. Metrics of several organizations have a label `org`.
    pub fn new(snapshots: impl CurrentSnapshots) -> Self {
        Self {
            snapshots: LabelledSnapshots::new(snapshots),
            published: Vec::new(),
            series: Vec::new(),
        }
    }

    /// Adds a label `org` with the organization to all metrics.
    pub fn with_organization_label(self) -> Self {
        Self {
            snapshots: self.snapshots.with_organization_label(),
            ..self
        }
    }

    /// Publishes the current snapshots to the recorder of the thread or of the program, at once and then at an interval, for
    /// as long as the future is polled. The interval is at least one millisecond.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use scout_metrics_core::Poller;
    /// # use scout_metrics_openmetrics::bridge::metrics::SnapshotPublisher;
    /// # fn f(poller: Poller) {
    /// tokio::spawn(SnapshotPublisher::new(poller).run(Duration::from_secs(15)));
    /// # }
    /// ```
    pub async fn run(mut self, every: Duration) {
        let mut ticks = interval(every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.publish();
        }
    }

    /// Publishes the current snapshots to the recorder of the thread or of the program.
    pub fn publish(&mut self) {
        metrics::with_recorder(|recorder| self.publish_to(recorder));
    }

    /// Publishes the current snapshots to a recorder.
    pub fn publish_to(&mut self, recorder: &dyn Recorder) {
        let current = self.snapshots.current();
        if !are_same(&current, &self.published) {
            let series = self.snapshots.read(&current, series);
            self.forget_all_except(&series, recorder);
            describe(recorder);
            (self.published, self.series) = (current, series);
        }
        for (key, value) in &self.series {
            recorder.register_gauge(key, &METADATA).set(*value);
        }
    }

    /// Marks the published series that are not among the new ones.
    fn forget_all_except(&self, series: &[(Key, f64)], recorder: &dyn Recorder) {
        let kept: HashSet<&Key> = series.iter().map(|(key, _)| key).collect();
        let published = self.series.iter().map(|(key, _)| key);
        for key in published.filter(|key| !kept.contains(key)) {
            recorder.register_gauge(key, &METADATA).set(f64::NAN);
        }
    }
}

fn are_same(a: &[Snapshot], b: &[Snapshot]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
}

fn describe(recorder: &dyn Recorder) {
    for family in Family::ALL {
        recorder.describe_gauge(family.name().into(), None, family.help().into());
    }
}

fn series<'a>(parts: &'a [Part<'a>]) -> Vec<(Key, f64)> {
    let mut unplaced = Unplaced::new(parts);
    let mut samples = Gauges::default();
    for family in Family::ALL {
        samples.name = family.name().into();
        let Ok(()) = family.walk(parts, &mut samples);
        let Ok(()) = unplaced.walk(family.name(), &mut samples);
    }
    for name in other_names(&unplaced) {
        samples.name = name.to_owned().into();
        let Ok(()) = unplaced.walk(name, &mut samples);
    }
    samples.series
}

/// Makes a key for each sample.
struct Gauges {
    name: SharedString,
    series: Vec<(Key, f64)>,
    starts: Vec<Start>,
    ends: Vec<SharedString>,
}

impl Default for Gauges {
    fn default() -> Self {
        Self {
            name: SharedString::const_str(""),
            series: Vec::new(),
            starts: Vec::new(),
            ends: Vec::new(),
        }
    }
}

struct Start {
    labels: Vec<Label>,
    last_label: SharedString,
}

impl Default for Start {
    fn default() -> Self {
        Self {
            labels: Vec::new(),
            last_label: SharedString::const_str(""),
        }
    }
}

impl<'a> Samples<'a> for Gauges {
    type Error = Infallible;

    fn start(
        &mut self,
        place: usize,
        labels: impl Iterator<Item = (Text<'a>, Text<'a>)>,
        last_label: Text<'a>,
    ) -> Result<(), Infallible> {
        let labels = labels.map(|(name, value)| Label::new(shared(name), shared(value)));
        *at(&mut self.starts, place) = Start {
            labels: labels.collect(),
            last_label: shared(last_label),
        };
        Ok(())
    }

    fn end(&mut self, place: usize, value: Text<'a>) -> Result<(), Infallible> {
        let value = shared(value);
        match self.ends.get_mut(place) {
            Some(end) => *end = value,
            None => self.ends.push(value),
        }
        Ok(())
    }

    fn count(&mut self, start: usize, end: usize, count: u64) -> Result<(), Infallible> {
        let start = &self.starts[start];
        let mut labels = Vec::with_capacity(start.labels.len() + 1);
        labels.extend_from_slice(&start.labels);
        labels.push(Label::new(start.last_label.clone(), self.ends[end].clone()));
        let key = Key::from_parts(self.name.clone(), labels);
        self.series.push((key, count as f64));
        Ok(())
    }

    fn unplaced(
        &mut self,
        labels: &[(Cow<'a, str>, &'a str)],
        value: f64,
    ) -> Result<(), Infallible> {
        if are_plain(labels) {
            let label = |(name, value): &(Cow<'a, str>, &'a str)| {
                Label::new(name.clone().into_owned(), (*value).to_owned())
            };
            let labels: Vec<Label> = labels.iter().map(label).collect();
            let key = Key::from_parts(self.name.clone(), labels);
            self.series.push((key, value));
        }
        Ok(())
    }
}

fn shared(text: Text<'_>) -> SharedString {
    match text {
        Text::Static(text) => SharedString::const_str(text),
        Text::PolicyId(id) => Arc::<str>::from(id).into(),
        Text::StreamName(name) => Arc::<str>::from(name).into(),
        Text::Borrowed(text) => Arc::<str>::from(text).into(),
    }
}
