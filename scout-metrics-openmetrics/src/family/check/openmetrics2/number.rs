//! Numbers, from the sections about the types that have them.

use crate::{
    MetricType, Rule, SampleRef, Suffix,
    error::shown,
    family::check::{
        Checker, Report, Result, counter::describe_counter, number::is_natural, place::Part,
    },
};

impl Checker {
    /// Checks a value that is one number.
    pub(super) fn check_number(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        match self.kind {
            MetricType::Counter => self.check_counter_value(sample, report),
            MetricType::Gauge | MetricType::Unknown => Ok(()),
            MetricType::GaugeHistogram | MetricType::Histogram | MetricType::Summary => {
                self.report_number(sample, report)
            }
            MetricType::Info => self.check_info(sample, Suffix::Info, report),
            MetricType::StateSet => self.check_state(sample, report),
        }
    }

    fn check_counter_value(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        let value = sample.value();
        if is_natural(value) {
            return Ok(());
        }
        // Prometheus accepts negative counters.
        let is_refused = value.is_nan() && self.type_line == MetricType::Counter;
        report.broken_or_refused(is_refused, sample, Part::Value, Rule::CounterValue, || {
            describe_counter(sample)
        })
    }

    fn check_state(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        let is_refused = self.type_line == MetricType::StateSet;
        if self.point_value(sample).is_none() {
            let (part, rule) = (Part::Name, Rule::StateSetLabel);
            report
                .broken_or_refused(is_refused, sample, part, rule, || self.describe_no_state())?;
        }
        if sample.value() == 0.0 || sample.value() == 1.0 {
            return Ok(());
        }
        let (part, rule) = (Part::Value, Rule::StateSetValue);
        report.broken_or_refused(is_refused, sample, part, rule, || {
            self.describe_state(sample)
        })
    }

    fn report_number(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        let is_refused = is_composite(self.type_line);
        let (part, rule) = (Part::Value, Rule::CompositeType);
        report.broken_or_refused(is_refused, sample, part, rule, || {
            let start = match self.kind {
                MetricType::GaugeHistogram => "gcount",
                _ => "count",
            };
            format!(
                "the {} `{}` has the number {} as its value, expected `{{{start}:...}}`",
                self.kind,
                shown(&self.name),
                shown(sample.value_text())
            )
        })
    }
}

/// Returns whether a type has composite values.
pub(super) fn is_composite(kind: MetricType) -> bool {
    matches!(
        kind,
        MetricType::GaugeHistogram | MetricType::Histogram | MetricType::Summary
    )
}
