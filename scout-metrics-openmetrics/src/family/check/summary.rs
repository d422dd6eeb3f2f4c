//! Summaries.

use super::{
    Checker, Report, Result,
    number::{is_count, is_natural},
};
use crate::{Rule, SampleRef, Suffix, error::shown, number::parse_value};

impl Checker {
    pub(super) fn check_summary(
        &self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        let value = sample.value();
        let is_good = match suffix {
            Suffix::Count => is_count(value),
            Suffix::Sum => is_natural(value),
            Suffix::None => return self.check_quantile(sample, report),
            _ => true,
        };
        if self.point_value(sample).is_some() {
            report.broken(Rule::QuantileRange, || {
                let name = sample.name().decode();
                format!(
                    "`{}` is not a quantile but has the label `quantile`",
                    shown(&name)
                )
            })?;
        }
        if is_good {
            return Ok(());
        }
        report.broken(Rule::SummaryCount, || {
            format!(
                "`{}` cannot have the value {}",
                shown(&sample.name().decode()),
                shown(sample.value_text())
            )
        })
    }

    pub(super) fn check_quantile(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        let text = self.point_value(sample);
        let quantile = text.as_deref().and_then(|text| parse_value(text).ok());
        if !quantile.is_some_and(|quantile| (0.0..=1.0).contains(&quantile)) {
            report.broken(Rule::QuantileRange, || match text {
                Some(text) => {
                    format!(
                        "expected a number from 0 to 1 in the label `quantile`, found {:?}",
                        shown(&text)
                    )
                }
                None => format!(
                    "expected a label `quantile` or one of the suffixes of the summary `{}`",
                    shown(&self.name)
                ),
            })?;
        }
        if sample.value() < 0.0 {
            report.broken(Rule::QuantileValue, || {
                format!(
                    "expected a quantile that is not negative, found {}",
                    shown(sample.value_text())
                )
            })?;
        }
        Ok(())
    }
}
