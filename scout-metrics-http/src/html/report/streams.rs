//! Streams, the worst first.

use scout_metrics_core::{
    Severity, Stream,
    chart::{SeverityBar, Sparkline},
};

use super::{facts::Facts, trends::Trends};
use crate::html::{Delta, Headline, Level, Name, failing, is_apart, worst_first};

/// A row of the table of streams.
pub(super) struct StreamView<'a> {
    pub(super) name: Name<'a>,
    pub(super) level: Level,
    pub(super) letter: char,
    pub(super) bar: SeverityBar,
    /// A change for each earlier snapshot.
    pub(super) deltas: Vec<Delta>,
    pub(super) failing: usize,
    pub(super) policies: usize,
    pub(super) spark: Option<Sparkline>,
    /// Whether the stream is not in the totals.
    pub(super) is_apart: bool,
    counts: [Option<u64>; Severity::ALL.len()],
}

impl<'a> StreamView<'a> {
    pub(super) fn new(
        stream: &'a Stream,
        level: Level,
        facts: &Facts<'_>,
        trends: Option<&Trends<'_>>,
    ) -> Self {
        let earlier = facts.earlier(stream);
        let counts = stream.vulnerabilities();
        Self {
            name: Name(stream.name().as_str()),
            level,
            letter: Headline::new(level, stream).letter,
            bar: SeverityBar::new(counts).decorative(),
            deltas: earlier
                .map(|(_, before)| Delta::of_streams(before, stream))
                .collect(),
            failing: failing(stream).count(),
            policies: stream.policies().len(),
            spark: trends.map(|trends| trends.spark(stream.name())),
            is_apart: is_apart(&facts.content.snapshot, stream),
            counts: Severity::ALL.map(|severity| counts.get(severity)),
        }
    }

    /// Returns the class, the label and the text of each count.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&'static str, char, String)> + '_ {
        let severities = Severity::ALL.into_iter().zip(self.counts);
        severities.map(|(severity, count)| {
            let class = match (severity, count) {
                (_, None | Some(0)) => "zero",
                (Severity::Critical, _) => "n-critical",
                (Severity::High, _) => "n-high",
                _ => "",
            };
            (class, severity.letter(), shown(count))
        })
    }
}

/// Returns the streams with their levels, the worst first.
pub(super) fn ranked<'a>(facts: &Facts<'a>) -> Vec<(&'a Stream, Level)> {
    let levels = facts.content.snapshot.streams().iter().map(|stream| {
        let before = facts.earlier(stream).next().and_then(|(_, before)| before);
        (stream, Level::of(stream, before))
    });
    let mut streams: Vec<_> = levels.collect();
    streams.sort_by_cached_key(|(stream, level)| worst_first(*level, stream));
    streams
}

/// Returns a count, or a dash if it was not reported.
pub(super) fn shown(count: Option<u64>) -> String {
    count.map_or_else(|| "–".to_owned(), |count| count.to_string())
}
