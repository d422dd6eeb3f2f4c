//! State sets.

use super::{Checker, Report, Result, place::Part};
use crate::{Rule, SampleRef, error::shown};

impl Checker {
    pub(super) fn check_state_set(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        if self.point_value(sample).is_none() {
            report.broken_in(sample, Part::Name, Rule::StateSetLabel, || {
                self.describe_no_state()
            })?;
        }
        if sample.value() == 0.0 || sample.value() == 1.0 {
            return Ok(());
        }
        report.broken_in(sample, Part::Value, Rule::StateSetValue, || {
            self.describe_state(sample)
        })
    }

    /// Says that a sample lacks the label of its state.
    pub(super) fn describe_no_state(&self) -> String {
        let name = shown(&self.name);
        format!("a sample of the state set `{name}` has no label `{name}`, which names the state")
    }

    /// Says which value a state has that it should not have.
    pub(super) fn describe_state(&self, sample: SampleRef<'_, '_>) -> String {
        format!(
            "a state of `{}` has the value {}, expected 0 or 1",
            shown(&self.name),
            shown(sample.value_text())
        )
    }
}
