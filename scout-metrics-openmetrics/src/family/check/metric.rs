//! Metrics and points of OpenMetrics.

use super::{super::labels::LabelHashes, Checker, Report, Result};
use crate::{MetricType, Rule, SampleRef, Timestamp, error::shown};

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

impl Checker {
    pub(super) fn check_metric(
        &mut self,
        sample: SampleRef<'_, '_>,
        labels: LabelHashes<'_>,
        report: &mut Report,
    ) -> Result {
        let key = self.key(sample, labels);
        let timestamp = sample.timestamp();
        match &mut self.metric {
            Some(metric) if metric.key == key => {
                let before = metric.timestamp;
                if before.is_some() != timestamp.is_some() {
                    report.broken(Rule::TimestampMix, || {
                        "some samples of the metric have a timestamp and some have none".to_owned()
                    })?;
                }
                if timestamp < before && timestamp.is_some() {
                    report.broken(Rule::TimestampOrder, || {
                        "the timestamp is earlier than that of the sample before".to_owned()
                    })?;
                }
                if timestamp != before {
                    self.finish_point(report)?;
                }
            }
            _ => {
                self.finish_point(report)?;
                if !self.seen.insert(key) {
                    report.broken(Rule::InterleavedMetrics, || {
                        "the metric is split: other metrics appear between its samples".to_owned()
                    })?;
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

    /// Checks that a point is complete and starts the next.
    pub(super) fn finish_point(&mut self, report: &mut Report) -> Result {
        let Some(metric) = &mut self.metric else {
            return Ok(());
        };
        let line = metric.line;
        let point = std::mem::take(&mut metric.point);
        match self.kind {
            MetricType::Counter if !point.has_total => {
                report.broken_at(line, Rule::CounterTotal, || {
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
