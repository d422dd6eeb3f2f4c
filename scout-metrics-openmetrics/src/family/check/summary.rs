//! Summaries.

use super::{
    Checker, Report, Result,
    number::{is_count, is_natural},
    place::Part,
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
        self.check_no_quantile(sample, report)?;
        if is_good {
            return Ok(());
        }
        report.broken_in(sample, Part::Value, Rule::SummaryCount, || {
            let expected = match suffix {
                Suffix::Count => "a whole number that is not negative",
                _ => "zero or more",
            };
            format!(
                "`{}` has the value {}, expected {expected}",
                shown(&sample.name().decode()),
                shown(sample.value_text())
            )
        })
    }

    /// Checks a sample of a summary that is not a quantile.
    pub(super) fn check_no_quantile(
        &self,
        sample: SampleRef<'_, '_>,
        report: &mut Report,
    ) -> Result {
        let Some((part, _)) = self.point_value(sample) else {
            return Ok(());
        };
        report.broken_in(sample, part, Rule::QuantileRange, || {
            format!(
                "`{}` is not a quantile but has the label `quantile`",
                shown(&sample.name().decode())
            )
        })
    }

    pub(super) fn check_quantile(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        let Some((part, text)) = self.point_value(sample) else {
            return self.report_no_quantile(sample, report);
        };
        let quantile = parse_value(&text);
        if !quantile.is_ok_and(|quantile| (0.0..=1.0).contains(&quantile)) {
            report.broken_in(sample, part, Rule::QuantileRange, || {
                format!(
                    "the label `quantile` of `{}` is {:?}, expected a number from 0 to 1",
                    shown(&self.name),
                    shown(&text)
                )
            })?;
        }
        if sample.value() < 0.0 {
            report.broken_in(sample, Part::Value, Rule::QuantileValue, || {
                format!(
                    "a quantile of `{}` has the value {}, expected zero or more",
                    shown(&self.name),
                    shown(sample.value_text())
                )
            })?;
        }
        Ok(())
    }

    pub(super) fn report_no_quantile(
        &self,
        sample: SampleRef<'_, '_>,
        report: &mut Report,
    ) -> Result {
        report.broken_in(sample, Part::Name, Rule::QuantileRange, || {
            format!(
                "a sample of the summary `{}` has no label `quantile` and none of the suffixes `_count` and `_sum`",
                shown(&self.name)
            )
        })
    }
}
