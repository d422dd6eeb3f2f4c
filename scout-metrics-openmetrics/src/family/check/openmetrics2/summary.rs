//! Summaries, from the section "Summary".

use super::Faults;
use crate::{
    Rule, SummaryValue,
    error::shown,
    family::check::{
        Result,
        number::{Shown, is_count, is_natural},
    },
};

/// A summary and the name of its family.
#[derive(Clone, Copy)]
pub(super) struct Subject<'s> {
    pub(super) name: &'s str,
    pub(super) summary: &'s SummaryValue,
}

impl Subject<'_> {
    pub(super) fn check(self, faults: &mut impl Faults) -> Result {
        let summary = self.summary;
        let count = summary.count().filter(|count| !is_count(*count));
        if let Some(count) = count {
            self.report_total("count", count, "a whole number, zero or more", faults)?;
        }
        let sum = summary.sum().filter(|sum| !is_natural(*sum));
        if let Some(sum) = sum {
            self.report_total("sum", sum, "zero or more", faults)?;
        }
        let mut before = f64::NEG_INFINITY;
        for (quantile, value) in summary.quantiles() {
            self.check_one_quantile(quantile, before, faults)?;
            if value < 0.0 {
                self.report_quantile_value(value, faults)?;
            }
            before = quantile;
        }
        Ok(())
    }

    fn check_one_quantile(self, quantile: f64, before: f64, faults: &mut impl Faults) -> Result {
        let name = || shown(self.name);
        if quantile <= before {
            // Prometheus refuses this as well.
            return faults.broken_or_refused(true, Rule::QuantileOrder, || {
                let (quantile, name) = (Shown(quantile), name());
                format!("the quantile {quantile} of `{name}` is not greater than the one before")
            });
        }
        if (0.0..=1.0).contains(&quantile) {
            return Ok(());
        }
        faults.broken(Rule::QuantileRange, || {
            let (quantile, name) = (Shown(quantile), name());
            format!("`{name}` has the quantile {quantile}, expected a number from 0 to 1")
        })
    }

    fn report_quantile_value(self, value: f64, faults: &mut impl Faults) -> Result {
        faults.broken(Rule::QuantileValue, || {
            let (value, name) = (Shown(value), shown(self.name));
            format!("a quantile of `{name}` has the value {value}, expected zero or more")
        })
    }

    fn report_total(
        self,
        field: &str,
        value: f64,
        expected: &str,
        faults: &mut impl Faults,
    ) -> Result {
        faults.broken(Rule::SummaryCount, || {
            let (value, name) = (Shown(value), shown(self.name));
            format!("`{name}` has the {field} {value}, expected {expected}")
        })
    }
}
