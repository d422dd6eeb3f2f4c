//! Anomalies and severities that make a gate unable to tell.

use scout_metrics_core::{
    Anomaly, AnomalyKind, RawSample, Severity, Snapshot, Stream, VulnerabilityCounts,
    gate::{Gate, Rule},
};

use crate::{PASSES, findings, lines, result, snapshot, stream};

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

/// A sample that no stream holds, with these labels.
fn unplaced(kind: AnomalyKind, labels: &[(&str, &str)]) -> Anomaly {
    let labels = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let sample = RawSample::new("scout", labels.collect(), 5.0);
    Anomaly::new(kind, "odd").with_line(7).with_unplaced(sample)
}

/// Two streams in which everything is good, one of which has an anomaly.
fn with_anomaly(anomaly: Anomaly) -> Snapshot {
    let stream = |name| stream(name, "0C 0H").with_policy(result("p", 1, 1));
    snapshot([stream("a"), stream("b")]).with_anomalies(vec![anomaly])
}

/// Returns whether a rule about criticals, and one about policies, passes in spite of an anomaly, for streams `a` and
/// `b` and for every stream.
fn passes(anomaly: &Anomaly) -> [bool; 6] {
    let snapshot = with_anomaly(anomaly.clone());
    let criticals = || Rule::max(Severity::Critical, 0);
    [
        criticals().with_stream("a"),
        criticals().with_stream("b"),
        criticals(),
        Rule::all_policies_pass().with_stream("a"),
        Rule::all_policies_pass().with_stream("b"),
        Rule::all_policies_pass(),
    ]
    .map(|rule| Gate::new([rule]).unwrap().check(&snapshot).is_passed())
}

#[test]
fn an_anomaly_concerns_the_rules_that_read_what_it_is_about() {
    let a = ("streamName", "a");
    let critical = ("severity", "CRITICAL");
    let kind = AnomalyKind::UnknownLabel;
    let everything = [false; 6];
    for (labels, expected) in [
        (&[a, critical][..], [false, true, false, true, true, true]),
        (&[a, ("severity", "HIGH")], [true; 6]),
        (
            &[a, ("severity", "BLOCKER")],
            [false, true, false, true, true, true],
        ),
        (&[a, ("id", "p")], [true, true, true, false, true, false]),
        (&[a], [false, true, false, false, true, false]),
        (&[critical], [false, false, false, true, true, true]),
        (&[("id", "q")], [true, true, true, false, false, false]),
        (&[("streamName", ""), ("severity", "")], everything),
        (&[], everything),
        // No stream of the snapshot has this name, because none of its samples could be placed.
        (
            &[("streamName", "gone"), critical],
            [true, true, false, true, true, true],
        ),
        (
            &[("streamName", "gone")],
            [true, true, false, true, true, false],
        ),
    ] {
        assert_eq!(passes(&unplaced(kind, labels)), expected, "{labels:?}");
    }
    for kind in AnomalyKind::ALL {
        let anomaly = Anomaly::new(*kind, "odd");
        let expected = match kind {
            // The data shows these two, and names to show are not read.
            AnomalyKind::CompliantExceedsEvaluated | AnomalyKind::MissingLabel => [true; 6],
            _ => everything,
        };
        assert_eq!(passes(&anomaly), expected, "{kind}");
    }
}

#[test]
fn a_sample_of_an_unknown_family_concerns_a_gate_if_it_looks_like_a_part_of_the_counts() {
    let a = ("streamName", "a");
    let kind = AnomalyKind::UnknownFamily;
    for (labels, expected) in [
        (&[][..], [true; 6]),
        (&[("severity", "CRITICAL")], [true; 6]),
        (&[a], [true; 6]),
        (
            &[a, ("severity", "CRITICAL")],
            [false, true, false, true, true, true],
        ),
        (&[a, ("id", "q")], [true, true, true, false, true, false]),
    ] {
        assert_eq!(passes(&unplaced(kind, labels)), expected, "{labels:?}");
    }
}

#[test]
fn an_anomaly_is_described_once_for_each_rule_and_stream_and_can_be_allowed() {
    let labels = [("streamName", "a"), ("severity", "CRITICAL")];
    let anomaly = unplaced(AnomalyKind::UnknownLabel, &labels);
    let snapshot = with_anomaly(anomaly.clone()).with_anomalies(vec![
        anomaly.clone(),
        anomaly.clone(),
        anomaly,
        Anomaly::new(AnomalyKind::Deviation, "no final line feed"),
    ]);
    let lines = |rule| lines(&Gate::new([rule]).unwrap().check(&snapshot));
    let rule = || Rule::max(Severity::Critical, 0);
    assert_eq!(
        lines(rule()),
        [
            "could not tell: anomaly: no final line feed (deviation)",
            "could not tell: a: anomaly: odd (line 7) (unknown_label), and 2 others",
        ]
    );
    let rule = || rule().with_anomaly_allowed(AnomalyKind::UnknownLabel);
    assert_eq!(
        lines(rule()),
        ["could not tell: anomaly: no final line feed (deviation)"]
    );
    assert_eq!(
        lines(rule().with_anomaly_allowed(AnomalyKind::Deviation)),
        PASSES
    );
}
