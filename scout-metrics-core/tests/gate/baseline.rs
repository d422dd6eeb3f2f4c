//! Comparisons with a baseline.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use scout_metrics_core::{
    Anomaly, AnomalyKind, Error, ErrorKind, History, MemoryHistory, Organization, RecordHistory,
    Result, Severity, Snapshot, Stream, VulnerabilityCounts,
    gate::{Baseline, Gate, Reason, Rule},
};

use crate::{DAY, HOUR, PASSES, lines, result, snapshot, stream};

#[tokio::test]
async fn no_worse_than_a_week_ago() {
    let now = SystemTime::UNIX_EPOCH + 20_000 * DAY;
    let gate = Gate::new([Rule::no_worse_than(7 * DAY).with_at_least(Severity::High)]).unwrap();
    let today = |counts| snapshot([stream("a", counts)]).with_scraped_at(now);

    let history = MemoryHistory::new();
    let none = gate.check_with(&today("0C 0H"), &history).await;
    assert_eq!(
        lines(&none),
        [
            "could not tell: no baseline: the history has no snapshot in the 24h up to 2024-09-27T00:00:00Z"
        ]
    );
    let last_week = today("2C 3H").with_scraped_at(now - 7 * DAY - 23 * HOUR);
    history.record(&last_week).await.unwrap();
    assert_eq!(
        lines(&gate.check_with(&today("2C 3H 9M"), &history).await),
        PASSES
    );
    assert_eq!(
        lines(&gate.check_with(&today("2C 4H"), &history).await),
        ["violated: a: HIGH 4, 3 in the baseline"]
    );
    assert_eq!(
        lines(&gate.check_with(&today("2C"), &history).await),
        ["could not tell: a: HIGH was not reported"]
    );
    assert_eq!(
        lines(&gate.check(&today("2C 3H"))),
        ["could not tell: no baseline: no history was given to search"]
    );
    let strict = Baseline::ago(7 * DAY).with_tolerance(22 * HOUR);
    let strict = Gate::new([Rule::no_worse_than(strict)]).unwrap();
    let verdict = strict.check_with(&today("2C 3H"), &history).await;
    assert_eq!(verdict.findings()[0].reason(), Reason::BaselineMissing);
}

/// Returns the findings of a rule about these streams now and an hour before.
fn compared(rule: impl Fn(Snapshot) -> Rule, before: &[Stream], now: &[Stream]) -> Vec<String> {
    let time = SystemTime::UNIX_EPOCH + 20_000 * DAY;
    let before = snapshot(before.to_vec()).with_scraped_at(time - HOUR);
    let now = snapshot(now.to_vec()).with_scraped_at(time);
    lines(&Gate::new([rule(before)]).unwrap().check(&now))
}

fn no_worse(before: &[Stream], now: &[Stream]) -> Vec<String> {
    compared(Rule::no_worse_than, before, now)
}

const FULL: &str = "1C 2H 3M 4L 5?";

#[test]
fn more_of_any_severity_is_worse() {
    let a = |counts| [stream("a", counts)];
    assert_eq!(no_worse(&a(FULL), &a("0C 2H 2M 4L")), PASSES);
    assert_eq!(
        no_worse(&a(FULL), &a("0C 3H 9M 4L 6?")),
        [
            "violated: a: HIGH 3, 2 in the baseline",
            "violated: a: MEDIUM 9, 3 in the baseline",
            "violated: a: UNSPECIFIED 6, 5 in the baseline",
        ]
    );
    // A severity that was not reported may have any count.
    assert_eq!(
        no_worse(&a(FULL), &a("3M 4L 5?")),
        ["could not tell: a: CRITICAL and HIGH were not reported"]
    );
    assert_eq!(
        no_worse(&a("2H 3M 4L 5?"), &a(FULL)),
        ["could not tell: a: CRITICAL is not in the baseline"]
    );
    assert_eq!(no_worse(&a("2H 3M 4L 5?"), &a("0C 2H 3M 4L 5?")), PASSES);
    let lenient = |before| Rule::no_worse_than(before).with_missing_allowed();
    assert_eq!(compared(lenient, &a("2H"), &a("9C")), PASSES);
}

#[test]
fn streams_come_and_go() {
    let a = [stream("a", FULL)];
    let b = [stream("b", FULL)];
    let both = [stream("a", FULL), stream("b", FULL)];
    assert_eq!(
        no_worse(&both, &b),
        ["could not tell: a: the stream was not reported"]
    );
    assert_eq!(
        no_worse(&a, &both),
        ["could not tell: b: not in the baseline"]
    );
    let and_clean = [stream("clean", "0C 0H 0M 0L"), stream("a", FULL)];
    assert_eq!(no_worse(&a, &and_clean), PASSES);
    let lenient = |before| Rule::no_worse_than(before).with_missing_allowed();
    assert_eq!(compared(lenient, &a, &b), PASSES);

    let named = |before| Rule::no_worse_than(before).with_stream("a");
    assert_eq!(compared(named, &both, &a), PASSES);
    assert_eq!(
        compared(named, &a, &b),
        ["could not tell: a: the stream was not reported"]
    );
    assert_eq!(
        compared(named, &b, &a),
        ["could not tell: a: not in the baseline"]
    );
}

#[test]
fn more_images_that_violate_a_policy_are_worse() {
    let a =
        |compliant, evaluated| [stream("a", FULL).with_policy(result("p", compliant, evaluated))];
    let none = [stream("a", FULL)];
    assert_eq!(no_worse(&a(3, 4), &a(8, 9)), PASSES);
    assert_eq!(
        no_worse(&a(3, 4), &a(3, 5)),
        ["violated: a: policy P 2 violating, 1 in the baseline"]
    );
    assert_eq!(
        no_worse(&a(3, 4), &none),
        ["could not tell: a: policy P was not reported"]
    );
    assert_eq!(
        no_worse(&none, &a(3, 4)),
        ["could not tell: a: policy P is not in the baseline"]
    );
    assert_eq!(no_worse(&none, &a(4, 4)), PASSES);
    assert_eq!(
        no_worse(&a(3, 4), &a(0, 0)),
        ["could not tell: a: no image was evaluated against policy P"]
    );
    assert_eq!(no_worse(&a(0, 0), &a(0, 0)), PASSES);
    let lenient = |before| Rule::no_worse_than(before).with_unevaluated_allowed();
    assert_eq!(compared(lenient, &a(3, 4), &a(0, 0)), PASSES);
    assert_eq!(
        no_worse(&a(5, 4), &a(9, 8)),
        [
            "could not tell: a: anomaly: 9 images comply with policy P, 8 were evaluated",
            "could not tell: a: anomaly in the baseline: 5 images comply with policy P, 4 were evaluated",
        ]
    );
}

#[test]
fn unknown_severities_are_compared_by_name() {
    let a = |count: Option<u64>| {
        let counts: VulnerabilityCounts = FULL.parse().unwrap();
        let counts = match count {
            Some(count) => counts.with_unrecognized("BLOCKER", count).unwrap(),
            None => counts,
        };
        [Stream::new("a").with_vulnerabilities(counts)]
    };
    assert_eq!(no_worse(&a(Some(7)), &a(Some(7))), PASSES);
    assert_eq!(no_worse(&a(None), &a(Some(0))), PASSES);
    assert_eq!(
        no_worse(&a(Some(7)), &a(Some(8))),
        ["violated: a: BLOCKER 8, 7 in the baseline"]
    );
    assert_eq!(
        no_worse(&a(None), &a(Some(8))),
        ["could not tell: a: BLOCKER is not in the baseline"]
    );
    assert_eq!(
        no_worse(&a(Some(7)), &a(None)),
        ["could not tell: a: BLOCKER was not reported"]
    );
    // It may be worse than HIGH, or not.
    let high = |before| Rule::no_worse_than(before).with_at_least(Severity::High);
    assert_eq!(compared(high, &a(Some(7)), &a(Some(7))), PASSES);
    assert_eq!(
        compared(high, &a(Some(7)), &a(Some(8))),
        ["could not tell: a: BLOCKER 8, an unknown severity"]
    );
    let allowed =
        |before| Rule::no_worse_than(before).with_anomaly_allowed(AnomalyKind::UnknownSeverity);
    assert_eq!(compared(allowed, &a(Some(7)), &a(Some(8))), PASSES);
}

#[test]
fn a_baseline_must_be_an_older_snapshot_of_the_organization_without_anomalies() {
    let now = snapshot([stream("a", FULL)]);
    let older = now.clone().with_scraped_at(now.scraped_at() - HOUR);
    let reason = |baseline: Option<Snapshot>| {
        let gate = Gate::new([Rule::no_worse_than(baseline)]).unwrap();
        lines(&gate.check(&now))
    };
    assert_eq!(reason(Some(older.clone())), PASSES);
    assert_eq!(
        reason(None),
        ["could not tell: no baseline: none was found"]
    );
    assert_eq!(
        reason(Some(now.clone())),
        ["could not tell: no baseline: it is not older than the snapshot"]
    );
    let other = Organization::new("other").unwrap();
    let other = Snapshot::new(other, older.streams().to_vec()).unwrap();
    assert_eq!(
        reason(Some(other.with_scraped_at(older.scraped_at()))),
        ["could not tell: no baseline: it belongs to organization `other`"]
    );
    let anomaly = Anomaly::new(AnomalyKind::Deviation, "odd");
    assert_eq!(
        reason(Some(older.with_anomalies(vec![anomaly]))),
        ["could not tell: anomaly in the baseline: odd (deviation)"]
    );
}

/// A history that fails.
#[derive(Debug)]
struct Failing;

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Failing")
    }
}

#[async_trait]
impl History for Failing {
    async fn organizations(&self) -> Result<Vec<Organization>> {
        Err(Error::new(ErrorKind::Unavailable, "disk full"))
    }

    async fn at(&self, _: &Organization, _: SystemTime, _: Duration) -> Result<Option<Snapshot>> {
        Err(Error::new(ErrorKind::Unavailable, "disk full").with_source("no space left"))
    }

    async fn range(
        &self,
        _: &Organization,
        _: SystemTime,
        _: SystemTime,
        _: Duration,
    ) -> Result<Vec<Snapshot>> {
        Err(Error::new(ErrorKind::Unavailable, "disk full"))
    }
}

#[tokio::test]
async fn a_history_that_fails_is_not_a_pass_even_if_a_missing_baseline_is() {
    let gate = Gate::new([Rule::no_worse_than(DAY).with_missing_allowed()]).unwrap();
    let now = snapshot([stream("a", FULL)]);
    let empty = MemoryHistory::new();
    assert_eq!(lines(&gate.check_with(&now, &empty).await), PASSES);
    assert_eq!(
        lines(&gate.check_with(&now, &Failing).await),
        ["could not tell: cannot read the baseline: disk full: no space left"]
    );
}
