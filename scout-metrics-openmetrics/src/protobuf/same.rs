//! Families that the format writes in the same way.

use crate::{MetricFamily, Sample};

/// Returns whether families in composite form are the same, apart from the order of the exemplars of a histogram, which is
/// that of the buckets.
pub(crate) fn is_same(family: &MetricFamily, read: &MetricFamily) -> bool {
    let mut samples = family.samples().iter().zip(read.samples());
    family.name() == read.name()
        && family.kind() == read.kind()
        && family.help() == read.help()
        && family.unit() == read.unit()
        && family.samples().len() == read.samples().len()
        && samples.all(|(sample, read)| sample == read || sorted(sample) == sorted(read))
}

fn sorted(sample: &Sample) -> Sample {
    let mut exemplars = sample.exemplars().to_vec();
    exemplars.sort();
    sample.clone().with_exemplars(exemplars)
}
