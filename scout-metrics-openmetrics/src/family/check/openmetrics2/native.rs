//! Native buckets, from the section "Native Buckets".
//!
//! The schema, the spans and the zero threshold have been checked when the histogram was made.

use super::{Faults, histogram::Subject};
use crate::{
    NativeBuckets, NativeHistogram, Rule,
    error::shown,
    family::check::{Result, number::Shown},
};

impl Subject<'_> {
    pub(super) fn check_native(self, native: &NativeHistogram, faults: &mut impl Faults) -> Result {
        if !self.is_gauge {
            self.check_not_negative(native, faults)?;
        }
        for buckets in [native.positive(), native.negative()] {
            self.check_last_index(native, buckets, faults)?;
            self.check_zero_bucket(native, buckets, faults)?;
        }
        self.check_native_count(native, faults)
    }

    fn check_not_negative(self, native: &NativeHistogram, faults: &mut impl Faults) -> Result {
        let mut counts = counts(native);
        match counts.find(|count| *count < 0.0) {
            Some(count) => self.report_negative("a bucket", count, faults),
            None => Ok(()),
        }
    }

    /// Checks that no bucket is beyond the one that ends at infinity.
    fn check_last_index(
        self,
        native: &NativeHistogram,
        buckets: &NativeBuckets,
        faults: &mut impl Faults,
    ) -> Result {
        let last = native.infinite_index();
        let Some((index, _)) = buckets.iter().last().filter(|(index, _)| *index > last) else {
            return Ok(());
        };
        faults.broken(Rule::NativeHistogram, || {
            let (schema, name) = (native.schema(), shown(self.name));
            format!(
                "`{name}` has a bucket with the index {index}, expected at most {last} for the schema {schema}"
            )
        })
    }

    /// Checks that the zero bucket holds all values that fall into it.
    fn check_zero_bucket(
        self,
        native: &NativeHistogram,
        buckets: &NativeBuckets,
        faults: &mut impl Faults,
    ) -> Result {
        let threshold = native.zero_threshold();
        if threshold == 0.0 {
            return Ok(());
        }
        let is_within = |index| native.upper_bound(index) <= threshold;
        let mut within = buckets.iter().take_while(|(index, _)| is_within(*index));
        let Some((index, _)) = within.find(|(_, count)| *count != 0.0) else {
            return Ok(());
        };
        faults.broken(Rule::NativeHistogram, || {
            let (threshold, name) = (Shown(threshold), shown(self.name));
            format!(
                "the bucket of `{name}` with the index {index} is within the zero threshold {threshold} but is not empty"
            )
        })
    }

    /// Checks that the count is the sum of the buckets. Values that are not a number are in no bucket, but make the sum of
    /// all values NaN.
    fn check_native_count(self, native: &NativeHistogram, faults: &mut impl Faults) -> Result {
        let (count, total) = (native.count(), counts(native).sum::<f64>());
        // NaN and infinite counts are discouraged, but legal. They say nothing about the buckets.
        let is_good = !count.is_finite()
            || (count - total).abs() <= tolerance(native)
            || native.sum().is_nan() && count > total;
        if is_good {
            return Ok(());
        }
        let is_refused = faults.has_whole_buckets() && has_whole_totals(native);
        faults.broken_or_refused(is_refused, Rule::NativeCount, || {
            let [count, total] = [count, total].map(Shown);
            let name = shown(self.name);
            format!("`{name}` has the count {count}, but its buckets hold {total}")
        })
    }
}

/// Returns the counts of all buckets.
fn counts(native: &NativeHistogram) -> impl Iterator<Item = f64> + '_ {
    let sides = [native.positive(), native.negative()];
    let sides = sides.into_iter().flat_map(NativeBuckets::counts).copied();
    sides.chain([native.zero_count()])
}

/// Returns how much the count may differ from the sum of the buckets because their sum is rounded.
fn tolerance(native: &NativeHistogram) -> f64 {
    const RELATIVE: f64 = 1e-9;
    /// Whole numbers up to here have exact sums.
    const EXACT: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
    let is_exact = |count: f64| count.fract() == 0.0 && count.abs() <= EXACT;
    let count = native.count();
    let are_exact = counts(native).chain([count]).all(is_exact);
    if are_exact {
        0.0
    } else {
        count.abs() * RELATIVE
    }
}

/// Returns whether Prometheus may read a native histogram as whole numbers, of which it checks the sum.
fn has_whole_totals(native: &NativeHistogram) -> bool {
    let totals = [native.count(), native.zero_count()];
    totals.iter().all(|count| count.fract() == 0.0)
}
