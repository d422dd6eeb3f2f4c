//! The source of the example `custom_source` follows the contract of sources.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[path = "../custom_source/scan_report.rs"]
mod scan_report;

use std::fs;

use scout_metrics_core::{ErrorKind, MetricsSource, Organization, conformance};

use self::scan_report::ScanReport;

fn report(directory: &tempfile::TempDir, content: impl AsRef<[u8]>) -> ScanReport {
    let path = directory.path().join("report.txt");
    fs::write(&path, content).unwrap();
    ScanReport::new(Organization::new("acme").unwrap(), path)
}

#[tokio::test]
async fn a_report_passes_the_conformance_checks() {
    let directory = tempfile::tempdir().unwrap();
    conformance::check(&report(&directory, "production: 0C 3H\nstaging: 5C\n")).await;
}

#[tokio::test]
async fn each_failure_names_the_organization_and_has_a_kind() {
    let directory = tempfile::tempdir().unwrap();
    let missing = ScanReport::new(
        Organization::new("acme").unwrap(),
        directory.path().join("no such file"),
    );
    conformance::check_failing(&missing, ErrorKind::NotFound).await;
    for content in [
        &b"production"[..],
        b"production: 5X",
        b"\xff: 5C",
        b"a: 1C\na: 2C",
    ] {
        let report = report(&directory, content);
        conformance::check_failing(&report, ErrorKind::Decode).await;
    }
}

#[tokio::test]
async fn an_invalid_line_is_reported_with_its_number() {
    let directory = tempfile::tempdir().unwrap();
    let error = report(&directory, "a: 1C\nb\n").scrape().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "organization `acme`: line 2: expected a colon after the stream, found \"b\""
    );
}
