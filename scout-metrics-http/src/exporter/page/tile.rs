//! An organization in a few numbers.

use scout_metrics_core::{
    Severity, Snapshot, Stream, VulnerabilityCounts, chart::SeverityBar, chart::Short,
};

use super::{
    board::{Failure, Good, Known, State},
    past::Past,
};
use crate::{
    exporter::paths::{link, page_of},
    html::{Age, Delta, Totals, word},
};

/// The tile of an organization.
pub(super) struct Tile {
    pub(super) name: String,
    pub(super) link: String,
    pub(super) class: &'static str,
    pub(super) content: Result<Sums, Trouble>,
}

/// The sums of an organization.
pub(super) struct Sums {
    /// The class, the letter and the number of each severity.
    pub(super) counts: [(&'static str, char, Option<Short>); Severity::ALL.len()],
    pub(super) bar: SeverityBar,
    pub(super) streams: usize,
    /// The critical and high vulnerabilities of `latest-indexed`, if it is apart.
    pub(super) latest_indexed: Option<VulnerabilityCounts>,
    /// The changes since yesterday and since a week ago, if one is known.
    pub(super) changes: Option<[Delta; 2]>,
    pub(super) age: Age,
    pub(super) is_old: bool,
    pub(super) anomalies: usize,
    /// Why the last fetch failed, although an older answer is shown.
    pub(super) failure: Option<Failure>,
}

/// Why an organization has no numbers.
pub(super) struct Trouble {
    pub(super) what: &'static str,
    pub(super) reason: String,
    pub(super) advice: &'static str,
    /// The age of the last good answer.
    pub(super) last: Option<Age>,
}

impl Tile {
    pub(super) fn new(known: &Known<'_>, root: &str) -> Self {
        let content = match &known.state {
            State::Good(good) => Ok(Sums::new(known, good)),
            State::Failed(Failure { reason, advice }) => Err(Trouble {
                what: "cannot be fetched",
                reason: reason.clone(),
                advice,
                last: known.fetches.age().map(Age),
            }),
            State::Loading => Err(Trouble {
                what: "is being fetched",
                reason: "The first fetch from Docker Scout has not ended.".to_owned(),
                advice: "Wait: this page loads again by itself.",
                last: None,
            }),
        };
        Self {
            name: known.name.to_string(),
            link: link(root, page_of(known.name)),
            class: class(known),
            content,
        }
    }
}

/// Returns the class of the style sheet.
fn class(known: &Known<'_>) -> &'static str {
    let Some(good) = known.good().filter(|good| !good.is_old) else {
        return "unknown";
    };
    let counts = &good.totals.counts;
    match (counts.get(Severity::Critical), counts.get(Severity::High)) {
        (Some(1..), _) => "bad",
        (None, _) | (_, None) => "unknown",
        (_, Some(1..)) => "warn",
        _ if good.totals.failing > 0 => "warn",
        _ => "fine",
    }
}

/// Returns the critical and high vulnerabilities among counts.
fn serious(counts: &VulnerabilityCounts) -> VulnerabilityCounts {
    let severities = [Severity::Critical, Severity::High];
    severities
        .into_iter()
        .fold(VulnerabilityCounts::new(), |all, severity| {
            let count = counts.get(severity);
            // The count was in bounds where it came from.
            count
                .and_then(|count| all.clone().with(severity, count).ok())
                .unwrap_or(all)
        })
}

impl Sums {
    fn new(known: &Known<'_>, good: &Good<'_>) -> Self {
        let past = known.past.as_deref();
        let now = Totals::serious(good.snapshot);
        let earlier = [
            past.and_then(Past::yesterday),
            past.and_then(Past::last_week),
        ];
        let change = |before: Option<&Snapshot>| Delta::new(before.and_then(Totals::serious), now);
        let latest = good.totals.latest_indexed.map(Stream::vulnerabilities);
        let counts = &good.totals.counts;
        Self {
            counts: Severity::ALL.map(|severity| {
                let count = counts.get(severity).map(Short::new);
                (word(severity), severity.letter(), count)
            }),
            bar: SeverityBar::new(counts).decorative(),
            streams: good.totals.environments,
            latest_indexed: latest.map(serious),
            changes: earlier
                .iter()
                .any(Option::is_some)
                .then(|| earlier.map(change)),
            age: Age(good.snapshot.age()),
            is_old: good.is_old,
            anomalies: good.snapshot.anomalies().len(),
            failure: known.fetches.last_error.as_ref().map(Failure::of),
        }
    }
}
