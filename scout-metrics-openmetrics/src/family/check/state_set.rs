//! State sets.

use super::{Checker, Report, Result};
use crate::{Rule, SampleRef, error::shown};

impl Checker {
    pub(super) fn check_state_set(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        if self.point_value(sample).is_none() {
            report.broken(Rule::StateSetLabel, || {
                format!(
                    "expected a label `{}`, which names the state",
                    shown(&self.name)
                )
            })?;
        }
        if sample.value() == 0.0 || sample.value() == 1.0 {
            return Ok(());
        }
        report.broken(Rule::StateSetValue, || {
            format!(
                "expected 0 or 1, the value of a state, found {}",
                shown(sample.value_text())
            )
        })
    }
}
