//! The rules of Prometheus text.

use std::borrow::Cow;

use super::{super::labels::LabelHashes, Checker, Report, Result};
use crate::{MetricType, Rule, SampleRef, Suffix, error::shown, number::parse_value};

impl Checker {
    pub(super) fn check_number_labels(
        &self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        let name = match (self.kind, suffix) {
            (MetricType::GaugeHistogram | MetricType::Histogram, Suffix::Bucket) => "le",
            (MetricType::Summary, Suffix::None) => "quantile",
            _ => return Ok(()),
        };
        match label(sample, name) {
            Some(value) if parse_value(&value).is_err() => {
                report.broken(Rule::LabelValueNumber, || {
                    format!(
                        "expected a number in the label `{name}`, found {:?}",
                        shown(&value)
                    )
                })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn check_series(
        &mut self,
        sample: SampleRef<'_, '_>,
        labels: LabelHashes<'_>,
        report: &mut Report,
    ) -> Result {
        let key = self.key(sample, labels);
        if self.seen.insert(key) {
            return Ok(());
        }
        report.broken(Rule::DuplicateSeries, || {
            format!(
                "the series of `{}` with these labels occurs in an earlier line",
                shown(&sample.name().decode())
            )
        })
    }
}

fn label<'a>(sample: SampleRef<'_, 'a>, name: &str) -> Option<Cow<'a, str>> {
    sample
        .labels()
        .find(|(found, _)| *found == *name)
        .map(|(_, value)| value.decode())
}
