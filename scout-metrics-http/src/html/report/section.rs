//! An organization as the report shows it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    time::SystemTime,
};

use jiff::Timestamp;
use scout_metrics_core::{
    Change, PolicyResult, Severity, Since, SinceState, Snapshot, Stream, StreamName, Trend,
    VulnerabilityCounts,
    chart::{LineChart, Meter, Series, SeverityBar, Sparkline},
};

use super::{Content, DAY, Section, changed::Changed};
use crate::html::{
    Age, Delta, Headline, Level, Name, Severities, Totals, change::serious, failing, message,
    percentage, worst_first,
};

/// The maximum number of streams whose trends are drawn.
const MAX_CHARTS: usize = 12;

/// The maximum number of streams that are listed for a policy.
const MAX_STREAMS: usize = 20;

/// The maximum number of changes.
const MAX_CHANGES: usize = 60;

/// The maximum number of anomalies whose messages are shown.
const MAX_ANOMALIES: usize = 20;

/// Docker Scout computes its metrics once an hour, so older ones than this are not current.
const OLD: std::time::Duration = std::time::Duration::from_secs(25 * 3600);

pub(super) struct SectionView<'a> {
    pub(super) name: Name<'a>,
    /// The fragment of links to the section.
    pub(super) id: String,
    /// Why there is nothing else.
    pub(super) failure: Option<String>,
    pub(super) level: Level,
    /// What is worst about it.
    pub(super) sentence: String,
    /// The levels of the environments.
    pub(super) levels: Vec<Level>,
    pub(super) scraped_at: String,
    pub(super) age: String,
    pub(super) is_old: bool,
    pub(super) totals: Option<TotalsView>,
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
    pub(super) failing: usize,
    pub(super) critical: String,
    pub(super) high: String,
    pub(super) severities: String,
    pub(super) deltas: Vec<(&'static str, Delta)>,
    pub(super) latest_indexed: Option<String>,
}

pub(super) struct StreamView<'a> {
    pub(super) name: Name<'a>,
    pub(super) level: Level,
    pub(super) letter: char,
    pub(super) counts: [Option<u64>; Severity::ALL.len()],
    pub(super) bar: SeverityBar,
    pub(super) deltas: Vec<Delta>,
    pub(super) failing: usize,
    pub(super) policies: usize,
    pub(super) spark: Option<Sparkline>,
    pub(super) is_latest_indexed: bool,
}

/// A policy that images of some streams violate.
pub(super) struct PolicyView<'a> {
    pub(super) name: Name<'a>,
    pub(super) violating: u64,
    pub(super) streams: Vec<FailingView<'a>>,
    pub(super) hidden: usize,
}

pub(super) struct FailingView<'a> {
    pub(super) stream: Name<'a>,
    pub(super) compliant: u64,
    pub(super) evaluated: u64,
    pub(super) percentage: String,
    pub(super) meter: Meter,
    pub(super) since: String,
}

pub(super) struct ChangesView<'a> {
    pub(super) since: String,
    pub(super) lines: Vec<Changed<'a>>,
    pub(super) hidden: usize,
}

impl StreamView<'_> {
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

impl SectionView<'_> {
    pub(super) fn sign(&self) -> char {
        self.level.sign()
    }
}

/// The changes of a section since its earliest snapshot, the most important first.
pub(super) fn changes(section: &Section) -> Vec<Change> {
    let Ok(content) = &section.content else {
        return Vec::new();
    };
    let Some((_, before)) = content.earlier.last() else {
        return Vec::new();
    };
    let mut changes = content.snapshot.changes_since(before);
    changes.sort_by_key(|change| Reverse(change.weight()));
    changes
}

impl<'a> SectionView<'a> {
    pub(super) fn new(
        place: usize,
        section: &'a Section,
        changes: &'a [Change],
        times: &Times,
    ) -> Self {
        let name = Name(section.organization.as_str());
        let id = format!("o{place}");
        match &section.content {
            Ok(content) => Self::of_content(name, id, content, changes, times),
            Err(reason) => Self::of_failure(name, id, reason),
        }
    }

    fn of_failure(name: Name<'a>, id: String, reason: &str) -> Self {
        Self {
            name,
            id,
            failure: Some(message(reason)),
            level: Level::Unknown,
            sentence: String::new(),
            levels: Vec::new(),
            scraped_at: String::new(),
            age: String::new(),
            is_old: false,
            totals: None,
            earlier: Vec::new(),
            streams: Vec::new(),
            days: 0,
            policies: Vec::new(),
            holding: Vec::new(),
            changes: None,
            chart: None,
            charts: Vec::new(),
            charts_hidden: 0,
            anomalies: Vec::new(),
            anomalies_hidden: 0,
        }
    }

    fn of_content(
        name: Name<'a>,
        id: String,
        content: &'a Content,
        changes: &'a [Change],
        times: &Times,
    ) -> Self {
        let snapshot = &content.snapshot;
        let streams = ranked(content);
        let (policies, holding) = policies(content, times);
        let age = times.age(snapshot.scraped_at());
        let is_old = age > OLD;
        let trend = content.trend.as_ref();
        let history = trend.map(Columns::new);
        let charted = streams.iter().take(MAX_CHARTS).map(|(stream, _)| stream);
        let charts = history.iter().flat_map(|history| {
            charted
                .clone()
                .map(|stream| (Name(stream.name().as_str()), history.chart(stream.name())))
        });
        let charts: Vec<_> = charts.collect();
        let anomalies = snapshot.anomalies();
        let shown = anomalies.iter().take(MAX_ANOMALIES);
        let levels = levels(&streams);
        Self {
            name,
            id,
            failure: None,
            level: super::verdict::worst(&levels, is_old),
            sentence: super::verdict::of_streams(&levels),
            levels,
            scraped_at: minute(snapshot.scraped_at()),
            age: Age(age).to_string(),
            is_old,
            totals: Some(totals(content)),
            earlier: content.earlier.iter().map(|(ago, _)| *ago).collect(),
            days: trend.map_or(0, days),
            policies,
            holding,
            changes: content.earlier.last().map(|(_, before)| ChangesView {
                since: minute(before.scraped_at()),
                lines: changes.iter().take(MAX_CHANGES).map(Changed::new).collect(),
                hidden: changes.len().saturating_sub(MAX_CHANGES),
            }),
            chart: history.as_ref().map(Columns::total),
            charts_hidden: if charts.is_empty() {
                0
            } else {
                streams.len() - charts.len()
            },
            charts,
            streams: streams
                .iter()
                .map(|(stream, level)| stream_view(content, history.as_ref(), stream, *level))
                .collect(),
            anomalies: shown.map(|anomaly| message(anomaly.message())).collect(),
            anomalies_hidden: anomalies.len().saturating_sub(MAX_ANOMALIES),
        }
    }
}

/// Returns the environments, or `latest-indexed`, which has the same images, if there are none.
pub(super) fn environments(snapshot: &Snapshot) -> Vec<&Stream> {
    let all = snapshot.streams();
    let environments: Vec<_> = all
        .iter()
        .filter(|stream| !stream.name().is_latest_indexed())
        .collect();
    match environments.is_empty() {
        true => all.iter().collect(),
        false => environments,
    }
}

/// Returns the streams with their levels, the worst first.
fn ranked(content: &Content) -> Vec<(&Stream, Level)> {
    let before = content.earlier.first();
    let before: HashMap<_, _> = before
        .iter()
        .flat_map(|(_, snapshot)| snapshot)
        .map(|stream| (stream.name(), stream))
        .collect();
    let levels = content.snapshot.streams().iter().map(|stream| {
        let before = before.get(stream.name()).copied();
        (stream, Level::of(stream, before))
    });
    let mut streams: Vec<_> = levels.collect();
    streams.sort_by_cached_key(|(stream, level)| worst_first(*level, stream));
    streams
}

/// Returns the levels of the environments, or of `latest-indexed` if there are none.
fn levels(streams: &[(&Stream, Level)]) -> Vec<Level> {
    let environments = streams
        .iter()
        .filter(|(stream, _)| !stream.name().is_latest_indexed());
    let levels: Vec<_> = environments.map(|(_, level)| *level).collect();
    match levels.is_empty() {
        true => streams.iter().map(|(_, level)| *level).collect(),
        false => levels,
    }
}

fn totals(content: &Content) -> TotalsView {
    let totals = Totals::new(&content.snapshot);
    let now = Totals::serious(&content.snapshot);
    let deltas = content
        .earlier
        .iter()
        .map(|(ago, snapshot)| (*ago, Delta::new(Totals::serious(snapshot), now)));
    let count = |severity| shown(totals.counts.get(severity));
    TotalsView {
        critical: count(Severity::Critical),
        high: count(Severity::High),
        environments: totals.environments,
        failing: totals.failing,
        severities: Severities::new(&totals.counts).to_string(),
        deltas: deltas.collect(),
        latest_indexed: totals
            .latest_indexed
            .map(|stream| Severities::new(stream.vulnerabilities()).to_string()),
    }
}

fn stream_view<'a>(
    content: &Content,
    history: Option<&Columns<'_>>,
    stream: &'a Stream,
    level: Level,
) -> StreamView<'a> {
    let name = stream.name();
    let deltas = content
        .earlier
        .iter()
        .map(|(_, snapshot)| Delta::of_streams(snapshot.stream(name.as_str()), stream));
    StreamView {
        name: Name(name.as_str()),
        level,
        letter: Headline::new(level, stream).letter,
        counts: Severity::ALL.map(|severity| stream.vulnerabilities().get(severity)),
        bar: SeverityBar::new(stream.vulnerabilities()).decorative(),
        deltas: deltas.collect(),
        failing: failing(stream).count(),
        policies: stream.policies().len(),
        spark: history.map(|history| history.spark(name)),
        is_latest_indexed: name.is_latest_indexed(),
    }
}

/// Returns the policies that images violate, from the one that most violate, and the names of those that hold.
fn policies<'a>(content: &'a Content, times: &Times) -> (Vec<PolicyView<'a>>, Vec<Name<'a>>) {
    let mut by_id: BTreeMap<&str, Vec<(&Stream, &PolicyResult)>> = BTreeMap::new();
    for stream in &content.snapshot {
        for result in stream {
            by_id
                .entry(result.policy().id().as_str())
                .or_default()
                .push((stream, result));
        }
    }
    let (mut failing, mut holding) = (Vec::new(), Vec::new());
    for mut results in by_id.into_values() {
        let Some((_, any)) = results.first().copied() else {
            continue;
        };
        results.retain(|(_, result)| !result.is_compliant());
        if results.is_empty() {
            holding.push(policy_name(any));
            continue;
        }
        results.sort_by_key(|(_, result)| Reverse(result.violating()));
        let shown = results.iter().take(MAX_STREAMS);
        failing.push(PolicyView {
            name: policy_name(any),
            violating: results
                .iter()
                .map(|(_, result)| result.violating())
                .fold(0, u64::saturating_add),
            streams: shown
                .map(|(stream, result)| failing_view(content, stream, result, times))
                .collect(),
            hidden: results.len().saturating_sub(MAX_STREAMS),
        });
    }
    failing.sort_by_key(|policy| Reverse(policy.violating));
    (failing, holding)
}

fn failing_view<'a>(
    content: &Content,
    stream: &'a Stream,
    result: &PolicyResult,
    times: &Times,
) -> FailingView<'a> {
    let state = SinceState::Policy(result.policy().id().clone());
    FailingView {
        stream: Name(stream.name().as_str()),
        compliant: result.compliant(),
        evaluated: result.evaluated(),
        percentage: percentage(result).unwrap_or_default(),
        meter: Meter::new(result).decorative(),
        since: times.since(content, stream, &state).unwrap_or_default(),
    }
}

/// Returns a count, or a dash if it was not reported.
fn shown(count: Option<u64>) -> String {
    count.map_or_else(|| "–".to_owned(), |count| count.to_string())
}

/// Returns the name of a policy that people know.
pub(super) fn policy_name(result: &PolicyResult) -> Name<'_> {
    let policy = result.policy();
    match policy.display_name() {
        "" => Name(policy.id().as_str()),
        name => Name(name),
    }
}

/// The streams of a trend, found by name.
struct Columns<'a> {
    points: Vec<(
        SystemTime,
        Option<(&'a Snapshot, HashMap<&'a StreamName, &'a Stream>)>,
    )>,
}

impl<'a> Columns<'a> {
    fn new(trend: &'a Trend) -> Self {
        let points = trend.points().map(|(time, snapshot)| {
            let streams = snapshot.map(|snapshot| {
                (
                    snapshot,
                    snapshot
                        .streams()
                        .iter()
                        .map(|stream| (stream.name(), stream))
                        .collect(),
                )
            });
            (time, streams)
        });
        Self {
            points: points.collect(),
        }
    }

    /// Returns a value of a stream at each time.
    fn values(
        &self,
        name: &StreamName,
        value: impl Fn(&Stream) -> Option<u64>,
    ) -> Vec<Option<u64>> {
        let points = self
            .points
            .iter()
            .map(|(_, point)| value(point.as_ref()?.1.get(name)?));
        points.collect()
    }

    fn spark(&self, name: &StreamName) -> Sparkline {
        Sparkline::new("critical and high", self.values(name, serious))
    }

    fn chart(&self, name: &StreamName) -> LineChart {
        let chart = LineChart::new(crate::html::plain(name.as_str()), self.times());
        self.with_severities(chart, |severity| {
            self.values(name, |stream| stream.vulnerabilities().get(severity))
        })
    }

    /// Returns the chart of the sums over the environments.
    fn total(&self) -> LineChart {
        let counts = |(_, point): &(_, Option<(&Snapshot, _)>)| {
            point
                .as_ref()
                .map(|(snapshot, _)| Totals::new(snapshot).counts)
        };
        let counts: Vec<Option<VulnerabilityCounts>> = self.points.iter().map(counts).collect();
        let chart = LineChart::new("All environments", self.times());
        self.with_severities(chart, |severity| {
            counts
                .iter()
                .map(|counts| counts.as_ref()?.get(severity))
                .collect()
        })
    }

    fn with_severities(
        &self,
        chart: LineChart,
        values: impl Fn(Severity) -> Vec<Option<u64>>,
    ) -> LineChart {
        let severities = [Severity::Critical, Severity::High];
        let series = severities.map(|severity| Series::of_severity(severity, values(severity)));
        series.into_iter().fold(chart, LineChart::with_series)
    }

    fn times(&self) -> impl Iterator<Item = SystemTime> + '_ {
        self.points.iter().map(|(time, _)| *time)
    }
}

fn days(trend: &Trend) -> u64 {
    let mut times = trend.points().map(|(time, _)| time);
    let (first, last) = (times.next(), times.last());
    let length = first
        .zip(last)
        .and_then(|(first, last)| last.duration_since(first).ok());
    length.unwrap_or_default().as_secs().div_ceil(DAY.as_secs())
}

/// The time of the report, and since when things are as they are.
pub(super) struct Times {
    now: SystemTime,
}

impl Times {
    pub(super) fn new(now: SystemTime) -> Self {
        Self { now }
    }

    fn age(&self, time: SystemTime) -> std::time::Duration {
        self.now.duration_since(time).unwrap_or_default()
    }

    /// Returns since when a stream has been in a state, if that is known.
    pub(super) fn since(
        &self,
        content: &Content,
        stream: &Stream,
        state: &SinceState,
    ) -> Option<String> {
        let is_wanted = |since: &&Since| since.stream == *stream.name() && since.state == *state;
        let since = content.since.iter().find(is_wanted)?;
        let age = Age(self.age(since.first));
        Some(match since.last_clean {
            Some(_) => format!("since {} ({age})", date(since.first)),
            None => format!("for at least {age}"),
        })
    }
}

pub(super) fn minute(time: SystemTime) -> String {
    format(time, "%Y-%m-%d %H:%M UTC")
}

fn date(time: SystemTime) -> String {
    format(time, "%-d %b %Y")
}

fn format(time: SystemTime, format: &str) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    time.strftime(format).to_string()
}
