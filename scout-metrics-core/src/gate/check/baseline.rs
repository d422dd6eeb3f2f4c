//! Checks that a snapshot is no worse than a baseline.

use super::{Report, View, vulnerabilities::report_missing};
use crate::{
    AnomalyKind, PolicyResult, Severity, Snapshot, Stream,
    gate::{
        Quantity, Reason, Rule, Subject,
        doubt::{Reads, is_impossible},
        problem::Problem,
        rule::Severities,
    },
    pair::{Pairs, pair},
};

/// The baseline of a rule.
#[derive(Clone, Debug)]
pub(in crate::gate) enum Found {
    /// There is none, for this reason.
    Missing(String),
    NotNeeded,
    Snapshot(Snapshot),
    /// The history failed.
    Unreadable(String),
}

/// Compares the streams of a rule that exist now.
pub(super) fn check(
    streams: &[&Stream],
    rule: &Rule,
    now: &Snapshot,
    baseline: &Found,
    report: &mut Report,
) {
    let before = match usable(baseline, now) {
        Ok(before) => before,
        Err(_) if matches!(baseline, Found::Missing(_)) && rule.allowed.missing => return,
        Err(problem) => return report.push(problem),
    };
    let before = View::new(before);
    let comparison = Comparison::new(rule);
    let reads = Reads::SeveritiesAndPolicies(comparison.least);
    let reason = Reason::BaselineAnomaly;
    report.extend(before.doubts.problems(rule, reads, reason));
    let pairs = pairs(streams, rule, now, &before);
    for (before, after) in pairs.kept {
        comparison.compare(before, after, report);
    }
    if !rule.allowed.missing {
        for stream in pairs.gone {
            report.push(Problem::of(stream.name(), Reason::StreamMissing));
        }
    }
}

fn usable<'a>(baseline: &'a Found, now: &Snapshot) -> Result<&'a Snapshot, Problem> {
    let missing = |detail: String| Err(Problem::new(Reason::BaselineMissing).detail(detail));
    match baseline {
        Found::Missing(detail) => missing(detail.clone()),
        Found::NotNeeded => missing(String::new()),
        Found::Snapshot(before) if before.organization() != now.organization() => missing(format!(
            "it belongs to organization `{}`",
            before.organization()
        )),
        // Nothing is worse than itself.
        Found::Snapshot(before) if before.scraped_at() >= now.scraped_at() => {
            missing("it is not older than the snapshot".to_owned())
        }
        Found::Snapshot(before) => Ok(before),
        Found::Unreadable(detail) => {
            Err(Problem::new(Reason::BaselineUnreadable).detail(detail.clone()))
        }
    }
}

fn pairs<'a>(
    streams: &[&'a Stream],
    rule: &Rule,
    now: &'a Snapshot,
    before: &View<'a>,
) -> Pairs<'a, Stream> {
    if rule.streams.is_empty() {
        return pair(before.snapshot.streams(), now.streams(), |stream| {
            stream.name().as_str()
        });
    }
    let kept = streams
        .iter()
        .map(|stream| (before.stream(stream.name()), *stream));
    Pairs {
        kept: kept.collect(),
        // A stream that is named and missing now has been reported.
        gone: Vec::new(),
    }
}

struct Comparison<'a> {
    rule: &'a Rule,
    least: Severity,
}

impl<'a> Comparison<'a> {
    fn new(rule: &'a Rule) -> Self {
        let least = rule.at_least.unwrap_or(Severity::Unspecified);
        Self { rule, least }
    }

    fn compare(&self, before: Option<&Stream>, after: &Stream, report: &mut Report) {
        if !self.rule.allowed.missing {
            report_missing(after, Severities::AtLeast(self.least), report);
        }
        match before {
            Some(before) => {
                self.compare_severities(before, after, report);
                self.compare_unrecognized(before, after, report);
                self.compare_policies(before, after, report);
            }
            None if self.rule.allowed.missing || !self.has_problems(after) => {}
            None => report.push(Problem::of(after.name(), Reason::BaselineIncomplete)),
        }
    }

    /// Returns whether a stream has vulnerabilities or violations that would need a baseline.
    fn has_problems(&self, stream: &Stream) -> bool {
        let counts = stream.vulnerabilities();
        let is_violated = |result: &PolicyResult| !result.is_compliant();
        counts.at_least(self.least) > 0
            || counts.unrecognized().any(|(_, count)| count > 0)
            || stream.policies().iter().any(is_violated)
    }

    fn compare_severities(&self, before: &Stream, after: &Stream, report: &mut Report) {
        for severity in Severity::ALL {
            if severity < self.least {
                continue;
            }
            let Some(count) = after.vulnerabilities().get(severity) else {
                continue;
            };
            let count_before = before.vulnerabilities().get(severity);
            let subject = Subject::Severity(severity);
            self.compare_counts(after, subject, count_before, count, report);
        }
    }

    fn compare_unrecognized(&self, before: &Stream, after: &Stream, report: &mut Report) {
        if self.rule.allowed.has(AnomalyKind::UnknownSeverity) {
            return;
        }
        let count_in = |stream: &Stream, name: &str| {
            let mut counts = stream.vulnerabilities().unrecognized();
            counts
                .find(|(known, _)| *known == name)
                .map(|(_, count)| count)
        };
        for (name, count) in after.vulnerabilities().unrecognized() {
            let subject = Subject::UnrecognizedSeverity(name.to_owned());
            let count_before = count_in(before, name);
            if self.least == Severity::Unspecified {
                self.compare_counts(after, subject, count_before, count, report);
            } else if count_before.is_none_or(|before| count > before) && count > 0 {
                // It may be worse than the least severity, or not.
                let problem = Problem::of(after.name(), Reason::UnknownSeverity).about(subject);
                report.push(problem.actual(Quantity::Count(count)));
            }
        }
        for (name, count) in before.vulnerabilities().unrecognized() {
            if count > 0 && !self.rule.allowed.missing && count_in(after, name).is_none() {
                let subject = Subject::UnrecognizedSeverity(name.to_owned());
                let detail = format!("{subject} was");
                let problem = Problem::of(after.name(), Reason::SeverityMissing);
                report.push(problem.about(subject).detail(detail));
            }
        }
    }

    fn compare_policies(&self, before: &Stream, after: &Stream, report: &mut Report) {
        let pairs = pair(before.policies(), after.policies(), |result| {
            result.policy().id().as_str()
        });
        for (before, result) in pairs.kept {
            self.compare_results(after, before, result, report);
        }
        if !self.rule.allowed.missing {
            for result in pairs.gone {
                report.push(about(after, result, Reason::PolicyMissing));
            }
        }
    }

    fn compare_results(
        &self,
        stream: &Stream,
        before: Option<&PolicyResult>,
        result: &PolicyResult,
        report: &mut Report,
    ) {
        let allowed = &self.rule.allowed;
        let is_tolerated = allowed.has(AnomalyKind::CompliantExceedsEvaluated);
        let impossible = |result: &PolicyResult| is_impossible(result) && !is_tolerated;
        if impossible(result) {
            report.push(impossible_problem(stream, result, Reason::Anomaly));
        }
        if let Some(before) = before.filter(|before| impossible(before)) {
            report.push(impossible_problem(stream, before, Reason::BaselineAnomaly));
        }
        let was_evaluated = before.is_some_and(|before| before.evaluated() > 0);
        if was_evaluated && result.evaluated() == 0 && !allowed.unevaluated {
            report.push(about(stream, result, Reason::NotEvaluated));
        }
        let subject = Subject::Policy(result.policy().clone());
        let violating_before = before.map(PolicyResult::violating);
        self.compare_counts(
            stream,
            subject,
            violating_before,
            result.violating(),
            report,
        );
    }

    fn compare_counts(
        &self,
        stream: &Stream,
        subject: Subject,
        before: Option<u64>,
        count: u64,
        report: &mut Report,
    ) {
        let problem = |reason| {
            let problem = Problem::of(stream.name(), reason).about(subject);
            problem.actual(Quantity::Count(count))
        };
        match before {
            Some(before) if count > before => {
                report.push(problem(Reason::Worse).allowed(Quantity::Count(before)));
            }
            None if count > 0 && !self.rule.allowed.missing => {
                report.push(problem(Reason::BaselineIncomplete));
            }
            _ => {}
        }
    }
}

fn about(stream: &Stream, result: &PolicyResult, reason: Reason) -> Problem {
    Problem::of(stream.name(), reason).about(Subject::Policy(result.policy().clone()))
}

/// Returns the problem that more images comply than were evaluated.
pub(super) fn impossible_problem(
    stream: &Stream,
    result: &PolicyResult,
    reason: Reason,
) -> Problem {
    let detail = format!(
        "{} images comply with {}, {} were evaluated",
        result.compliant(),
        Subject::Policy(result.policy().clone()),
        result.evaluated()
    );
    about(stream, result, reason).detail(detail)
}
