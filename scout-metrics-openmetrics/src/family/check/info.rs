//! Infos.

use super::{Checker, Report, Result, place::Part};
use crate::{Rule, SampleRef, Suffix, error::shown};

impl Checker {
    pub(super) fn check_info(
        &self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        if suffix != Suffix::Info || sample.value() == 1.0 {
            return Ok(());
        }
        report.broken_in(sample, Part::Value, Rule::InfoValue, || {
            format!(
                "the info `{}` has the value {}, expected 1",
                shown(&sample.name().decode()),
                shown(sample.value_text())
            )
        })
    }
}
