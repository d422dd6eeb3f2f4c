//! The anomalies of one exposition, bounded in number and in memory.

use std::{collections::HashSet, mem};

use foldhash::quality::RandomState;
use scout_metrics_core::{Anomaly, AnomalyKind, Error, ErrorKind, RawSample, Result};

use super::series::SeriesKey;
use crate::{Rule, SampleRef};

/// The maximum number of anomalies. Docker Scout's expositions have few or none, but a label or a family that is new
/// to us makes an anomaly of each of its samples: 100,000 are twenty thousand streams with five severities.
const MAX_COUNT: usize = 100_000;

/// The maximum memory for anomalies in bytes: 32 MiB hold about 60,000 samples with four labels. An exporter keeps the
/// last snapshot while it reads the next one, and the texts that it serves, so it needs a few times as much.
const MAX_BYTES: usize = 32 << 20;

/// The cost of an allocation beyond its bytes.
const ALLOCATION: usize = 16;

/// The message about a series that occurs twice.
pub(super) const DUPLICATE: &str = "duplicate series, the first value is kept";

/// Collects anomalies. Whatever would exceed a bound is an error before it takes memory.
#[derive(Debug, Default)]
pub(super) struct AnomalyList {
    anomalies: Vec<Anomaly>,
    bytes: usize,
    broken_rules: Vec<BrokenRule>,
}

/// A format rule that was broken and forgiven. One anomaly reports all lines that broke it.
#[derive(Debug)]
struct BrokenRule {
    rule: Rule,
    first_line: u64,
    lines: u64,
}

impl AnomalyList {
    /// Adds an anomaly without a sample.
    pub(super) fn push(
        &mut self,
        kind: AnomalyKind,
        message: impl Into<String>,
        line: u64,
    ) -> Result<()> {
        let message = message.into();
        self.reserve(&message, line, 0)?;
        self.anomalies
            .push(Anomaly::new(kind, message).with_line(line));
        Ok(())
    }

    /// Adds an anomaly of a sample that is in a stream.
    pub(super) fn push_placed(
        &mut self,
        kind: AnomalyKind,
        message: impl Into<String>,
        sample: SampleRef<'_, '_>,
        line: u64,
    ) -> Result<()> {
        let message = message.into();
        self.reserve(&message, line, bytes_of(sample))?;
        let anomaly = Anomaly::new(kind, message).with_line(line);
        self.anomalies.push(anomaly.with_sample(raw(sample)));
        Ok(())
    }

    /// Adds an anomaly of a sample that is in no stream.
    pub(super) fn push_unplaced(
        &mut self,
        kind: AnomalyKind,
        message: impl Into<String>,
        sample: SampleRef<'_, '_>,
        line: u64,
    ) -> Result<()> {
        let message = message.into();
        self.reserve(&message, line, bytes_of(sample))?;
        let anomaly = Anomaly::new(kind, message).with_line(line);
        self.anomalies.push(anomaly.with_unplaced(raw(sample)));
        Ok(())
    }

    /// Adds an anomaly of a series that is in no stream, given by its parts.
    pub(super) fn push_unplaced_series(
        &mut self,
        kind: AnomalyKind,
        message: impl Into<String>,
        (name, labels, value): (&str, &[(&str, &str)], f64),
        line: u64,
    ) -> Result<()> {
        let message = message.into();
        let lengths = labels.iter().map(|(name, value)| name.len() + value.len());
        self.reserve(&message, line, sample_bytes(name.len(), lengths))?;
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let raw = RawSample::new(name, labels.collect(), value);
        let anomaly = Anomaly::new(kind, message).with_line(line);
        self.anomalies.push(anomaly.with_unplaced(raw));
        Ok(())
    }

    /// Adds a rule that a line breaks. No data depends on it, so each rule is reported once.
    pub(super) fn push_broken_rule(&mut self, rule: Rule, line: u64) {
        match self
            .broken_rules
            .iter_mut()
            .find(|known| known.rule == rule)
        {
            Some(known) => known.lines += 1,
            None => self.broken_rules.push(BrokenRule {
                rule,
                first_line: line,
                lines: 1,
            }),
        }
    }

    /// Returns the anomalies in the order of their lines.
    pub(super) fn finish(mut self) -> Result<Vec<Anomaly>> {
        for BrokenRule {
            rule,
            first_line,
            lines,
        } in mem::take(&mut self.broken_rules)
        {
            let more = match lines {
                1 => String::new(),
                lines => format!(" in {lines} lines"),
            };
            let message = format!(
                "format rule `{}` is broken{more}: {}",
                rule.id(),
                rule.broken_text()
            );
            self.reserve(&message, first_line, rule.id().len())?;
            let anomaly = Anomaly::new(AnomalyKind::Deviation, message);
            self.anomalies
                .push(anomaly.with_line(first_line).with_rule(rule.id()));
        }
        self.anomalies.sort_by_key(Anomaly::line);
        mark_duplicates(&mut self.anomalies);
        Ok(self.anomalies)
    }

    /// Counts an anomaly that is about to be added.
    fn reserve(&mut self, message: &str, line: u64, sample: usize) -> Result<()> {
        let bytes = size_of::<Anomaly>() + ALLOCATION + message.len() + sample;
        self.bytes = self.bytes.saturating_add(bytes);
        let limit = if self.anomalies.len() >= MAX_COUNT {
            format!("{MAX_COUNT} anomalies")
        } else if self.bytes > MAX_BYTES {
            format!("{MAX_BYTES} bytes of anomalies")
        } else {
            return Ok(());
        };
        let message =
            format!("more than the limit of {limit}, the last one: {message} (line {line})");
        Err(Error::new(ErrorKind::Limit, message))
    }
}

/// Returns at most how much memory a copy of a sample takes.
fn bytes_of(sample: SampleRef<'_, '_>) -> usize {
    let lengths = sample
        .labels()
        .map(|(name, value)| name.raw().len() + value.raw().len());
    sample_bytes(sample.name().raw().len(), lengths)
}

fn sample_bytes(name: usize, labels: impl Iterator<Item = usize>) -> usize {
    let of_label = size_of::<(String, String)>() + 2 * ALLOCATION;
    let labels: usize = labels.map(|length| of_label + length).sum();
    2 * ALLOCATION + name + labels
}

fn raw(sample: SampleRef<'_, '_>) -> RawSample {
    let labels = sample
        .labels()
        .map(|(name, value)| (name.decode().into_owned(), value.decode().into_owned()));
    RawSample::new(sample.name().decode(), labels.collect(), sample.value())
}

/// Marks samples that are in no stream and repeat the series of an earlier one, because an exposition cannot hold a
/// series twice. Samples that are in a stream were compared when they were placed.
fn mark_duplicates(anomalies: &mut [Anomaly]) {
    let mut seen: HashSet<SeriesKey<'_>, RandomState> = HashSet::default();
    let mut repeats = Vec::new();
    for (place, anomaly) in anomalies.iter().enumerate() {
        let sample = anomaly.sample().filter(|_| anomaly.is_unplaced());
        if sample.is_some_and(|sample| !seen.insert(sample.into())) {
            repeats.push(place);
        }
    }
    for place in repeats {
        let mut marked = Anomaly::new(AnomalyKind::DuplicateSample, DUPLICATE);
        if let Some(line) = anomalies[place].line() {
            marked = marked.with_line(line);
        }
        if let Some(sample) = anomalies[place].sample() {
            marked = marked.with_sample(sample.clone());
        }
        anomalies[place] = marked;
    }
}
