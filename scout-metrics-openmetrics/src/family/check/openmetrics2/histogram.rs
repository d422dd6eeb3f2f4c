//! Histograms and gauge histograms, from the sections "Histogram", "Classic Buckets" and "GaugeHistogram".

use super::Faults;
use crate::{
    HistogramValue, Rule,
    error::shown,
    family::check::{Result, histogram::describe_fall, number::Shown},
};

/// A histogram and the name of its family.
#[derive(Clone, Copy)]
pub(super) struct Subject<'h> {
    pub(super) name: &'h str,
    pub(super) histogram: &'h HistogramValue,
    /// Whether it is of something that goes up and down.
    pub(super) is_gauge: bool,
}

impl Subject<'_> {
    pub(super) fn check(self, faults: &mut impl Faults) -> Result {
        let histogram = self.histogram;
        if !self.is_gauge && histogram.count() < 0.0 {
            self.report_negative("the count", histogram.count(), faults)?;
        }
        if histogram.buckets().len() > 0 {
            self.check_classic(faults)?;
        }
        match histogram.native() {
            Some(native) => self.check_native(native, faults),
            None => Ok(()),
        }
    }

    fn check_classic(self, faults: &mut impl Faults) -> Result {
        let Subject {
            histogram,
            is_gauge,
            ..
        } = self;
        let mut buckets = histogram.buckets();
        // The difference of two histograms has negative buckets, which need not rise.
        let is_difference =
            is_gauge && (histogram.count() < 0.0 || buckets.clone().any(|(_, value)| value < 0.0));
        let mut threshold_before = f64::NEG_INFINITY;
        let mut value_before = f64::NEG_INFINITY;
        for (place, (threshold, value)) in buckets.by_ref().enumerate() {
            if !is_gauge && value < 0.0 {
                self.report_negative("a bucket", value, faults)?;
            }
            if place > 0 && threshold <= threshold_before {
                self.report_threshold_order(threshold, faults)?;
            }
            if value < value_before && !is_difference {
                self.report_fall(value, faults)?;
            }
            threshold_before = threshold;
            // A bucket that holds NaN does not hide that the next one falls.
            if !value.is_nan() {
                value_before = value;
            }
        }
        if is_difference {
            Ok(())
        } else {
            self.check_infinite(faults)
        }
    }

    /// Checks that the bucket `+Inf` holds as many as the count says.
    fn check_infinite(self, faults: &mut impl Faults) -> Result {
        let count = self.histogram.count();
        let mut buckets = self.histogram.buckets();
        let infinite = buckets.find(|(threshold, _)| *threshold == f64::INFINITY);
        let Some((_, infinite)) = infinite else {
            return Ok(());
        };
        if count == infinite || count.is_nan() && infinite.is_nan() {
            return Ok(());
        }
        faults.broken(Rule::HistogramCount, || {
            let [count, infinite] = [count, infinite].map(Shown);
            let name = shown(self.name);
            format!("`{name}` has the count {count}, but its bucket `+Inf` holds {infinite}")
        })
    }

    /// Reports a negative value, which Prometheus refuses in native histograms.
    pub(super) fn report_negative(
        self,
        what: &str,
        value: f64,
        faults: &mut impl Faults,
    ) -> Result {
        let is_refused = self.histogram.native().is_some();
        faults.broken_or_refused(is_refused, Rule::HistogramValue, || {
            let (value, name) = (Shown(value), shown(self.name));
            format!("{what} of `{name}` is {value}, expected zero or more")
        })
    }

    /// Reports thresholds that do not rise. Prometheus does not look at them next to native buckets.
    fn report_threshold_order(self, threshold: f64, faults: &mut impl Faults) -> Result {
        let is_refused = self.histogram.native().is_none();
        faults.broken_or_refused(is_refused, Rule::BucketOrder, || {
            let (threshold, name) = (Shown(threshold), shown(self.name));
            format!(
                "the threshold {threshold} of a bucket of `{name}` is not greater than that of the bucket before"
            )
        })
    }

    fn report_fall(self, value: f64, faults: &mut impl Faults) -> Result {
        faults.broken(Rule::BucketsCumulative, || {
            describe_fall(self.name, &Shown(value).to_string())
        })
    }
}
