//! A family on its way into a format, and the parts that the format can express.

use super::losses::Losses;
use crate::{
    CompositeValue, Encoder, EscapingScheme, Exemplar, Format, LabelSet, Lost, MetricFamily,
    MetricType, Sample, Suffix, Timestamp, group::place, names::is_reserved_label,
};

/// A family in the terms of a format, and what its sources lost on the way.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) family: MetricFamily,
    pub(super) sources: Vec<Source>,
    pub(super) losses: Losses,
}

/// A part of the caller's families, or all samples of it that have one suffix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// The place of the part.
    pub(super) part: usize,
    pub(super) suffix: Option<Suffix>,
}

impl Draft {
    /// Creates a draft of one source, of which everything is left out that the format cannot express.
    pub(super) fn new(part: usize, family: MetricFamily, format: Format) -> Self {
        let mut draft = Self {
            family,
            sources: vec![Source { part, suffix: None }],
            losses: Losses::default(),
        };
        draft.leave_out_metadata(format);
        draft.leave_out_samples(format);
        draft.leave_out_exemplars(format);
        draft
    }

    /// Adds a loss of the first source.
    pub(super) fn lose(&mut self, lost: Lost) {
        self.losses.add(self.sources[0].part, lost);
    }

    /// Adds a loss of a number of things, unless there are none.
    pub(super) fn count(&mut self, count: usize, lost: fn(usize) -> Lost) {
        if count > 0 {
            self.lose(lost(count));
        }
    }

    fn leave_out_metadata(&mut self, format: Format) {
        if format == Format::Protobuf {
            return;
        }
        let (name, kind) = (self.family.name().to_owned(), self.family.kind());
        let can_express = |help: &str, unit: &str| {
            let mut encoder = Encoder::new(String::new(), format);
            encoder.family(&name, kind, help, unit).is_ok()
        };
        let has_none = matches!(kind, MetricType::Info | MetricType::StateSet);
        let unit = self.family.unit().to_owned();
        if !unit.is_empty() && (has_none || !can_express("", &unit)) {
            self.family.set_unit("");
            self.lose(Lost::Unit { unit });
        }
        let before = self.family.help().to_owned();
        if !can_express(&before, "") {
            let after = expressible_help(&before, |help| can_express(help, ""));
            self.family.set_help(after.clone());
            self.lose(Lost::Help { before, after });
        }
    }

    fn leave_out_samples(&mut self, format: Format) {
        let before = self.family.samples().len();
        self.family
            .retain(|sample| is_valid(sample.labels(), format));
        let count = before - self.family.samples().len();
        self.count(count, |count| Lost::InvalidLabels { count });
    }

    fn leave_out_exemplars(&mut self, format: Format) {
        let kind = self.family.kind();
        let mut count = 0;
        for sample in self.family.samples_mut() {
            let exemplars = sample.exemplars().iter();
            let fit = exemplars.filter(|it| has_exemplar(format, kind, sample, it));
            let kept: Vec<_> = match format {
                Format::OpenMetrics2 => fit.cloned().collect(),
                Format::Protobuf if sample.composite().is_some() => {
                    let fit: Vec<_> = fit.cloned().collect();
                    kept_in_buckets(sample, fit)
                }
                _ => fit.take(1).cloned().collect(),
            };
            if kept.len() < sample.exemplars().len() {
                count += sample.exemplars().len() - kept.len();
                *sample = sample.clone().with_exemplars(kept);
            }
        }
        self.count(count, |count| Lost::Exemplars { count });
    }

    /// Rounds timestamps down to milliseconds, and leaves out those that are beyond 64 bits of them.
    pub(super) fn round_timestamps(&mut self) {
        let (mut rounded, mut left_out) = (0, 0);
        for sample in self.family.samples_mut() {
            let exact = |timestamp: &Timestamp| timestamp.to_millis().is_some();
            let Some(timestamp) = sample.timestamp().filter(|it| !exact(it)) else {
                continue;
            };
            let sample_before = sample.clone();
            *sample = match round_down(timestamp) {
                Some(timestamp) => {
                    rounded += 1;
                    sample_before.with_timestamp(timestamp)
                }
                None => {
                    left_out += 1;
                    sample_before.without_timestamp()
                }
            };
        }
        self.count(rounded, |count| Lost::TimestampPrecision { count });
        self.count(left_out, |count| Lost::Timestamps { count });
    }
}

/// Returns the longest part of a help text that a format can express.
fn expressible_help(help: &str, can_express: impl Fn(&str) -> bool) -> String {
    let start = help.trim_start_matches([' ', '\t']);
    let candidates = [
        help.trim_end_matches('\r'),
        start,
        start.trim_end_matches('\r'),
    ];
    let found = candidates.into_iter().find(|help| can_express(help));
    found.unwrap_or_default().to_owned()
}

/// Returns the exemplars of a histogram that a bucket is free for, or all next to native buckets.
fn kept_in_buckets(sample: &Sample, exemplars: Vec<Exemplar>) -> Vec<Exemplar> {
    let histogram = sample.composite().and_then(CompositeValue::histogram);
    match histogram {
        Some(histogram) if histogram.native().is_some() => exemplars,
        Some(histogram) => {
            let bounds: Vec<f64> = histogram.buckets().map(|(bound, _)| bound).collect();
            place(&bounds, &exemplars, false)
                .of_buckets
                .into_iter()
                .flatten()
                .cloned()
                .collect()
        }
        None => Vec::new(),
    }
}

/// Returns whether labels have names that differ, and none that is the metric's or reserved.
pub(super) fn is_valid(labels: &LabelSet, format: Format) -> bool {
    let mut names: Vec<&str> = labels.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    let is_repeated = names.windows(2).any(|pair| pair[0] == pair[1]);
    let is_reserved = |name: &&str| match format {
        Format::OpenMetrics2 => is_reserved_label(name),
        _ => *name == "__name__",
    };
    !is_repeated && !names.iter().any(is_reserved)
}

/// Returns whether a sample can have an exemplar (OpenMetrics 1.0, sections Exemplars, Counter and Histogram).
fn has_exemplar(format: Format, kind: MetricType, sample: &Sample, exemplar: &Exemplar) -> bool {
    let is_here = match (format, kind, sample.suffix()) {
        (Format::Prometheus, _, _) => false,
        (Format::OpenMetrics2, _, _) => exemplar.timestamp().is_some(),
        (Format::Protobuf, MetricType::Counter, Suffix::None) => true,
        (Format::Protobuf, _, _) => sample.composite().is_some(),
        (Format::OpenMetrics, MetricType::Counter, Suffix::Total)
        | (
            Format::OpenMetrics,
            MetricType::GaugeHistogram | MetricType::Histogram,
            Suffix::Bucket,
        ) => true,
        (Format::OpenMetrics, _, _) => false,
    };
    let is_short = format != Format::OpenMetrics || is_short(exemplar, EscapingScheme::AllowUtf8);
    is_here && is_short && is_valid(exemplar.labels(), format)
}

/// Returns whether the labels of an exemplar are as short as OpenMetrics 1.0 demands, with their names in a scheme.
pub(super) fn is_short(exemplar: &Exemplar, scheme: EscapingScheme) -> bool {
    const LONGEST: usize = 128;
    let length = |(name, value): (&str, &str)| {
        scheme.escape_label_name(name).chars().count() + value.chars().count()
    };
    let labels = exemplar.labels().iter();
    labels.map(length).sum::<usize>() <= LONGEST
}

/// Returns the last millisecond before a timestamp, if Prometheus text can express it.
fn round_down(timestamp: Timestamp) -> Option<Timestamp> {
    const NANOS_PER_MILLI: i128 = 1_000_000;
    let millis = timestamp.as_nanos().div_euclid(NANOS_PER_MILLI);
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}
