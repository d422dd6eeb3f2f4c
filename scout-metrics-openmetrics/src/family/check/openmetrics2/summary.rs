//! Summaries, from the section "Summary".

use crate::{
    Rule, SampleRef, SummaryValue,
    error::shown,
    family::check::{
        Checker, Report, Result,
        number::{Shown, is_count, is_natural},
        place::Part,
    },
};

impl Checker {
    /// Checks a summary, whatever the type of the family is.
    pub(super) fn check_summary_value(
        &self,
        sample: SampleRef<'_, '_>,
        summary: &SummaryValue,
        report: &mut Report,
    ) -> Result {
        self.check_no_part_label(sample, "quantile", Rule::QuantileRange, report)?;
        let count = summary.count().filter(|count| !is_count(*count));
        if let Some(count) = count {
            self.report_total(
                sample,
                "count",
                count,
                "a whole number, zero or more",
                report,
            )?;
        }
        let sum = summary.sum().filter(|sum| !is_natural(*sum));
        if let Some(sum) = sum {
            self.report_total(sample, "sum", sum, "zero or more", report)?;
        }
        let mut before = f64::NEG_INFINITY;
        for (quantile, value) in summary.quantiles() {
            self.check_one_quantile(sample, quantile, before, report)?;
            if value < 0.0 {
                self.report_quantile_value(sample, value, report)?;
            }
            before = quantile;
        }
        Ok(())
    }

    fn check_one_quantile(
        &self,
        sample: SampleRef<'_, '_>,
        quantile: f64,
        before: f64,
        report: &mut Report,
    ) -> Result {
        let name = || shown(&self.name);
        if quantile <= before {
            // Prometheus refuses this as well.
            return report.refused_in(sample, Part::Value, Rule::QuantileOrder, || {
                let (quantile, name) = (Shown(quantile), name());
                format!("the quantile {quantile} of `{name}` is not greater than the one before")
            });
        }
        if (0.0..=1.0).contains(&quantile) {
            return Ok(());
        }
        report.broken_in(sample, Part::Value, Rule::QuantileRange, || {
            let (quantile, name) = (Shown(quantile), name());
            format!("`{name}` has the quantile {quantile}, expected a number from 0 to 1")
        })
    }

    fn report_quantile_value(
        &self,
        sample: SampleRef<'_, '_>,
        value: f64,
        report: &mut Report,
    ) -> Result {
        report.broken_in(sample, Part::Value, Rule::QuantileValue, || {
            let (value, name) = (Shown(value), shown(&self.name));
            format!("a quantile of `{name}` has the value {value}, expected zero or more")
        })
    }

    fn report_total(
        &self,
        sample: SampleRef<'_, '_>,
        field: &str,
        value: f64,
        expected: &str,
        report: &mut Report,
    ) -> Result {
        report.broken_in(sample, Part::Value, Rule::SummaryCount, || {
            let (value, name) = (Shown(value), shown(&self.name));
            format!("`{name}` has the {field} {value}, expected {expected}")
        })
    }
}
