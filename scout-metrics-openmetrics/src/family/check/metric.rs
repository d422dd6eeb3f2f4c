//! Metrics and points of OpenMetrics.

use super::{
    super::labels::LabelHashes,
    Checker, Report, Result,
    place::{Part, Place},
};
use crate::{MetricType, Rule, SampleRef, Suffix, TextFormat, Timestamp, error::shown};

/// The metric that is being read.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) key: u64,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) line: u64,
    pub(super) point: Point,
}

/// The point that is being read, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Point {
    /// Bound and value of the last bucket.
    pub(super) bucket: Option<(f64, f64)>,
    pub(super) has_negative_bound: bool,
    /// The value of the bucket `+Inf`.
    pub(super) infinite: Option<f64>,
    pub(super) count: Option<f64>,
    pub(super) sum: Option<f64>,
    pub(super) has_total: bool,
}

impl Point {
    /// Remembers a bucket. Returns the bound and the value of the one before.
    pub(super) fn push_bucket(&mut self, bound: f64, value: f64) -> Option<(f64, f64)> {
        self.has_negative_bound |= bound < 0.0;
        if bound == f64::INFINITY {
            self.infinite = Some(value);
        }
        self.bucket.replace((bound, value))
    }

    /// Remembers the count or the sum.
    pub(super) fn set(&mut self, suffix: Suffix, value: f64) {
        match suffix {
            Suffix::Count | Suffix::GCount => self.count = Some(value),
            Suffix::Sum | Suffix::GSum => self.sum = Some(value),
            _ => {}
        }
    }
}

impl Checker {
    pub(super) fn check_metric(
        &mut self,
        sample: SampleRef<'_, '_>,
        labels: LabelHashes<'_>,
        report: &mut Report,
    ) -> Result {
        let key = self.metric_key(sample, labels);
        let timestamp = sample.timestamp();
        match &mut self.metric {
            Some(metric) if metric.key == key => {
                let before = metric.timestamp;
                if before.is_some() != timestamp.is_some() {
                    self.report_mixed_timestamps(sample, report)?;
                }
                if timestamp < before && timestamp.is_some() {
                    report.broken_in(sample, Part::Timestamp, Rule::TimestampOrder, || {
                        let name = shown(&sample.name().decode());
                        format!(
                            "the timestamp of `{name}` is earlier than that of the sample before"
                        )
                    })?;
                }
                if timestamp != before {
                    self.finish_point(report)?;
                }
            }
            _ => {
                self.finish_point(report)?;
                if !self.seen.insert(key) {
                    self.report_split_metric(report)?;
                }
                self.metric = None;
            }
        }
        let metric = self.metric.get_or_insert(Metric {
            key,
            timestamp,
            line: report.line,
            point: Point::default(),
        });
        metric.timestamp = timestamp;
        metric.line = report.line;
        Ok(())
    }

    pub(super) fn report_split_metric(&self, report: &mut Report) -> Result {
        report.broken(Rule::InterleavedMetrics, || {
            let name = shown(&self.name);
            format!("a metric of `{name}` is split: other metrics appear between its samples")
        })
    }

    pub(super) fn report_mixed_timestamps(
        &self,
        sample: SampleRef<'_, '_>,
        report: &mut Report,
    ) -> Result {
        report.broken(Rule::TimestampMix, || {
            let (here, before) = match sample.timestamp() {
                Some(_) => ("a", "no"),
                None => ("no", "a"),
            };
            let name = shown(&sample.name().decode());
            format!("`{name}` has {here} timestamp, but the sample before has {before} timestamp")
        })
    }

    /// Checks that a point is complete and starts the next.
    pub(super) fn finish_point(&mut self, report: &mut Report) -> Result {
        let has_points = self.format == TextFormat::OpenMetrics
            && matches!(
                self.kind,
                MetricType::Counter | MetricType::GaugeHistogram | MetricType::Histogram
            );
        let Some(metric) = self.metric.as_mut().filter(|_| has_points) else {
            return Ok(());
        };
        let line = metric.line;
        let point = std::mem::take(&mut metric.point);
        match self.kind {
            MetricType::Counter if !point.has_total => {
                report.broken_at(Place::start_of(line), Rule::CounterTotal, || {
                    format!(
                        "the counter `{}` has no sample `{}_total`",
                        shown(&self.name),
                        shown(&self.name)
                    )
                })
            }
            MetricType::GaugeHistogram | MetricType::Histogram => {
                self.finish_histogram(&point, line, report)
            }
            _ => Ok(()),
        }
    }
}
