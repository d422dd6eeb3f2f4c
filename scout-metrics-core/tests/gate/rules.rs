//! Each rule with data that passes, data that violates it, and data that does not show which of both.

use std::time::SystemTime;

use scout_metrics_core::{
    ErrorKind, PolicyResult, Severity, Stream, VulnerabilityCounts,
    gate::{Gate, Rule},
};

use crate::{HOUR, PASSES, findings, lines, result, snapshot, stream};

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

#[test]
fn a_gate_without_sense_is_refused() {
    let message = |rules: Vec<Rule>| {
        let error = Gate::new(rules).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    assert_eq!(message(vec![]), "a gate needs at least one rule");
    for (rule, expected) in [
        (
            Rule::min_compliance(f64::NAN),
            "the minimum compliance is not a number from 0 to 1",
        ),
        (
            Rule::min_compliance(90.0),
            "the minimum compliance is not a number from 0 to 1",
        ),
        (
            Rule::max(Severity::High, 0).with_policy("p"),
            "only a rule about compliance can name a policy",
        ),
        (
            Rule::all_policies_pass().with_at_least(Severity::High),
            "only a comparison with a baseline can be limited to severities",
        ),
        (
            Rule::max_age(HOUR).with_stream("a"),
            "the age of a snapshot does not depend on a stream",
        ),
    ] {
        let good = Rule::max_age(HOUR);
        let text = rule.to_string();
        assert_eq!(
            message(vec![good, rule]),
            format!("invalid rule `{text}`: {expected}")
        );
    }
}
