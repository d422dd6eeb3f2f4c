//! Histograms and gauge histograms.

use super::{
    Checker, Report, Result,
    metric::{Metric, Point},
    number::{is_count, is_natural},
};
use crate::{MetricType, Rule, SampleRef, Suffix, error::shown, number::parse_value};

impl Checker {
    pub(super) fn check_histogram(
        &mut self,
        sample: SampleRef<'_, '_>,
        suffix: Suffix,
        report: &mut Report,
    ) -> Result {
        let value = sample.value();
        let is_good = match suffix {
            Suffix::Bucket | Suffix::Count | Suffix::GCount => is_count(value),
            Suffix::Sum => is_natural(value),
            Suffix::GSum => !value.is_nan(),
            _ => true,
        };
        if !is_good {
            report.broken(Rule::HistogramValue, || {
                format!(
                    "`{}` cannot have the value {}",
                    shown(&sample.name().decode()),
                    shown(sample.value_text())
                )
            })?;
        }
        if suffix == Suffix::Bucket {
            return self.check_bucket(sample, report);
        }
        if self.point_value(sample).is_some() {
            report.broken(Rule::BucketBound, || {
                let name = sample.name().decode();
                format!("`{}` is not a bucket but has the label `le`", shown(&name))
            })?;
        }
        let Some(metric) = &mut self.metric else {
            return Ok(());
        };
        match suffix {
            Suffix::Count | Suffix::GCount => metric.point.count = Some(value),
            Suffix::Sum | Suffix::GSum => metric.point.sum = Some(value),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn check_bucket(
        &mut self,
        sample: SampleRef<'_, '_>,
        report: &mut Report,
    ) -> Result {
        let bound_text = self.point_value(sample);
        let bound = bound_text
            .as_deref()
            .and_then(|text| parse_value(text).ok());
        let Some(bound) = bound.filter(|bound| !bound.is_nan()) else {
            return report.broken(Rule::BucketBound, || match bound_text {
                Some(text) => format!(
                    "expected a number in the label `le`, found {:?}",
                    shown(&text)
                ),
                None => "expected a label `le`, the bound of the bucket".to_owned(),
            });
        };
        if bound == f64::INFINITY && bound_text.as_deref() != Some("+Inf") {
            report.broken(Rule::InfiniteBucket, || {
                format!(
                    "expected `+Inf` in the label `le`, found {:?}",
                    shown(bound_text.as_deref().unwrap_or_default())
                )
            })?;
        }
        let Some(Metric { point, .. }) = &mut self.metric else {
            return Ok(());
        };
        let before = point.bucket.replace((bound, sample.value()));
        point.has_negative_bound |= bound < 0.0;
        if bound == f64::INFINITY {
            point.infinite = Some(sample.value());
        }
        let Some((bound_before, value_before)) = before else {
            return Ok(());
        };
        if bound <= bound_before {
            report.broken(Rule::BucketOrder, || {
                format!(
                    "the bound {:?} is not greater than that of the bucket before",
                    shown(bound_text.as_deref().unwrap_or_default())
                )
            })?;
        }
        if sample.value() < value_before {
            report.broken(Rule::BucketsCumulative, || {
                format!(
                    "the bucket holds {}, fewer than the bucket before",
                    shown(sample.value_text())
                )
            })?;
        }
        Ok(())
    }

    pub(super) fn finish_histogram(&self, point: &Point, line: u64, report: &mut Report) -> Result {
        if point.infinite.is_none() {
            report.broken_at(line, Rule::InfiniteBucket, || {
                format!(
                    "a metric of the histogram `{}` has no bucket `+Inf`",
                    shown(&self.name)
                )
            })?;
        }
        if point.count.is_some() != point.sum.is_some() {
            report.broken_at(line, Rule::HistogramCount, || {
                format!(
                    "a metric of the histogram `{}` has a count or a sum but not both",
                    shown(&self.name)
                )
            })?;
        }
        if point.count.is_some() && point.infinite.is_some() && point.count != point.infinite {
            report.broken_at(line, Rule::HistogramCount, || {
                format!(
                    "the count of the histogram `{}` differs from its bucket `+Inf`",
                    shown(&self.name)
                )
            })?;
        }
        let Some(sum) = point.sum else {
            return Ok(());
        };
        let (is_wrong, what) = match self.kind {
            MetricType::GaugeHistogram => (
                sum < 0.0 && !point.has_negative_bound,
                "a negative sum but no negative bound",
            ),
            _ => (point.has_negative_bound, "a sum and a negative bound"),
        };
        if is_wrong {
            report.broken_at(line, Rule::HistogramSum, || {
                format!(
                    "a metric of the histogram `{}` has {what}",
                    shown(&self.name)
                )
            })?;
        }
        Ok(())
    }
}
