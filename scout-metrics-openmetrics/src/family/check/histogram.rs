//! Histograms and gauge histograms.

use std::borrow::Cow;

use super::{
    Checker, Report, Result,
    metric::Point,
    number::{is_count, is_natural},
    place::{Part, Place},
};
use crate::{MetricType, Rule, SampleRef, Suffix, error::shown, number::parse_value};

/// The bound of a bucket.
pub(super) struct Bound<'a> {
    pub(super) value: f64,
    /// The label.
    part: Part,
    text: Cow<'a, str>,
}

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
            report.broken_in(sample, Part::Value, Rule::HistogramValue, || {
                let expected = match suffix {
                    Suffix::Sum => "zero or more",
                    Suffix::GSum => "a number",
                    _ => "a whole number that is not negative",
                };
                format!(
                    "`{}` has the value {}, expected {expected}",
                    shown(&sample.name().decode()),
                    shown(sample.value_text())
                )
            })?;
        }
        if suffix == Suffix::Bucket {
            return self.check_bucket(sample, report);
        }
        self.check_no_bound(sample, report)?;
        if let Some(metric) = &mut self.metric {
            metric.point.set(suffix, value);
        }
        Ok(())
    }

    fn check_bucket(&mut self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        let Some(bound) = self.read_bound(sample, Rule::BucketBound, report)? else {
            return Ok(());
        };
        let Some(metric) = &mut self.metric else {
            return Ok(());
        };
        let before = metric.point.push_bucket(bound.value, sample.value());
        let Some((bound_before, value_before)) = before else {
            return Ok(());
        };
        if bound.value <= bound_before {
            self.report_bound_order(sample, &bound, report)?;
        }
        if sample.value() < value_before {
            report.broken_in(sample, Part::Value, Rule::BucketsCumulative, || {
                self.describe_fall(&shown(sample.value_text()))
            })?;
        }
        Ok(())
    }

    /// Reads the bound of a bucket. `not_a_number` is the rule that a bound which is not a number breaks.
    pub(super) fn read_bound<'a>(
        &self,
        sample: SampleRef<'_, 'a>,
        not_a_number: Rule,
        report: &mut Report,
    ) -> Result<Option<Bound<'a>>> {
        let name = || shown(&self.name);
        let Some((part, text)) = self.point_value(sample) else {
            report.broken_in(sample, Part::Name, Rule::BucketBound, || {
                let name = name();
                format!("a bucket of `{name}` has no label `le`, the bound of the bucket")
            })?;
            return Ok(None);
        };
        let value = parse_value(&text).ok();
        let Some(value) = value.filter(|value| !value.is_nan()) else {
            let rule = match value {
                Some(_) => Rule::BucketBound,
                None => not_a_number,
            };
            report.broken_in(sample, part, rule, || {
                let text = shown(&text);
                format!(
                    "the label `le` of a bucket of `{}` is {text:?}, expected a number",
                    name()
                )
            })?;
            return Ok(None);
        };
        if value == f64::INFINITY && text != "+Inf" {
            report.broken_in(sample, part, Rule::InfiniteBucket, || {
                let text = shown(&text);
                format!(
                    "the label `le` of a bucket of `{}` is {text:?}, expected \"+Inf\"",
                    name()
                )
            })?;
        }
        Ok(Some(Bound { value, part, text }))
    }

    /// Checks a sample of a histogram that is not a bucket.
    pub(super) fn check_no_bound(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        let Some((part, _)) = self.point_value(sample) else {
            return Ok(());
        };
        report.broken_in(sample, part, Rule::BucketBound, || {
            let name = sample.name().decode();
            format!("`{}` is not a bucket but has the label `le`", shown(&name))
        })
    }

    pub(super) fn report_bound_order(
        &self,
        sample: SampleRef<'_, '_>,
        bound: &Bound<'_>,
        report: &mut Report,
    ) -> Result {
        report.broken_in(sample, bound.part, Rule::BucketOrder, || {
            format!(
                "the bound {:?} of a bucket of `{}` is not greater than that of the bucket before",
                shown(&bound.text),
                shown(&self.name)
            )
        })
    }

    pub(super) fn describe_fall(&self, value: &str) -> String {
        describe_fall(&self.name, value)
    }

    pub(super) fn finish_histogram(&self, point: &Point, line: u64, report: &mut Report) -> Result {
        let place = Place::start_of(line);
        if point.infinite.is_none() {
            self.report_no_infinite_bucket(line, report)?;
        }
        if point.count.is_some() != point.sum.is_some() {
            report.broken_at(place, Rule::HistogramCount, || {
                let [has, lacks] = match point.count {
                    Some(_) => ["count", "sum"],
                    None => ["sum", "count"],
                };
                format!(
                    "the histogram `{}` has a {has} but no {lacks}",
                    shown(&self.name)
                )
            })?;
        }
        if let (Some(count), Some(infinite)) = (point.count, point.infinite)
            && count != infinite
        {
            self.report_count(count, infinite, line, report)?;
        }
        let Some(sum) = point.sum else {
            return Ok(());
        };
        let (is_wrong, what) = match self.kind {
            MetricType::GaugeHistogram => (
                sum < 0.0 && !point.has_negative_bound,
                "a negative sum but no bucket with a negative bound",
            ),
            _ => (
                point.has_negative_bound,
                "a sum and a bucket with a negative bound",
            ),
        };
        if is_wrong {
            report.broken_at(place, Rule::HistogramSum, || {
                format!("the {} `{}` has {what}", self.kind, shown(&self.name))
            })?;
        }
        Ok(())
    }

    pub(super) fn report_no_infinite_bucket(&self, line: u64, report: &mut Report) -> Result {
        report.broken_at(Place::start_of(line), Rule::InfiniteBucket, || {
            let name = shown(&self.name);
            format!("the histogram `{name}` has no bucket with `le=\"+Inf\"`")
        })
    }

    pub(super) fn report_count(
        &self,
        count: f64,
        infinite: f64,
        line: u64,
        report: &mut Report,
    ) -> Result {
        report.broken_at(Place::start_of(line), Rule::HistogramCount, || {
            format!(
                "the histogram `{}` has the count {count}, but its bucket `+Inf` holds {infinite}",
                shown(&self.name)
            )
        })
    }
}

/// Says that a bucket of a family holds fewer than the one before.
pub(super) fn describe_fall(name: &str, value: &str) -> String {
    let name = shown(name);
    format!("a bucket of `{name}` holds {value}, fewer than the bucket before")
}
