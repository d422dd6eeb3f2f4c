//! The rules of Prometheus text about the samples of a family, from its description's sections "Grouping and sorting" and
//! "Histograms and summaries".

use super::{
    super::labels::LabelHashes,
    Checker, Report, Result,
    distribution::Fall,
    number::is_count,
    place::{Part, Place},
};
use crate::{MetricType, Rule, SampleRef, Suffix, error::shown, number::parse_value};

impl Checker {
    pub(super) fn check_series(
        &mut self,
        sample: SampleRef<'_, '_>,
        labels: LabelHashes<'_>,
        report: &mut Report,
    ) -> Result {
        let key = self.series_key(sample, labels);
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

    /// Checks a sample of a histogram or summary.
    pub(super) fn check_distribution(
        &mut self,
        sample: SampleRef<'_, '_>,
        labels: LabelHashes<'_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        let is_histogram = match self.kind {
            MetricType::GaugeHistogram | MetricType::Histogram => true,
            MetricType::Summary => false,
            _ => return Ok(()),
        };
        let key = self.metric_key(sample, labels);
        match suffix {
            Suffix::Bucket => self.check_text_bucket(sample, key, report),
            Suffix::None if !is_histogram => self.check_text_quantile(sample, key, report),
            _ if !is_histogram => self.check_no_quantile(sample, report),
            _ => self.check_count_or_sum(sample, suffix, key, report),
        }
    }

    fn check_text_bucket(
        &mut self,
        sample: SampleRef<'_, '_>,
        key: u64,
        report: &mut Report,
    ) -> Result {
        let line = report.line;
        let Some(bound) = self.read_bound(sample, Rule::LabelValueNumber, report)? else {
            return Ok(());
        };
        let value = sample.value();
        let metric = self.distributions.open(key, line);
        metric.is_no_count |= !is_count(value);
        let Some((bound_before, value_before)) = metric.point.push_bucket(bound.value, value)
        else {
            return Ok(());
        };
        if value < value_before && metric.fall.is_none() {
            metric.fall = Some(Fall {
                place: Place::of(sample, Part::Value, line),
                value: shown(sample.value_text()),
            });
        }
        if bound.value <= bound_before {
            self.report_bound_order(sample, &bound, report)?;
        }
        Ok(())
    }

    fn check_count_or_sum(
        &mut self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        key: u64,
        report: &mut Report,
    ) -> Result {
        self.check_no_bound(sample, report)?;
        let value = sample.value();
        let metric = self.distributions.open(key, report.line);
        if matches!(suffix, Suffix::Count | Suffix::GCount) {
            metric.is_no_count |= !is_count(value);
        }
        metric.point.set(suffix, value);
        if suffix != Suffix::None {
            return Ok(());
        }
        report.broken_in(sample, Part::Name, Rule::HistogramSuffix, || {
            let name = shown(&self.name);
            format!("a sample of the histogram `{name}` has none of the suffixes `_bucket`, `_count` and `_sum`")
        })
    }

    fn check_text_quantile(
        &mut self,
        sample: SampleRef<'_, '_>,
        key: u64,
        report: &mut Report,
    ) -> Result {
        let Some((part, text)) = self.point_value(sample) else {
            return self.report_no_quantile(sample, report);
        };
        let name = || shown(&self.name);
        let Ok(quantile) = parse_value(&text) else {
            return report.broken_in(sample, part, Rule::LabelValueNumber, || {
                let text = shown(&text);
                format!(
                    "the label `quantile` of `{}` is {text:?}, expected a number",
                    name()
                )
            });
        };
        let metric = self.distributions.open(key, report.line);
        let before = metric.point.push_bucket(quantile, sample.value());
        // NaN is neither greater nor less.
        if before.is_none_or(|(before, _)| before < quantile) {
            return Ok(());
        }
        report.broken_in(sample, part, Rule::QuantileOrder, || {
            let (text, name) = (shown(&text), name());
            format!("the quantile {text:?} of `{name}` is not greater than the one before")
        })
    }
}
