//! The order and the forms of a verdict.

use std::time::{Duration, SystemTime};

use scout_metrics_core::{
    Severity, Stream, VulnerabilityCounts,
    gate::{Gate, Outcome, Quantity, Reason, Rule, Subject, Verdict},
};

use crate::{HOUR, result, snapshot, stream};

/// A verdict with every kind of finding that a snapshot alone can have.
fn verdict() -> Verdict {
    let counts: VulnerabilityCounts = "1C 20H".parse().unwrap();
    let counts = counts.with_unrecognized("BLOCKER", 7).unwrap();
    let streams = [
        stream("a", "0C 3H 9M"),
        Stream::new("b\n\u{202e}").with_vulnerabilities(counts),
        stream("c", "9C 0H 0M").with_policy(result("p", 1, 4)),
        stream("d", "0C 0H 0M").with_policy(result("p", 3, 4)),
    ];
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
    let gate = Gate::new([
        Rule::max(Severity::Medium, 0).with_name("no\nmedium"),
        Rule::max(Severity::High, 2),
        Rule::max(Severity::Critical, 0),
        Rule::min_compliance(0.9)
            .with_policy("p")
            .with_streams(["c", "d", "e"]),
        Rule::max_age(HOUR),
        Rule::max_at_least(Severity::High, 99).with_stream("a"),
    ]);
    gate.unwrap()
        .check(&snapshot(streams).with_scraped_at(time))
}

#[test]
fn the_most_important_comes_first() {
    let verdict = verdict();
    let text = verdict.to_string();
    let (first, lines) = text.split_once('\n').unwrap();
    assert_eq!(first, "acme: violated, 1 of 6 rules passed");
    let age = lines.lines().find(|line| line.contains("old,")).unwrap();
    let age_start = "could not tell: the snapshot is ";
    assert!(age.starts_with(age_start), "{age}");
    let lines: Vec<&str> = lines.lines().filter(|line| *line != age).collect();
    assert_eq!(
        lines,
        [
            "violated: c: CRITICAL 9, at most 0 allowed (rule: at most 0 CRITICAL in every stream)",
            r"violated: b\n\u{202e}: CRITICAL 1, at most 0 allowed (rule: at most 0 CRITICAL in every stream)",
            r"violated: b\n\u{202e}: HIGH 20, at most 2 allowed (rule: at most 2 HIGH in every stream)",
            "violated: a: HIGH 3, at most 2 allowed (rule: at most 2 HIGH in every stream)",
            "violated: c: policy P 1/4, at least 90 % required (rule: at least 90 % of the images comply with p in c, d and e)",
            "violated: d: policy P 3/4, at least 90 % required (rule: at least 90 % of the images comply with p in c, d and e)",
            r"violated: a: MEDIUM 9, at most 0 allowed (rule: no\nmedium)",
            r"could not tell: b\n\u{202e}: BLOCKER 7, an unknown severity (rule: no\nmedium)",
            r"could not tell: b\n\u{202e}: BLOCKER 7, an unknown severity (rule: at most 2 HIGH in every stream)",
            r"could not tell: b\n\u{202e}: BLOCKER 7, an unknown severity (rule: at most 0 CRITICAL in every stream)",
            r"could not tell: b\n\u{202e}: MEDIUM was not reported (rule: no\nmedium)",
            "could not tell: e: the stream was not reported (rule: at least 90 % of the images comply with p in c, d and e)",
        ]
    );
    // Findings about the whole snapshot come before those about a stream.
    let untellable = verdict.findings().iter();
    let mut untellable = untellable.filter(|finding| finding.outcome() == Outcome::Untellable);
    assert_eq!(untellable.next().unwrap().reason(), Reason::TooOld);
}

#[test]
fn a_finding_names_stream_subject_numbers_and_rule() {
    let verdict = verdict();
    let finding = &verdict.findings()[0];
    assert_eq!(finding.reason(), Reason::TooManyVulnerabilities);
    assert_eq!(finding.stream().unwrap().as_str(), "c");
    assert_eq!(
        finding.subject(),
        Some(&Subject::Severity(Severity::Critical))
    );
    assert_eq!(finding.severity(), Some(Severity::Critical));
    assert_eq!(finding.policy(), None);
    assert_eq!(finding.actual(), Some(Quantity::Count(9)));
    assert_eq!(finding.allowed(), Some(Quantity::Count(0)));
    assert_eq!(finding.rule(), "at most 0 CRITICAL in every stream");
    assert_eq!(verdict.rules()[finding.rule_index()].text(), finding.rule());

    let finding = &verdict.findings()[4];
    assert_eq!(finding.policy().unwrap().id().as_str(), "p");
    assert_eq!(finding.actual(), Some(Quantity::Ratio(0.25)));
    assert_eq!(verdict.rules()[0].name(), Some("no\nmedium"));
    assert_eq!(verdict.rules()[0].outcome(), Outcome::Violated);
    assert_eq!(verdict.rules()[5].outcome(), Outcome::Passed);
}

#[test]
fn the_json_form_is_stable() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
    let gate = Gate::new([
        Rule::max_at_least(Severity::High, 2).with_name("few"),
        Rule::min_compliance(0.9).with_policy("p"),
        Rule::max(Severity::Low, 0),
    ]);
    let streams = [
        stream("a", "0C 3H 0L").with_policy(result("p", 1, 4)),
        stream("b", "0C 0H 0L"),
    ];
    let verdict = gate
        .unwrap()
        .check(&snapshot(streams).with_scraped_at(time));
    insta::assert_json_snapshot!(verdict, @r#"
    {
      "organization": "acme",
      "scraped_at": "2023-11-14T22:13:20.25Z",
      "outcome": "violated",
      "rules": [
        {
          "index": 0,
          "name": "few",
          "text": "at most 2 HIGH or worse in every stream",
          "outcome": "violated"
        },
        {
          "index": 1,
          "text": "at least 90 % of the images comply with p in every stream",
          "outcome": "violated"
        },
        {
          "index": 2,
          "text": "at most 0 LOW in every stream",
          "outcome": "passed"
        }
      ],
      "findings": [
        {
          "outcome": "violated",
          "reason": "too_many_vulnerabilities",
          "rule": {
            "index": 0,
            "name": "few",
            "text": "at most 2 HIGH or worse in every stream"
          },
          "stream": "a",
          "at_least": "HIGH",
          "actual": 3,
          "allowed": 2,
          "message": "a: HIGH or worse 3, at most 2 allowed"
        },
        {
          "outcome": "violated",
          "reason": "too_few_compliant",
          "rule": {
            "index": 1,
            "text": "at least 90 % of the images comply with p in every stream"
          },
          "stream": "a",
          "policy": {
            "id": "p",
            "display_name": "P"
          },
          "actual": 0.25,
          "allowed": 0.9,
          "message": "a: policy P 1/4, at least 90 % required"
        },
        {
          "outcome": "untellable",
          "reason": "policy_missing",
          "rule": {
            "index": 1,
            "text": "at least 90 % of the images comply with p in every stream"
          },
          "stream": "b",
          "policy": {
            "id": "p",
            "display_name": ""
          },
          "message": "b: policy p was not reported"
        }
      ]
    }
    "#);
}
