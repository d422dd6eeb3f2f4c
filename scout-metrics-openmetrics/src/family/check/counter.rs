//! Counters.

use super::{Checker, Report, Result, number::is_natural, place::Part};
use crate::{Rule, SampleRef, Suffix, error::shown};

impl Checker {
    pub(super) fn check_counter(
        &mut self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        if suffix != Suffix::Total {
            return Ok(());
        }
        if let Some(metric) = &mut self.metric {
            metric.point.has_total = true;
        }
        if is_natural(sample.value()) {
            return Ok(());
        }
        report.broken_in(sample, Part::Value, Rule::CounterValue, || {
            describe_counter(sample)
        })
    }
}

/// Says which value a counter has that it should not have.
pub(super) fn describe_counter(sample: SampleRef<'_, '_>) -> String {
    format!(
        "the counter `{}` has the value {}, expected zero or more",
        shown(&sample.name().decode()),
        shown(sample.value_text())
    )
}
