//! An organization as the report shows it.

use std::{cmp::Reverse, time::Duration};

use scout_metrics_core::{Change, Severity, chart::LineChart};

use super::{
    Content,
    changed::Changed,
    facts::Facts,
    policies::{Policy, PolicyView},
    streams::{StreamView, ranked, shown},
    time::minute,
    trends::Trends,
    verdict::{of_streams, worst},
};
use crate::html::{Age, Delta, Level, Name, Severities, Totals, is_apart, sentence};

/// The maximum number of streams whose trends are drawn.
const MAX_CHARTS: usize = 12;

/// The maximum number of changes.
const MAX_CHANGES: usize = 60;

/// The maximum number of anomalies whose messages are shown.
const MAX_ANOMALIES: usize = 20;

/// The age from which metrics are old. A gate accepts those of a history up to the same age by default.
const OLD: Duration = Duration::from_secs(25 * 3600);

/// The section of an organization that has metrics.
pub(super) struct SectionView<'a> {
    pub(super) level: Level,
    /// The worst of it.
    pub(super) sentence: String,
    /// The levels of the streams that are in the totals.
    pub(super) levels: Vec<Level>,
    pub(super) scraped_at: String,
    pub(super) age: String,
    pub(super) is_old: bool,
    pub(super) totals: TotalsView,
    /// The names of the columns of changes.
    pub(super) earlier: Vec<&'static str>,
    pub(super) streams: Vec<StreamView<'a>>,
    /// The number of days of the trends.
    pub(super) days: u64,
    pub(super) policies: Vec<PolicyView<'a>>,
    /// The policies that hold everywhere.
    pub(super) holding: Vec<Name<'a>>,
    pub(super) changes: Option<ChangesView<'a>>,
    pub(super) chart: Option<LineChart>,
    pub(super) charts: Vec<(Name<'a>, LineChart)>,
    pub(super) charts_hidden: usize,
    pub(super) anomalies: Vec<String>,
    pub(super) anomalies_hidden: usize,
}

/// The sums over the environments.
pub(super) struct TotalsView {
    pub(super) environments: usize,
    pub(super) critical: String,
    pub(super) high: String,
    pub(super) failing: usize,
    pub(super) severities: String,
    pub(super) deltas: Vec<(&'static str, Delta)>,
    pub(super) latest_indexed: Option<String>,
}

pub(super) struct ChangesView<'a> {
    pub(super) since: String,
    pub(super) lines: Vec<Changed<'a>>,
    pub(super) hidden: usize,
}

/// Returns the changes since the earliest snapshot, the most important first.
pub(super) fn changes(content: &Content) -> Vec<Change> {
    let Some((_, before)) = content.earlier.last() else {
        return Vec::new();
    };
    let mut changes = content.snapshot.changes_since(before);
    changes.sort_by_key(|change| Reverse(change.weight()));
    changes
}

impl<'a> SectionView<'a> {
    pub(super) fn new(facts: &Facts<'a>, changes: &'a [Change]) -> Self {
        let content = facts.content;
        let snapshot = &content.snapshot;
        let streams = ranked(facts);
        let counted = streams
            .iter()
            .filter(|(stream, _)| !is_apart(snapshot, stream));
        let levels: Vec<Level> = counted.map(|(_, level)| *level).collect();
        let is_old = facts.age() > OLD;
        let (failing, holding): (Vec<_>, Vec<_>) = Policy::of(snapshot)
            .into_iter()
            .partition(|policy| policy.violating() > 0);
        let trends = content.trend.as_ref().map(Trends::new);
        let trends = trends.as_ref();
        let charted = streams
            .iter()
            .take(MAX_CHARTS)
            .map(|(stream, _)| stream.name());
        let chart = |trends: &Trends<'_>| {
            charted
                .map(|name| (Name(name.as_str()), trends.chart(name)))
                .collect()
        };
        let charts: Vec<_> = trends.map(chart).unwrap_or_default();
        let anomalies = snapshot.anomalies();
        Self {
            level: worst(&levels, is_old),
            sentence: of_streams(&levels),
            levels,
            scraped_at: minute(snapshot.scraped_at()),
            age: Age(facts.age()).to_string(),
            is_old,
            totals: TotalsView::new(content),
            earlier: content.earlier.iter().map(|(ago, _)| *ago).collect(),
            days: trends.map_or(0, Trends::days),
            policies: failing
                .iter()
                .map(|policy| PolicyView::new(policy, facts))
                .collect(),
            holding: holding.iter().map(Policy::name).collect(),
            changes: ChangesView::new(content, changes),
            chart: trends.map(Trends::total),
            charts_hidden: trends.map_or(0, |_| streams.len() - charts.len()),
            charts,
            streams: streams
                .into_iter()
                .map(|(stream, level)| StreamView::new(stream, level, facts, trends))
                .collect(),
            anomalies: anomalies
                .iter()
                .take(MAX_ANOMALIES)
                .map(|anomaly| sentence(anomaly.message()))
                .collect(),
            anomalies_hidden: anomalies.len().saturating_sub(MAX_ANOMALIES),
        }
    }
}

impl SectionView<'_> {
    /// Returns the number of columns of the table of policies. Only a history knows since when one has failed.
    pub(super) fn policy_columns(&self) -> u32 {
        if self.days > 0 { 5 } else { 4 }
    }
}

impl TotalsView {
    fn new(content: &Content) -> Self {
        let totals = Totals::new(&content.snapshot);
        let now = Totals::serious(&content.snapshot);
        let delta =
            |(ago, before): &(&'static str, _)| (*ago, Delta::new(Totals::serious(before), now));
        let count = |severity| shown(totals.counts.get(severity));
        let latest = totals
            .latest_indexed
            .map(|stream| Severities::new(stream.vulnerabilities()));
        Self {
            environments: totals.environments,
            critical: count(Severity::Critical),
            high: count(Severity::High),
            failing: totals.failing,
            severities: Severities::new(&totals.counts).to_string(),
            deltas: content.earlier.iter().map(delta).collect(),
            latest_indexed: latest.map(|latest| latest.to_string()),
        }
    }
}

impl<'a> ChangesView<'a> {
    fn new(content: &Content, changes: &'a [Change]) -> Option<Self> {
        let (_, before) = content.earlier.last()?;
        Some(Self {
            since: minute(before.scraped_at()),
            lines: changes.iter().take(MAX_CHANGES).map(Changed::new).collect(),
            hidden: changes.len().saturating_sub(MAX_CHANGES),
        })
    }
}
