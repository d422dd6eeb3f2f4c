//! Collects current snapshots.

use std::{borrow::Cow, fmt};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabel, EncodeLabelSet, LabelSetEncoder, MetricEncoder},
    metrics::MetricType,
};

use super::families::encode_value;
use crate::{
    bridge::snapshots::{CurrentSnapshots, LabelledSnapshots, are_plain, other_names},
    scout::{
        part::Part,
        unplaced::Unplaced,
        walk::{Family, Samples, Text, at},
    },
};

/// Collects the current snapshots of a poller, or of anything else that has them.
///
/// The [module](super) has an example, and [`bridge`](crate::bridge#current-snapshots) describes what is collected. Unplaced
/// samples of unknown families have the type `unknown`.
#[derive(Debug)]
pub struct SnapshotCollector {
    snapshots: LabelledSnapshots,
}

impl SnapshotCollector {
    /// Creates a collector. Metrics of several organizations have a label `org`.
    pub fn new(snapshots: impl CurrentSnapshots) -> Self {
        Self {
            snapshots: LabelledSnapshots::new(snapshots),
        }
    }

    /// Adds a label `org` with the organization to all metrics.
    #[must_use]
    pub fn with_organization_label(self) -> Self {
        Self {
            snapshots: self.snapshots.with_organization_label(),
        }
    }
}

impl Collector for SnapshotCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let current = self.snapshots.current();
        self.snapshots
            .read(&current, |parts| encode(encoder, parts))
    }
}

fn encode<'a>(mut encoder: DescriptorEncoder<'_>, parts: &'a [Part<'a>]) -> fmt::Result {
    if parts.is_empty() {
        return Ok(());
    }
    let mut unplaced = Unplaced::new(parts);
    for family in Family::ALL {
        let name = family.name();
        if family.is_in(parts) || unplaced.has(name) {
            let kind = MetricType::Gauge;
            let metric = encoder.encode_descriptor(name, family.help(), None, kind)?;
            let mut samples = FamilySamples::new(metric);
            family.walk(parts, &mut samples)?;
            unplaced.walk(name, &mut samples)?;
        }
    }
    for name in other_names(&unplaced) {
        let help = "Unknown to this program.";
        let metric = encoder.encode_descriptor(name, help, None, MetricType::Unknown)?;
        unplaced.walk(name, &mut FamilySamples::new(metric))?;
    }
    Ok(())
}

/// Writes the samples of a family.
struct FamilySamples<'a, 'm> {
    metric: MetricEncoder<'m>,
    starts: Vec<Start<'a>>,
    ends: Vec<&'a str>,
}

#[derive(Default)]
struct Start<'a> {
    labels: Vec<(&'a str, &'a str)>,
    last_label: &'a str,
}

impl<'m> FamilySamples<'_, 'm> {
    fn new(metric: MetricEncoder<'m>) -> Self {
        Self {
            metric,
            starts: Vec::new(),
            ends: Vec::new(),
        }
    }
}

impl<'a> Samples<'a> for FamilySamples<'a, '_> {
    type Error = fmt::Error;

    fn start(
        &mut self,
        place: usize,
        labels: impl Iterator<Item = (Text<'a>, Text<'a>)>,
        last_label: Text<'a>,
    ) -> fmt::Result {
        let start = at(&mut self.starts, place);
        start.labels.clear();
        let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
        start.labels.extend(labels);
        start.last_label = last_label.as_str();
        Ok(())
    }

    fn end(&mut self, place: usize, value: Text<'a>) -> fmt::Result {
        *at(&mut self.ends, place) = value.as_str();
        Ok(())
    }

    fn count(&mut self, start: usize, end: usize, count: u64) -> fmt::Result {
        let start = &self.starts[start];
        let last = [(start.last_label, self.ends[end])];
        let labels = (start.labels.as_slice(), last);
        self.metric.encode_family(&labels)?.encode_gauge(&count)
    }

    fn unplaced(&mut self, labels: &[(Cow<'a, str>, &'a str)], value: f64) -> fmt::Result {
        if are_plain(labels) {
            let labels = Labels(labels);
            encode_value(&mut self.metric.encode_family(&labels)?, value)?;
        }
        Ok(())
    }
}

/// Labels whose names may be owned.
struct Labels<'l>(&'l [(Cow<'l, str>, &'l str)]);

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        let mut labels = self.0.iter();
        labels.try_for_each(|(name, value)| (&**name, *value).encode(encoder.encode_label()))
    }
}
