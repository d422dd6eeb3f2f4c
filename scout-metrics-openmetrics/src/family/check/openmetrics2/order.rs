//! Which samples may follow each other, from the sections "Metric" and "StateSet".

use std::mem;

use crate::{
    MetricType, Rule, SampleRef, Timestamp,
    error::shown,
    family::{
        check::{
            Checker, Report, Result,
            key::{Group, KeyNames},
            place::Part,
        },
        labels::LabelHashes,
    },
};

/// The sample before: what a sample has to follow.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::family::check) struct Before {
    /// The identity of the metric, and the timestamp.
    metric: Option<(u64, Option<Timestamp>)>,
    /// The group of states, if it is one.
    group: Group,
}

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
        match self.before.metric.replace((key, timestamp)) {
            Some((before, timestamp_before)) if before == key => {
                match (timestamp_before, timestamp) {
                    (None, None) => self.report_repeated(sample, report),
                    (Some(before), Some(here)) if before < here => Ok(()),
                    (Some(_), Some(_)) => self.report_not_later(sample, report),
                    _ => self.report_mixed_timestamps(sample, report),
                }
            }
            _ => {
                if !self.seen.insert(key) {
                    self.report_split_metric(report)?;
                }
                if self.kind == MetricType::StateSet {
                    self.check_group(names, labels, report)?;
                }
                Ok(())
            }
        }
    }

    /// Checks that the states of a group follow each other, and so do the groups with the same value of their first label.
    ///
    /// The latter is what the section's example of interleaved groups breaks: `entity="controller"` comes again after
    /// `entity="replica"`, but each group, which is the metrics that differ in the state alone, is in one piece.
    fn check_group(
        &mut self,
        names: KeyNames,
        labels: LabelHashes<'_>,
        report: &mut Report,
    ) -> Result {
        let group = names.group(labels);
        let before = mem::replace(&mut self.before.group, group);
        let is_new_group = before.key == group.key || self.seen.insert(group.key);
        let is_new_start = before.start == group.start || self.seen.insert(group.start);
        if is_new_group && is_new_start {
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
