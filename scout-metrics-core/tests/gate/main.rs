//! Gates: their rules, what makes them unable to tell, and their verdicts.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

mod anomalies;
mod baseline;
#[cfg(feature = "toml")]
mod file;
mod missing;
mod rules;
mod verdict;

use std::time::Duration;

use scout_metrics_core::{
    Organization, Policy, PolicyResult, Snapshot, Stream,
    gate::{Gate, Outcome, Rule, Verdict},
};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn acme() -> Organization {
    Organization::new("acme").unwrap()
}

pub(crate) fn stream(name: &str, counts: &str) -> Stream {
    Stream::new(name).with_vulnerabilities(counts.parse().unwrap())
}

pub(crate) fn result(id: &str, compliant: u64, evaluated: u64) -> PolicyResult {
    PolicyResult::new(Policy::new(id, id.to_uppercase()), compliant, evaluated).unwrap()
}

pub(crate) fn snapshot(streams: impl IntoIterator<Item = Stream>) -> Snapshot {
    Snapshot::new(acme(), streams).unwrap()
}

pub(crate) fn check(rule: Rule, streams: impl IntoIterator<Item = Stream>) -> Verdict {
    Gate::new([rule]).unwrap().check(&snapshot(streams))
}

/// Returns the findings without their rules, and checks that the outcome is the worst of theirs.
pub(crate) fn lines(verdict: &Verdict) -> Vec<String> {
    let worst = verdict.findings().iter().map(|finding| finding.outcome());
    assert_eq!(verdict.outcome(), worst.max().unwrap_or(Outcome::Passed));
    let findings = verdict.findings().iter();
    findings
        .map(|finding| format!("{}: {finding}", finding.outcome()))
        .collect()
}

pub(crate) fn findings(rule: Rule, streams: impl IntoIterator<Item = Stream>) -> Vec<String> {
    lines(&check(rule, streams))
}

pub(crate) const PASSES: [&str; 0] = [];
