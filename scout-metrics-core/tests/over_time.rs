//! Questions to a month of hourly snapshots: every history gives the same answers.

#![cfg(feature = "sqlite")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::time::{Duration, SystemTime};

use scout_metrics_core::{
    ErrorKind, HistoryExt, MemoryHistory, Organization, Policy, PolicyResult, RecordHistory,
    Severity, Since, Snapshot, SqliteHistory, Stream, VulnerabilityCounts,
    gate::{Gate, Outcome, Rule},
};
use tempfile::TempDir;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const HOURS: u32 = 30 * 24;

fn acme() -> Organization {
    Organization::new("acme").unwrap()
}

/// The time of an hour of the month, a little after the full hour, as scrapes are.
fn hour(n: u32) -> SystemTime {
    SystemTime::UNIX_EPOCH + 20_000 * DAY + n * HOUR + Duration::from_millis(1_234)
}

/// Production gets criticals on day 20, staging has always had them, and a policy fails from day 10. Nothing was scraped
/// on day 15, and the high vulnerabilities of production were not reported on day 25.
fn snapshot(n: u32) -> Option<Snapshot> {
    let day = n / 24;
    if day == 15 {
        return None;
    }
    let critical = u64::from(day.saturating_sub(19));
    let counts = VulnerabilityCounts::new().with(Severity::Critical, critical);
    let counts = counts
        .unwrap()
        .with(Severity::Medium, u64::from(n % 7))
        .unwrap();
    let counts = match day {
        25 => counts,
        _ => counts.with(Severity::High, 30 - u64::from(day)).unwrap(),
    };
    let compliant = if day < 10 { 4 } else { 3 };
    let result = PolicyResult::new(Policy::new("p", "P"), compliant, 4).unwrap();
    let production = Stream::new("production")
        .with_vulnerabilities(counts)
        .with_policy(result);
    let staging = Stream::new("staging").with_vulnerabilities("1C 0H".parse().unwrap());
    let snapshot = Snapshot::new(acme(), [production, staging]).unwrap();
    Some(snapshot.with_scraped_at(hour(n)))
}

struct Month {
    memory: MemoryHistory,
    sqlite: SqliteHistory,
    _directory: TempDir,
}

async fn month() -> Month {
    let directory = tempfile::tempdir().unwrap();
    let memory = MemoryHistory::new();
    let path = directory.path().join("scout.db");
    let sqlite = SqliteHistory::open(path).await.unwrap();
    for snapshot in (0..HOURS).filter_map(snapshot) {
        memory.record(&snapshot).await.unwrap();
        sqlite.record(&snapshot).await.unwrap();
    }
    Month {
        memory,
        sqlite,
        _directory: directory,
    }
}

#[tokio::test]
async fn a_month_gives_equal_verdicts() {
    let Month {
        memory,
        sqlite,
        _directory,
    } = month().await;
    let rules = [1, 7, 28].map(|days| Rule::no_worse_than(days * DAY));
    let rules = rules.map(|rule| rule.with_at_least(Severity::High).with_stream("production"));
    let gate = Gate::new(rules).unwrap();
    let mut outcomes = Vec::new();
    for snapshot in (0..HOURS).step_by(5).filter_map(snapshot) {
        let verdict = gate.check_with(&snapshot, &memory).await;
        assert_eq!(gate.check_with(&snapshot, &sqlite).await, verdict);
        outcomes.push(
            verdict
                .rules()
                .iter()
                .map(|rule| rule.outcome())
                .collect::<Vec<_>>(),
        );
    }
    // Each rule had each outcome, except that a month is too short for a pass after 28 days.
    for rule in 0..3 {
        let has = |outcome| outcomes.iter().any(|outcomes| outcomes[rule] == outcome);
        assert!(has(Outcome::Untellable) && has(Outcome::Violated), "{rule}");
        assert_eq!(has(Outcome::Passed), rule < 2, "{rule}");
    }
}

fn lines(since: &[Since]) -> Vec<String> {
    since.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn since_is_the_time_since_the_count_was_last_0() {
    let Month {
        memory,
        sqlite,
        _directory,
    } = month().await;
    let since = memory.since(&acme(), 90 * DAY).await.unwrap();
    assert_eq!(sqlite.since(&acme(), 90 * DAY).await.unwrap(), since);
    assert_eq!(
        lines(&since),
        [
            "production: CRITICAL since 2024-10-24T00:00:01Z",
            "production: HIGH at least since 2024-10-04T00:00:01Z",
            "production: MEDIUM since 2024-11-02T19:00:01Z",
            "production: policy p since 2024-10-14T00:00:01Z",
            "staging: CRITICAL at least since 2024-10-04T00:00:01Z",
        ]
    );
    assert_eq!(since[0].last_clean, Some(hour(20 * 24 - 1)));
    assert_eq!(since[1].last_clean, None);

    // Snapshots older than the lookback are not found.
    let recent = memory.since(&acme(), 3 * DAY).await.unwrap();
    assert_eq!(sqlite.since(&acme(), 3 * DAY).await.unwrap(), recent);
    assert_eq!(recent[0].first, hour(HOURS - 1) - 3 * DAY);
    assert_eq!(recent[0].last_clean, None);
    assert_eq!(recent[2], since[2]);
    let other = Organization::new("other").unwrap();
    assert_eq!(memory.since(&other, DAY).await.unwrap(), []);
}

#[test]
fn the_json_form_of_since_is_stable() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let history = MemoryHistory::new();
    let stream = |counts: &str| Stream::new("a").with_vulnerabilities(counts.parse().unwrap());
    let record = |counts, time| {
        let result = PolicyResult::new(Policy::new("p", "P"), 1, 2).unwrap();
        let stream = stream(counts).with_policy(result);
        let snapshot = Snapshot::new(acme(), [stream])
            .unwrap()
            .with_scraped_at(time);
        runtime.block_on(history.record(&snapshot)).unwrap();
    };
    record("0C", hour(0));
    record("1C", hour(1));
    let since = runtime.block_on(history.since(&acme(), DAY)).unwrap();
    assert_eq!(
        serde_json::to_string(&since).unwrap(),
        concat!(
            r#"[{"stream":"a","severity":"CRITICAL","first":"2024-10-04T01:00:01.234Z","last_clean":"2024-10-04T00:00:01.234Z"},"#,
            r#"{"stream":"a","policy":"p","first":"2024-10-04T00:00:01.234Z","last_clean":null}]"#
        )
    );
}

#[tokio::test]
async fn an_unreported_number_neither_begins_nor_ends_what_has_been() {
    let history = MemoryHistory::new();
    for (n, counts) in [
        (0, "0C"),
        (1, "1C"),
        (2, "1H"),
        (3, "2C"),
        (4, "1H"),
        (5, "3C"),
    ] {
        let stream = Stream::new("a").with_vulnerabilities(counts.parse().unwrap());
        let snapshot = Snapshot::new(acme(), [stream]).unwrap();
        history
            .record(&snapshot.with_scraped_at(hour(n)))
            .await
            .unwrap();
    }
    let since = history.since(&acme(), DAY).await.unwrap();
    assert_eq!(since.len(), 1);
    assert_eq!(
        (since[0].first, since[0].last_clean),
        (hour(1), Some(hour(0)))
    );
}

#[tokio::test]
async fn changes_since_yesterday_and_last_week() {
    let Month {
        memory,
        sqlite,
        _directory,
    } = month().await;
    let changes = async |ago| {
        let comparison = memory.compare(&acme(), ago).await.unwrap();
        assert_eq!(sqlite.compare(&acme(), ago).await.unwrap(), comparison);
        let changes = comparison.map(|comparison| comparison.changes());
        changes.map(|changes| changes.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(
        changes(DAY).await.unwrap(),
        [
            "production: CRITICAL 9 -> 10 (+1)",
            "production: HIGH 2 -> 1 (-1)",
            "production: MEDIUM 2 -> 5 (+3)",
        ]
    );
    assert_eq!(
        changes(7 * DAY).await.unwrap()[..2],
        [
            "production: CRITICAL 3 -> 10 (+7)",
            "production: HIGH 8 -> 1 (-7)",
        ]
    );
    assert_eq!(changes(30 * DAY).await, None);
}

#[tokio::test]
async fn a_trend_has_its_points_and_its_gaps() {
    let Month {
        memory,
        sqlite,
        _directory,
    } = month().await;
    let (start, end) = (hour(0), hour(HOURS - 1));
    let trend = memory.trend(&acme(), start, end, 31).await.unwrap();
    assert_eq!(sqlite.trend(&acme(), start, end, 31).await.unwrap(), trend);

    let high: Vec<_> = trend
        .vulnerabilities("production", Severity::High)
        .collect();
    assert_eq!(high.len(), 31);
    assert_eq!(high[0], (start, Some(30)));
    assert_eq!(high[30], (end, Some(1)));
    let gaps = high
        .iter()
        .enumerate()
        .filter(|(_, (_, count))| count.is_none());
    let gaps: Vec<usize> = gaps.map(|(place, _)| place).collect();
    // Nothing was scraped on day 15, and high vulnerabilities were not reported on day 25.
    assert_eq!(gaps, [16, 26]);
    let missing = trend.points().filter(|(_, snapshot)| snapshot.is_none());
    assert_eq!(missing.count(), 1);

    let compliant = trend.policy("production", "p");
    let compliant: Vec<_> = compliant
        .map(|(_, result)| Some(result?.compliant()))
        .collect();
    assert_eq!(compliant[9..12], [Some(4), Some(4), Some(3)]);
    assert_eq!(compliant[16], None);
    assert!(
        trend
            .policy("production", "q")
            .all(|(_, result)| result.is_none())
    );
    let two = memory.trend(&acme(), start, end, 2).await.unwrap();
    assert_eq!(two.points().count(), 2);
}

#[tokio::test]
async fn a_trend_without_sense_or_bound_is_refused() {
    let history = MemoryHistory::new();
    let kind = async |start, end, points| {
        let trend = history.trend(&acme(), start, end, points).await;
        trend.unwrap_err().kind()
    };
    assert_eq!(kind(hour(0), hour(1), 0).await, ErrorKind::Invalid);
    assert_eq!(kind(hour(0), hour(1), 1).await, ErrorKind::Invalid);
    assert_eq!(kind(hour(1), hour(0), 2).await, ErrorKind::Invalid);
    assert_eq!(kind(hour(0), hour(99), 11_001).await, ErrorKind::Limit);
    assert_eq!(kind(hour(0), hour(0), usize::MAX).await, ErrorKind::Limit);
    let empty = history
        .trend(&acme(), hour(0), hour(0), 11_000)
        .await
        .unwrap();
    assert!(empty.points().all(|(_, snapshot)| snapshot.is_none()));
}
