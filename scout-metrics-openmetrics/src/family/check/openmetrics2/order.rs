//! Which samples may follow each other, from the sections "Metric" and "StateSet".

use crate::{
    MetricType, Rule, SampleRef,
    error::shown,
    family::{
        check::{
            Checker, Report, Result,
            metric::{Metric, Point},
            place::Part,
        },
        labels::LabelHashes,
    },
};

impl Checker {
    /// Checks that a sample continues the metric of the one before at a later time, or starts a new metric.
    pub(super) fn check_order(
        &mut self,
        sample: SampleRef<'_, '_>,
        labels: LabelHashes<'_>,
        report: &mut Report,
    ) -> Result {
        let names = self.key_names(sample);
        let key = names.whole_key(labels);
        let timestamp = sample.timestamp();
        match self.metric.as_ref().filter(|metric| metric.key == key) {
            None => {
                if !self.seen.insert(key) {
                    self.report_split_metric(report)?;
                }
                if self.kind == MetricType::StateSet {
                    self.check_group(names.group_key(labels), report)?;
                }
            }
            Some(before) => match (before.timestamp, timestamp) {
                (None, None) => self.report_repeated(sample, report)?,
                (Some(before), Some(here)) if before < here => {}
                (Some(_), Some(_)) => self.report_not_later(sample, report)?,
                _ => self.report_mixed_timestamps(sample, report)?,
            },
        }
        self.metric = Some(Metric {
            key,
            timestamp,
            line: report.line,
            point: Point::default(),
        });
        Ok(())
    }

    /// Checks that the states of a group follow each other.
    fn check_group(&mut self, key: u64, report: &mut Report) -> Result {
        if self.group.replace(key) == Some(key) || self.seen.insert(key) {
            return Ok(());
        }
        report.broken(Rule::InterleavedMetrics, || {
            let name = shown(&self.name);
            format!(
                "a group of states of `{name}` is split: other groups appear between its samples"
            )
        })
    }

    fn report_repeated(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        report.broken_in(sample, Part::Name, Rule::DuplicateSeries, || {
            let name = shown(&self.name);
            format!("`{name}` has a second sample with these labels and without a timestamp")
        })
    }

    fn report_not_later(&self, sample: SampleRef<'_, '_>, report: &mut Report) -> Result {
        report.broken_in(sample, Part::Timestamp, Rule::TimestampOrder, || {
            let name = shown(&self.name);
            format!("the timestamp of `{name}` is not later than that of the sample before")
        })
    }
}
