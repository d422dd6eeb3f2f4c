//! The [Code Quality report] of GitLab.
//!
//! [Code Quality report]: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format

use serde::Serialize;

use scout_metrics_core::{
    Severity,
    gate::{Finding, Outcome},
};
use scout_metrics_examples::terminal::printable;

use super::{
    fingerprint::fingerprint,
    location::Locations,
    report::{Report, shown},
};

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

impl Location {
    fn new(path: String) -> Self {
        let lines = Lines { begin: 1 };
        Self { path, lines }
    }
}

pub(super) fn write(report: &Report, locations: &Locations) -> serde_json::Result<String> {
    let failed = report.checked.iter().filter_map(|checked| {
        let organization = &checked.organization;
        let error = checked.verdict.as_ref().err()?;
        Some(Issue {
            description: shown(error),
            check_name: "no_snapshot".to_owned(),
            fingerprint: format!("{organization}-no-snapshot"),
            severity: "blocker",
            location: Location::new(organization.to_string()),
        })
    });
    let findings = report.findings().map(|(organization, finding)| Issue {
        description: format!(
            "{organization}: {finding} (rule: {})",
            printable(finding.rule())
        ),
        check_name: finding.reason().to_string(),
        fingerprint: fingerprint(organization, finding),
        severity: severity(finding),
        location: Location::new(locations.path(organization, finding)),
    });
    let issues: Vec<Issue> = failed.chain(findings).collect();
    Ok(serde_json::to_string_pretty(&issues)? + "\n")
}

fn severity(finding: &Finding) -> &'static str {
    match (finding.outcome(), finding.severity()) {
        (Outcome::Violated, Some(Severity::Critical)) => "critical",
        (Outcome::Violated, Some(Severity::Medium | Severity::Low)) => "minor",
        _ => "major",
    }
}
