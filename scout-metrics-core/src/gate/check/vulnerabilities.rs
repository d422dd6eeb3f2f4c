//! Checks the number of vulnerabilities of a stream.

use super::report::Report;
use crate::{
    AnomalyKind, Severity, Stream, VulnerabilityCounts,
    gate::{
        Quantity, Reason, Subject,
        doubt::unknown_severities,
        problem::Problem,
        rule::{Allowed, Severities},
    },
    text::Names,
};

pub(super) fn check(
    stream: &Stream,
    severities: Severities,
    max: u64,
    allowed: &Allowed,
    report: &mut Report,
) {
    let counts = stream.vulnerabilities();
    let reported = counts
        .iter()
        .filter(|(severity, _)| severities.contains(*severity));
    let sum: u64 = reported.map(|(_, count)| count).sum();
    if sum > max {
        let problem = Problem::of(stream.name(), Reason::TooManyVulnerabilities)
            .about(severities.into())
            .actual(Quantity::Count(sum));
        report.push(problem.allowed(Quantity::Count(max)));
    }
    if !allowed.missing {
        report_missing(stream, severities, report);
    }
    if !allowed.has(AnomalyKind::UnknownSeverity) {
        for (name, count) in unknown_severities(counts) {
            let problem = Problem::of(stream.name(), Reason::UnknownSeverity)
                .about(Subject::UnrecognizedSeverity(name.to_owned()));
            report.push(problem.actual(Quantity::Count(count)));
        }
    }
}

/// Reports the severities that were not reported.
pub(super) fn report_missing(stream: &Stream, severities: Severities, report: &mut Report) {
    let missing = missing_severities(stream.vulnerabilities(), severities);
    if !missing.is_empty() {
        let verb = if missing.len() == 1 { "was" } else { "were" };
        let detail = format!("{} {verb}", Names(&missing, ""));
        let problem = Problem::of(stream.name(), Reason::SeverityMissing).about(severities.into());
        report.push(problem.detail(detail));
    }
}

fn missing_severities(counts: &VulnerabilityCounts, severities: Severities) -> Vec<Severity> {
    let mut all = Severity::ALL.to_vec();
    all.retain(|severity| severities.contains(*severity) && counts.get(*severity).is_none());
    all
}

impl From<Severities> for Subject {
    fn from(severities: Severities) -> Self {
        match severities {
            Severities::AtLeast(severity) => Self::AtLeast(severity),
            Severities::Only(severity) => Self::Severity(severity),
        }
    }
}
