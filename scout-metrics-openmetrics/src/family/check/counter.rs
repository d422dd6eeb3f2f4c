//! Counters.

use super::{Checker, Report, Result, number::is_natural};
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
        report.broken(Rule::CounterValue, || {
            format!(
                "expected a counter that is not negative, found {}",
                shown(sample.value_text())
            )
        })
    }
}
