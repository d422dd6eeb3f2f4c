//! Gates: each rule with data that passes, data that violates it, and data that does not show which of both.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::time::{Duration, SystemTime};

use scout_metrics_core::{
    AnomalyKind, MemoryHistory, Organization, Policy, PolicyResult, RecordHistory, Severity,
    Snapshot, Stream, VulnerabilityCounts,
    gate::{Baseline, Gate, Outcome, Reason, Rule, Verdict},
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn acme() -> Organization {
    Organization::new("acme").unwrap()
}

fn stream(name: &str, counts: &str) -> Stream {
    Stream::new(name).with_vulnerabilities(counts.parse().unwrap())
}

fn result(id: &str, compliant: u64, evaluated: u64) -> PolicyResult {
    PolicyResult::new(Policy::new(id, id.to_uppercase()), compliant, evaluated).unwrap()
}

fn snapshot(streams: impl IntoIterator<Item = Stream>) -> Snapshot {
    Snapshot::new(acme(), streams).unwrap()
}

fn check(rule: Rule, streams: impl IntoIterator<Item = Stream>) -> Verdict {
    Gate::new([rule]).unwrap().check(&snapshot(streams))
}

/// Returns the findings without their rules, and checks that the outcome is the worst of theirs.
fn lines(verdict: &Verdict) -> Vec<String> {
    let worst = verdict.findings().iter().map(|finding| finding.outcome());
    assert_eq!(verdict.outcome(), worst.max().unwrap_or(Outcome::Passed));
    let findings = verdict.findings().iter();
    findings
        .map(|finding| format!("{}: {finding}", finding.outcome()))
        .collect()
}

fn findings(rule: Rule, streams: impl IntoIterator<Item = Stream>) -> Vec<String> {
    lines(&check(rule, streams))
}

const PASSES: [&str; 0] = [];

#[test]
fn a_maximum_of_a_severity() {
    let rule = || Rule::max(Severity::Critical, 2).with_stream("a");
    assert_eq!(
        findings(rule(), [stream("a", "2C 9H"), stream("b", "9C")]),
        PASSES
    );
    assert_eq!(
        findings(rule(), [stream("a", "5C")]),
        ["violated: a: CRITICAL 5, at most 2 allowed"]
    );
    assert_eq!(
        findings(rule(), [stream("a", "9H")]),
        ["could not tell: a: CRITICAL was not reported"]
    );
    assert_eq!(
        findings(rule(), [stream("b", "0C")]),
        ["could not tell: a: the stream was not reported"]
    );
    assert_eq!(
        findings(Rule::max(Severity::Critical, 2), []),
        ["could not tell: no streams were reported"]
    );
    assert_eq!(
        findings(rule().with_missing_allowed(), [stream("a", "9H")]),
        PASSES
    );
    assert_eq!(findings(rule().with_missing_allowed(), []), PASSES);
}

#[test]
fn the_gate_of_the_issue_does_not_fail_open() {
    let counts = VulnerabilityCounts::new().with(Severity::High, 3).unwrap();
    let counts = counts.with_unrecognized("BLOCKER", 7).unwrap();
    let production = Stream::new("production").with_vulnerabilities(counts);
    assert_eq!(
        findings(Rule::max(Severity::Critical, 0), [production]),
        [
            "could not tell: production: CRITICAL was not reported",
            "could not tell: production: BLOCKER 7, an unknown severity",
        ]
    );
}

#[test]
fn unknown_severities_are_in_doubt_until_there_are_none_or_they_are_allowed() {
    let with = |count| {
        let counts = "0C 1H".parse::<VulnerabilityCounts>().unwrap();
        let counts = counts.with_unrecognized("BLOCKER", count).unwrap();
        [Stream::new("a").with_vulnerabilities(counts)]
    };
    let rule = || Rule::max_at_least(Severity::High, 1);
    assert_eq!(findings(rule(), with(0)), PASSES);
    assert_eq!(
        findings(rule(), with(1)),
        ["could not tell: a: BLOCKER 1, an unknown severity"]
    );
    let allowed = rule().with_anomaly_allowed(AnomalyKind::UnknownSeverity);
    assert_eq!(findings(allowed, with(1)), PASSES);
}

#[test]
fn a_maximum_of_a_severity_and_worse_ones() {
    let rule = || Rule::max_at_least(Severity::High, 4);
    assert_eq!(findings(rule(), [stream("a", "1C 3H 9M")]), PASSES);
    assert_eq!(
        findings(rule(), [stream("a", "2C 3H")]),
        ["violated: a: HIGH or worse 5, at most 4 allowed"]
    );
    assert_eq!(
        findings(rule(), [stream("a", "4C")]),
        ["could not tell: a: HIGH was not reported"]
    );
    assert_eq!(
        findings(rule(), [stream("a", "9M")]),
        ["could not tell: a: CRITICAL and HIGH were not reported"]
    );
    // More than enough is known for a violation.
    assert_eq!(
        findings(rule(), [stream("a", "5H")]),
        [
            "violated: a: HIGH or worse 5, at most 4 allowed",
            "could not tell: a: CRITICAL was not reported",
        ]
    );
}

#[test]
fn a_minimum_of_compliance_with_a_policy() {
    let rule = || Rule::min_compliance(0.9).with_policy("p");
    let with = |results: &[PolicyResult]| {
        let stream = Stream::new("a");
        [results.iter().cloned().fold(stream, Stream::with_policy)]
    };
    assert_eq!(
        findings(rule(), with(&[result("p", 9, 10), result("q", 0, 9)])),
        PASSES
    );
    assert_eq!(
        findings(rule(), with(&[result("p", 89, 100)])),
        ["violated: a: policy P 89/100, at least 90 % required"]
    );
    assert_eq!(
        findings(rule(), with(&[result("q", 9, 9)])),
        ["could not tell: a: policy p was not reported"]
    );
    assert_eq!(
        findings(rule(), with(&[result("p", 0, 0)])),
        ["could not tell: a: no image was evaluated against policy P"]
    );
    assert_eq!(
        findings(rule(), with(&[result("p", 10, 9)])),
        ["could not tell: a: anomaly: 10 images comply with policy P, 9 were evaluated"]
    );
    assert_eq!(findings(rule().with_missing_allowed(), with(&[])), PASSES);
    let unevaluated = rule().with_unevaluated_allowed();
    assert_eq!(findings(unevaluated, with(&[result("p", 0, 0)])), PASSES);
}

#[test]
fn all_policies_pass() {
    let rule = Rule::all_policies_pass;
    let good = || Stream::new("a").with_policy(result("p", 9, 9));
    let bad = Stream::new("b").with_policy(result("p", 8, 9));
    let none = || stream("c", "0C");
    assert_eq!(findings(rule(), [good()]), PASSES);
    assert_eq!(
        findings(rule(), [good(), bad]),
        ["violated: b: policy P 8/9, at least 100 % required"]
    );
    assert_eq!(
        findings(rule(), [good(), none()]),
        ["could not tell: c: no policies were reported"]
    );
    assert_eq!(
        findings(rule(), [none(), stream("d", "0C")]),
        ["could not tell: no policies were reported"]
    );
    assert_eq!(findings(rule().with_missing_allowed(), [none()]), PASSES);
}

#[test]
fn a_greatest_age() {
    let gate = Gate::new([Rule::max_age(25 * HOUR)]).unwrap();
    let lines = |time| lines(&gate.check(&snapshot([]).with_scraped_at(time)));
    let now = SystemTime::now();
    assert_eq!(lines(now - 24 * HOUR), PASSES);
    assert_eq!(lines(now + HOUR / 60), PASSES);
    assert_eq!(
        lines(now - 26 * HOUR),
        ["could not tell: the snapshot is 26h old, older than the limit of 25h"]
    );
    assert_eq!(
        lines(now + HOUR),
        ["could not tell: the snapshot was scraped in the future"]
    );
}

#[tokio::test]
async fn no_worse_than_a_week_ago() {
    let now = SystemTime::UNIX_EPOCH + 20_000 * DAY;
    let gate = Gate::new([Rule::no_worse_than(7 * DAY).with_at_least(Severity::High)]).unwrap();
    let today = |counts| snapshot([stream("a", counts)]).with_scraped_at(now);

    let history = MemoryHistory::new();
    let none = gate.check_with(&today("0C 0H"), &history).await;
    assert_eq!(
        lines(&none),
        ["could not tell: no baseline: MemoryHistory has none of 2024-09-27T00:00:00Z"]
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
        ["could not tell: no baseline: there is no history to find it in"]
    );
    let strict = Baseline::ago(7 * DAY).with_tolerance(22 * HOUR);
    let strict = Gate::new([Rule::no_worse_than(strict)]).unwrap();
    let verdict = strict.check_with(&today("2C 3H"), &history).await;
    assert_eq!(verdict.findings()[0].reason(), Reason::BaselineMissing);
}
