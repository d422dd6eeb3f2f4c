//! Exemplars.

use super::{Checker, Report, Result, place::Part};
use crate::{MetricType, Rule, SampleRef, Suffix, error::shown};

impl Checker {
    pub(super) fn check_exemplar(
        &self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        const LONGEST: usize = 128;
        let Some(exemplar) = sample.exemplar() else {
            return Ok(());
        };
        let is_here = matches!(
            (self.kind, suffix),
            (MetricType::Counter, Suffix::Total)
                | (
                    MetricType::GaugeHistogram | MetricType::Histogram,
                    Suffix::Bucket
                )
        );
        if !is_here {
            report.broken_in(sample, Part::Exemplar, Rule::ExemplarPlace, || {
                format!(
                    "`{}` has an exemplar, but is neither the total of a counter nor a bucket",
                    shown(&sample.name().decode())
                )
            })?;
        }
        let sum = |length: fn(&str) -> usize| -> usize {
            let labels = exemplar.labels();
            let lengths =
                labels.map(|(name, value)| length(&name.decode()) + length(&value.decode()));
            lengths.sum()
        };
        // There are never more characters than bytes, which need not be counted.
        if sum(str::len) <= LONGEST {
            return Ok(());
        }
        let length = sum(|text| text.chars().count());
        if length > LONGEST {
            report.broken_in(sample, Part::Exemplar, Rule::ExemplarLength, || {
                format!("the labels of the exemplar have {length} characters, more than {LONGEST}")
            })?;
        }
        Ok(())
    }
}
