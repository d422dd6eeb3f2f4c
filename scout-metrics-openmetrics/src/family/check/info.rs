//! Infos.

use super::{Checker, Report, Result};
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
        report.broken(Rule::InfoValue, || {
            format!(
                "expected 1, the value of an info, found {}",
                shown(sample.value_text())
            )
        })
    }
}
