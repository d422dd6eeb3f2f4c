//! A stream on a page that lists streams.

use scout_metrics_core::{PolicyResult, Stream, chart::Sparkline};

use super::{
    board::{Earlier, Listed},
    links::Segment,
    past::{Counts, StreamPast},
    time::Time,
};
use crate::{
    exporter::paths::{link, stream_page_of},
    html::{Age, Delta, Headline, Name, Severities, failing},
};

/// The number of days of a trend line.
const TREND_DAYS: usize = 30;

/// The card of a stream.
pub(super) struct Card<'a> {
    pub(super) class: &'static str,
    pub(super) link: String,
    pub(super) name: Name<'a>,
    pub(super) organization: &'a str,
    pub(super) headline: Headline,
    pub(super) changes: Option<Changes>,
    pub(super) severities: Severities<'a>,
    pub(super) trend: Option<Sparkline>,
    /// The number of policies.
    pub(super) policies: usize,
    /// The policy that fails first, if one fails.
    pub(super) failing: Option<Failing<'a>>,
    /// Remarks that a reader must know to trust the numbers.
    pub(super) notes: Vec<&'static str>,
    pub(super) old: Option<Age>,
}

/// The changes since yesterday and since a week ago.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changes {
    pub(super) day: Delta,
    pub(super) week: Delta,
}

/// The policies of a stream that fail.
pub(super) struct Failing<'a> {
    pub(super) count: usize,
    pub(super) first: Name<'a>,
    pub(super) compliant: u64,
    pub(super) evaluated: u64,
    pub(super) since: Option<Since>,
}

/// Since when a policy has failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    pub(super) time: Time,
    pub(super) is_at_least: bool,
}

impl<'a> Card<'a> {
    /// Returns the card of a stream. Links start with a prefix.
    pub(super) fn new(listed: &Listed<'a>, root: &str) -> Self {
        let stream = listed.stream;
        Self {
            class: listed.level.class(),
            link: link_to(listed, root),
            name: Name(stream.name().as_str()),
            organization: listed.organization.as_str(),
            headline: Headline::new(listed.level, stream),
            changes: Changes::of(listed),
            severities: Severities::new(stream.vulnerabilities()),
            trend: listed.past.and_then(trend),
            policies: stream.policies().len(),
            failing: Failing::of(listed),
            notes: notes(listed),
            old: listed.old.map(Age),
        }
    }
}

/// Returns the link to the page of a stream.
pub(super) fn link_to(listed: &Listed<'_>, root: &str) -> String {
    let segment = Segment(listed.stream.name());
    link(root, stream_page_of(listed.organization, segment))
}

impl Changes {
    /// Returns the changes of a stream, unless nothing is known of both times.
    pub(super) fn of(listed: &Listed<'_>) -> Option<Self> {
        let earlier = [listed.yesterday, listed.last_week];
        let is_known = earlier.iter().any(|earlier| earlier.stream().is_some());
        let [day, week] = earlier.map(|earlier| Delta::of_streams(earlier.stream(), listed.stream));
        is_known.then_some(Self { day, week })
    }
}

impl<'a> Failing<'a> {
    fn of(listed: &Listed<'a>) -> Option<Self> {
        let first = failing(listed.stream).next()?;
        Some(Self {
            count: failing(listed.stream).count(),
            first: Name(policy_name(first)),
            compliant: first.compliant(),
            evaluated: first.evaluated(),
            since: since(first, listed.past),
        })
    }
}

/// Returns since when a policy has failed in a stream, if it fails and that is known.
pub(super) fn since(result: &PolicyResult, past: Option<&StreamPast>) -> Option<Since> {
    let failing = past?.failing(result.policy().id())?;
    Some(Since {
        time: Time::new(failing.since),
        is_at_least: failing.is_at_least,
    })
}

/// Returns the name of a policy for people.
pub(super) fn policy_name(result: &PolicyResult) -> &str {
    match result.policy().display_name() {
        "" => result.policy().id().as_str(),
        display_name => display_name,
    }
}

fn trend(past: &StreamPast) -> Option<Sparkline> {
    let days = &past.days[past.days.len() - TREND_DAYS..];
    let is_trend = days.iter().flatten().count() > 1;
    let values = days.iter().map(|day| serious(day.as_ref()?));
    is_trend.then(|| Sparkline::new("critical and high in 30 days", values))
}

/// Returns the sum of critical and high vulnerabilities.
fn serious(counts: &Counts) -> Option<u64> {
    let [critical, high, ..] = *counts;
    Some(u64::from(critical?) + u64::from(high?))
}

fn notes(listed: &Listed<'_>) -> Vec<&'static str> {
    let mut notes = Vec::new();
    let mut note = |is_so, note| {
        if is_so {
            notes.push(note);
        }
    };
    note(listed.yesterday == Earlier::Absent, "new since yesterday");
    note(listed.is_apart, "not in the totals");
    note(
        contradicts_itself(listed.stream),
        "a policy has contradictory counts",
    );
    notes
}

fn contradicts_itself(stream: &Stream) -> bool {
    let mut policies = stream.policies().iter();
    policies.any(|result| result.compliant() > result.evaluated())
}
