//! Collects current snapshots.

use std::{borrow::Cow, collections::HashMap, convert::Infallible};

use prometheus::{
    core::{Collector, Desc},
    proto::{LabelPair, Metric, MetricFamily, MetricType},
};

use super::{family, gauge, label};
use crate::{
    bridge::snapshots::{CurrentSnapshots, LabelledSnapshots, are_plain, other_names},
    scout::{
        POLICY_DISPLAY_NAME, POLICY_ID, SEVERITY, STREAM_NAME,
        part::Part,
        unplaced::Unplaced,
        walk::{Family, Samples, Text, at},
    },
};

/// Collects the current snapshots of a poller, or of anything else that has them.
///
/// The [module](super) has an example, and [`bridge`](crate::bridge#current-snapshots) describes what is collected. The
/// library can write no untyped metrics, so unplaced samples of unknown families are gauges.
#[derive(Debug)]
pub struct SnapshotCollector {
    snapshots: LabelledSnapshots,
    descriptions: Vec<Desc>,
}

impl SnapshotCollector {
    /// Creates a collector. Metrics of several organizations have a label `org`.
    pub fn new(snapshots: impl CurrentSnapshots) -> Self {
        Self::of(LabelledSnapshots::new(snapshots))
    }

    /// Adds a label `org` with the organization to all metrics.
    #[must_use]
    pub fn with_organization_label(self) -> Self {
        Self::of(self.snapshots.with_organization_label())
    }

    fn of(snapshots: LabelledSnapshots) -> Self {
        let description = |family| describe(&snapshots, family);
        Self {
            descriptions: Family::ALL.into_iter().map(description).collect(),
            snapshots,
        }
    }
}

impl Collector for SnapshotCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.snapshots.read(&self.snapshots.current(), collect)
    }
}

/// Describes a family. The registry tells collectors apart by their constant labels.
fn describe(snapshots: &LabelledSnapshots, family: Family) -> Desc {
    let own: &[&str] = match family {
        Family::Vulnerabilities => &[STREAM_NAME, SEVERITY],
        Family::Compliant | Family::Evaluated => &[POLICY_ID, POLICY_DISPLAY_NAME, STREAM_NAME],
        Family::Empty => &[STREAM_NAME],
    };
    let mut names: Vec<String> = own.iter().map(|name| (*name).to_owned()).collect();
    let mut constant = HashMap::new();
    match snapshots.label() {
        Some((name, Some(value))) => constant.extend([(name.to_owned(), value.to_owned())]),
        Some((name, None)) => names.push(name.to_owned()),
        None => (),
    }
    let (name, help) = (family.name().to_owned(), family.help().to_owned());
    let description = Desc::new(name, help, names, constant);
    description.expect("all names are plain, and no two labels have the same")
}

fn collect<'a>(parts: &'a [Part<'a>]) -> Vec<MetricFamily> {
    let mut unplaced = Unplaced::new(parts);
    let mut families = Vec::new();
    for known in Family::ALL {
        let mut samples = Gauges::default();
        let Ok(()) = known.walk(parts, &mut samples);
        let Ok(()) = unplaced.walk(known.name(), &mut samples);
        families.push(samples.into_family(known.name(), known.help()));
    }
    for name in other_names(&unplaced) {
        let mut samples = Gauges::default();
        let Ok(()) = unplaced.walk(name, &mut samples);
        families.push(samples.into_family(name, "Unknown to this program."));
    }
    families
}

/// The samples of a family.
#[derive(Default)]
struct Gauges<'a> {
    metrics: Vec<Metric>,
    starts: Vec<Start<'a>>,
    ends: Vec<&'a str>,
}

#[derive(Default)]
struct Start<'a> {
    labels: Vec<LabelPair>,
    last_label: &'a str,
}

impl Gauges<'_> {
    fn into_family(self, name: &str, help: &str) -> MetricFamily {
        family(name, help, MetricType::GAUGE, self.metrics)
    }
}

impl<'a> Samples<'a> for Gauges<'a> {
    type Error = Infallible;

    fn start(
        &mut self,
        place: usize,
        labels: impl Iterator<Item = (Text<'a>, Text<'a>)>,
        last_label: Text<'a>,
    ) -> Result<(), Infallible> {
        let start = at(&mut self.starts, place);
        start.labels.clear();
        let labels = labels.map(|(name, value)| label(name.as_str(), value.as_str()));
        start.labels.extend(labels);
        start.last_label = last_label.as_str();
        Ok(())
    }

    fn end(&mut self, place: usize, value: Text<'a>) -> Result<(), Infallible> {
        *at(&mut self.ends, place) = value.as_str();
        Ok(())
    }

    fn count(&mut self, start: usize, end: usize, count: u64) -> Result<(), Infallible> {
        let start = &self.starts[start];
        let mut labels = Vec::with_capacity(start.labels.len() + 1);
        labels.extend_from_slice(&start.labels);
        labels.push(label(start.last_label, self.ends[end]));
        self.metrics.push(gauge(labels, count as f64));
        Ok(())
    }

    fn unplaced(
        &mut self,
        labels: &[(Cow<'a, str>, &'a str)],
        value: f64,
    ) -> Result<(), Infallible> {
        if are_plain(labels) {
            let labels = labels.iter().map(|(name, value)| label(name, value));
            self.metrics.push(gauge(labels.collect(), value));
        }
        Ok(())
    }
}
