//! The part that the bridges of families share.

use crate::{LabelSet, MetricFamily, Sample, find::NameOf};

use super::snapshots::whole;

/// Returns the families to collect.
pub(super) type CurrentFamilies = dyn Fn() -> Vec<MetricFamily> + Send + Sync;

/// Returns whether all names of labels are plain, so that a library that does not check them writes them correctly.
pub(super) fn are_plain(labels: &LabelSet) -> bool {
    labels.iter().all(|(name, _)| NameOf::Label.is(name))
}

/// Returns [`are_plain`] of a sample's labels.
pub(super) fn has_plain_labels(sample: &&Sample) -> bool {
    are_plain(sample.labels())
}

/// Returns the samples with plain names of labels by their own names, in the order of the first of each.
pub(super) fn samples_by_name(family: &MetricFamily) -> Vec<(String, Vec<&Sample>)> {
    let mut by_name: Vec<(String, Vec<&Sample>)> = Vec::new();
    for sample in family.samples().iter().filter(has_plain_labels) {
        let name = sample.name(family);
        match by_name.iter_mut().find(|(known, _)| *known == name) {
            Some((_, samples)) => samples.push(sample),
            None => by_name.push((name.into_owned(), vec![sample])),
        }
    }
    by_name
}

/// Returns a value as a number of events, if it is one.
pub(super) fn event_count(value: f64) -> Option<u64> {
    whole(value)?.try_into().ok()
}
