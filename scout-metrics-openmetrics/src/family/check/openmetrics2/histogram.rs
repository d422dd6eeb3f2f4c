//! Histograms and gauge histograms, from the sections "Histogram", "Classic Buckets" and "GaugeHistogram".

use crate::{
    HistogramValue, Rule, SampleRef,
    error::shown,
    family::check::{Checker, Report, Result, number::Shown, place::Part},
};

/// A histogram and where it is.
#[derive(Clone, Copy)]
pub(super) struct Subject<'h> {
    pub(super) sample: SampleRef<'h, 'h>,
    pub(super) histogram: &'h HistogramValue,
    /// Whether it is of something that goes up and down.
    pub(super) is_gauge: bool,
}

impl Checker {
    /// Checks a histogram, whatever the type of the family is.
    pub(super) fn check_histogram_value(
        &self,
        subject: Subject<'_>,
        report: &mut Report,
    ) -> Result {
        let Subject {
            sample,
            histogram,
            is_gauge,
        } = subject;
        if !is_gauge && histogram.count() < 0.0 {
            self.report_negative(subject, "the count", histogram.count(), report)?;
        }
        if histogram.buckets().len() > 0 {
            self.check_no_part_label(sample, "le", Rule::BucketBound, report)?;
            self.check_classic(subject, report)?;
        }
        match histogram.native() {
            Some(native) => self.check_native(subject, native, report),
            None => Ok(()),
        }
    }

    fn check_classic(&self, subject: Subject<'_>, report: &mut Report) -> Result {
        let Subject {
            histogram,
            is_gauge,
            ..
        } = subject;
        let mut buckets = histogram.buckets();
        // The difference of two histograms has negative buckets, which need not rise.
        let is_difference =
            is_gauge && (histogram.count() < 0.0 || buckets.clone().any(|(_, value)| value < 0.0));
        let mut before = None;
        for (threshold, value) in buckets.by_ref() {
            if !is_gauge && value < 0.0 {
                self.report_negative(subject, "a bucket", value, report)?;
            }
            if let Some((threshold_before, value_before)) = before.replace((threshold, value)) {
                if threshold <= threshold_before {
                    self.report_threshold_order(subject, threshold, report)?;
                }
                if value < value_before && !is_difference {
                    self.report_fall(subject, value, report)?;
                }
            }
        }
        if is_difference {
            Ok(())
        } else {
            self.check_infinite(subject, report)
        }
    }

    /// Checks that the bucket `+Inf` holds as many as the count says.
    fn check_infinite(&self, subject: Subject<'_>, report: &mut Report) -> Result {
        let count = subject.histogram.count();
        let mut buckets = subject.histogram.buckets();
        let infinite = buckets.find(|(threshold, _)| *threshold == f64::INFINITY);
        let Some((_, infinite)) = infinite else {
            return Ok(());
        };
        if count == infinite || count.is_nan() && infinite.is_nan() {
            return Ok(());
        }
        report.broken_in(subject.sample, Part::Value, Rule::HistogramCount, || {
            let [count, infinite] = [count, infinite].map(Shown);
            let name = shown(&self.name);
            format!("`{name}` has the count {count}, but its bucket `+Inf` holds {infinite}")
        })
    }

    /// Reports a negative value, which Prometheus refuses in native histograms.
    pub(super) fn report_negative(
        &self,
        subject: Subject<'_>,
        what: &str,
        value: f64,
        report: &mut Report,
    ) -> Result {
        let is_refused = subject.histogram.native().is_some();
        let (part, rule) = (Part::Value, Rule::HistogramValue);
        report.broken_or_refused(is_refused, subject.sample, part, rule, || {
            let (value, name) = (Shown(value), shown(&self.name));
            format!("{what} of `{name}` is {value}, expected zero or more")
        })
    }

    /// Reports thresholds that do not rise. Prometheus does not look at them next to native buckets.
    fn report_threshold_order(
        &self,
        subject: Subject<'_>,
        threshold: f64,
        report: &mut Report,
    ) -> Result {
        let is_refused = subject.histogram.native().is_none();
        let (part, rule) = (Part::Value, Rule::BucketOrder);
        report.broken_or_refused(is_refused, subject.sample, part, rule, || {
            let (threshold, name) = (Shown(threshold), shown(&self.name));
            format!(
                "the threshold {threshold} of a bucket of `{name}` is not greater than that of the bucket before"
            )
        })
    }

    fn report_fall(&self, subject: Subject<'_>, value: f64, report: &mut Report) -> Result {
        report.broken_in(subject.sample, Part::Value, Rule::BucketsCumulative, || {
            self.describe_fall(&Shown(value).to_string())
        })
    }
}
