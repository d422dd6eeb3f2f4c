//! Families as the libraries have them, which know no composite values of their own.

use std::borrow::Cow;

use crate::{MetricFamily, Sample};

/// Returns a family with a series for each number, and without native histograms, which have none.
pub(super) fn in_series(family: &MetricFamily) -> Cow<'_, MetricFamily> {
    if family.is_classic() {
        return Cow::Borrowed(family);
    }
    let mut family = family.to_classic();
    family.retain(|sample: &Sample| sample.composite().is_none());
    Cow::Owned(family)
}
