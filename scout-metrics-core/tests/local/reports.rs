//! The counts of the reports of each scanner.

use scout_metrics_core::{
    AnomalyKind, Severity,
    gate::{Gate, Outcome, Rule},
};

use super::{Scans, counts, report, result};

const DOCKER_SCOUT: &str = include_str!("reports/docker-scout.sarif");
const DOCKER_SCOUT_0_24: &str = include_str!("reports/docker-scout-0.24.sarif");
const DOCKER_SCOUT_CLEAN: &str = include_str!("reports/docker-scout-clean.sarif");
const GRYPE: &str = include_str!("reports/grype.sarif");
const TRIVY: &str = include_str!("reports/trivy.sarif");

/// Returns the counts of a stream with one image.
async fn counted(report: impl AsRef<[u8]>) -> String {
    let scans = Scans::new().with("production/image.sarif", report);
    let snapshot = scans.snapshot().await;
    assert!(
        snapshot.anomalies().is_empty(),
        "{:?}",
        snapshot.anomalies()
    );
    counts(&snapshot.streams()[0])
}

#[tokio::test]
async fn a_vulnerability_of_docker_scout_counts_in_each_package() {
    // One critical in two packages, one high in one package at two places; the word UNSPECIFIED wins over 3.1.
    assert_eq!(counted(DOCKER_SCOUT).await, "2C 1H 0M 1L 1?");
    assert_eq!(counted(DOCKER_SCOUT_CLEAN).await, "0C 0H 0M 0L");
}

#[tokio::test]
async fn grype_rates_by_score_and_a_package_in_two_versions_is_two() {
    assert_eq!(counted(GRYPE).await, "1C 2H 1M 1L 1?");
}

#[tokio::test]
async fn only_vulnerabilities_of_trivy_count_once_for_each_package_with_their_own_severity() {
    assert_eq!(counted(TRIVY).await, "2C 2H 1M 1L 1?");
}

#[tokio::test]
async fn scores_are_enough_for_an_unknown_scanner() {
    let results = format!("[{}, {}]", result("9.8"), result("9.8"));
    assert_eq!(counted(report(&results)).await, "2C 0H 0M 0L");

    let package =
        r#"{"ruleId": "CVE-1", "properties": {"security-severity": 5.0, "purl": "pkg:npm/a@1"}}"#;
    let worse = package.replace("5.0", "\"7.1\"");
    let results = format!("[{package}, {worse}, {package}]");
    assert_eq!(counted(report(&results)).await, "0C 1H 0M 0L");
}

#[tokio::test]
async fn rules_are_found_by_identifier_and_by_place_before_or_after_the_results() {
    let log = r#"{"runs": [{
        "results": [
            {"ruleIndex": 1}, {"ruleId": "a"}, {"ruleId": "b/part", "ruleIndex": 1}, {"rule": {"id": "c"}},
            {"rule": {"index": 0}}, {"ruleId": "c", "ruleIndex": 0}, {"ruleId": "a", "ruleIndex": -1}
        ],
        "tool": {
            "extensions": [{"name": "more", "rules": [{"id": "c", "properties": {"security-severity": "2.0"}}]}],
            "driver": {"name": "x", "rules": [
                {"id": "a", "properties": {"security-severity": "9.0"}},
                {"id": "b", "properties": {"security-severity": "5.0"}}
            ]}
        }
    }], "version": "2.1.0"}"#;
    assert_eq!(counted(log).await, "3C 0H 2M 2L");
}

#[tokio::test]
async fn the_worst_of_several_rules_with_an_identifier_counts() {
    let rules = ["9.0", "2.0"];
    for rules in [rules, [rules[1], rules[0]]] {
        let rules = rules.map(|score| {
            format!(r#"{{"id": "CVE-1", "properties": {{"security-severity": "{score}"}}}}"#)
        });
        let log = format!(
            r#"{{"version": "2.1.0", "runs": [{{
                "tool": {{"driver": {{"name": "x", "rules": [{}]}}}}, "results": [{{"ruleId": "CVE-1"}}]
            }}]}}"#,
            rules.join(",")
        );
        assert_eq!(counted(log).await, "1C 0H 0M 0L");
    }
}

#[tokio::test]
async fn a_place_among_the_rules_of_an_extension_is_none_among_those_of_the_driver() {
    let log = r#"{"version": "2.1.0", "runs": [{
        "tool": {
            "driver": {"name": "x", "rules": [{"id": "a", "properties": {"security-severity": "2.0"}}]},
            "extensions": [{"name": "more", "rules": [{"id": "b", "properties": {"security-severity": "9.0"}}]}]
        },
        "results": [{"ruleIndex": 0, "rule": {"index": 0, "toolComponent": {"index": 0}}}]
    }]}"#;
    counted_with_doubt(
        log,
        "0C 0H 0M 0L 1?",
        "the report does not say how severe 1 of its vulnerabilities are",
    )
    .await;
}

#[tokio::test]
async fn results_without_an_identifier_count_each() {
    let result = r#"{"properties": {"security-severity": "9.0", "purl": "pkg:npm/a@1"}}"#;
    assert_eq!(
        counted(report(&format!("[{result}, {result}]"))).await,
        "2C 0H 0M 0L"
    );
}

#[tokio::test]
async fn an_empty_word_hides_no_score() {
    for properties in [
        r#""cvssV3_severity": "", "security-severity": "9.0""#,
        r#""cvssV3_severity": " ", "tags": ["CRITICAL"]"#,
        r#""tags": ["", "CRITICAL"]"#,
    ] {
        let results = format!(r#"[{{"properties": {{{properties}}}}}]"#);
        assert_eq!(
            counted(report(&results)).await,
            "1C 0H 0M 0L",
            "{properties}"
        );
    }
    let score = r#"{"security-severity": "9.0", "tags": ["vulnerability"]}"#;
    let trivy = format!(
        r#"{{"version": "2.1.0", "runs": [{{
            "tool": {{"driver": {{"name": "Trivy", "rules": [{{"id": "CVE-1", "properties": {score}}}]}}}},
            "results": [{{"ruleId": "CVE-1", "message": {{"text": "Package: a\nInstalled Version: 1\nSeverity: \n"}}}}]
        }}]}}"#
    );
    assert_eq!(counted(trivy).await, "1C 0H 0M 0L");
}

#[tokio::test]
async fn results_that_need_no_action_do_not_count() {
    let results = [
        r#""kind": "pass""#,
        r#""kind": "notApplicable""#,
        r#""kind": "informational""#,
        r#""baselineState": "absent""#,
        r#""suppressions": [{"kind": "external"}]"#,
        r#""suppressions": [{"kind": "external", "status": "accepted"}]"#,
        r#""kind": "fail""#,
        r#""kind": "review""#,
        r#""suppressions": []"#,
        r#""suppressions": [{"kind": "external"}, {"kind": "external", "status": "rejected"}]"#,
    ];
    let results =
        results.map(|more| format!(r#"{{{more}, "properties": {{"security-severity": "9.0"}}}}"#));
    let results = format!("[{}]", results.join(", "));
    assert_eq!(counted(report(&results)).await, "4C 0H 0M 0L");
}

#[tokio::test]
async fn several_runs_count_together() {
    let one = report(&format!("[{}]", result("9.0")));
    let run = one.split_once("\"runs\": [").unwrap().1;
    let run = run.strip_suffix("]}").unwrap();
    let two = format!(r#"{{"version": "2.1.0", "runs": [{run}, {run}]}}"#);
    assert_eq!(counted(two).await, "2C 0H 0M 0L");
}

#[tokio::test]
async fn a_byte_order_mark_is_accepted() {
    let marked = format!("\u{feff}{}", report("[]"));
    assert_eq!(counted(marked).await, "0C 0H 0M 0L");
}

/// Checks that an image is counted so, with one anomaly, and that no gate of its stream passes, unlike that of others.
async fn counted_with_doubt(report: &str, expected: &str, message: &str) {
    let scans = Scans::new()
        .with("production/image.sarif", report)
        .with("staging/image.sarif", DOCKER_SCOUT_CLEAN);
    let snapshot = scans.snapshot().await;
    assert_eq!(counts(&snapshot.streams()[0]), expected);
    let [anomaly] = snapshot.anomalies() else {
        panic!("{:?}", snapshot.anomalies());
    };
    assert_eq!(anomaly.kind(), AnomalyKind::Deviation);
    let path = scans.path().join("production/image.sarif");
    assert_eq!(
        anomaly.to_string(),
        format!("{}: {message}", path.display())
    );
    for (stream, outcome) in [
        ("production", Outcome::Untellable),
        ("staging", Outcome::Passed),
    ] {
        let gate = Gate::new([Rule::max(Severity::Critical, 9).with_stream(stream)]).unwrap();
        assert_eq!(gate.check(&snapshot).outcome(), outcome, "{stream}");
    }
}

#[tokio::test]
async fn rules_without_results_are_counted_with_a_doubt() {
    counted_with_doubt(
        DOCKER_SCOUT_0_24,
        "1C 0H 0M 0L 1?",
        r#"the report of "docker scout" has 2 rules and no results, so the rules are counted"#,
    )
    .await;
    // Rules of other tools are all that they look for.
    let other = DOCKER_SCOUT_0_24.replace("docker scout", "x");
    let scans = Scans::new().with("production/image.sarif", other);
    assert_eq!(
        scans.fault().await,
        "organization `acme`: cannot read `production/image.sarif`: the run of \"x\" has no results, not even none"
    );
}

#[tokio::test]
async fn a_vulnerability_without_a_severity_is_unspecified_with_a_doubt() {
    let results = format!(
        r#"[{{"ruleId": "CVE-2"}}, {}, {}]"#,
        result("11"),
        result("4.0")
    );
    counted_with_doubt(
        &report(&results),
        "0C 0H 1M 0L 2?",
        "the report does not say how severe 2 of its vulnerabilities are",
    )
    .await;
}

#[tokio::test]
async fn a_word_that_is_no_severity_is_kept() {
    let blocker = DOCKER_SCOUT.replace(
        r#""cvssV3_severity": "LOW""#,
        r#""cvssV3_severity": "BLOCKER""#,
    );
    let scans = Scans::new()
        .with("production/a.sarif", &blocker)
        .with("production/b.sarif", &blocker);
    let snapshot = scans.snapshot().await;
    assert_eq!(counts(&snapshot.streams()[0]), "4C 2H 0M 0L 2? 2 BLOCKER");
    let [anomaly] = snapshot.anomalies() else {
        panic!("{:?}", snapshot.anomalies());
    };
    assert_eq!(anomaly.kind(), AnomalyKind::UnknownSeverity);
    assert_eq!(
        anomaly.to_string(),
        r#"unknown severity "BLOCKER" in the reports of the stream "production""#
    );
    assert!(!anomaly.is_unplaced());
}
