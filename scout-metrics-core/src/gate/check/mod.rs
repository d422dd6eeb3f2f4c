//! Compares a snapshot with the rules of a gate.

mod age;
mod baseline;
mod compliance;
mod report;
mod view;
mod vulnerabilities;

pub(super) use self::baseline::Found;
use self::{report::Report, view::View};
use super::{
    Reason, Rule, Verdict, doubt::Reads, finding::Label, problem::Problem, rule::Requirement,
};
use crate::{Severity, Snapshot, Stream};

/// Checks a snapshot against rules, each with the baseline that was found for it.
pub(super) fn check(snapshot: &Snapshot, rules: &[Rule], baselines: &[Found]) -> Verdict {
    let view = View::new(snapshot);
    let mut verdicts = Vec::with_capacity(rules.len());
    let mut findings = Vec::new();
    for (index, (rule, baseline)) in rules.iter().zip(baselines).enumerate() {
        let mut report = Report::new(Label {
            index,
            name: rule.name.clone(),
            text: rule.to_string(),
        });
        check_rule(rule, &view, baseline, &mut report);
        let (verdict, found) = report.finish();
        verdicts.push(verdict);
        findings.extend(found);
    }
    Verdict::new(snapshot, verdicts, findings)
}

fn check_rule(rule: &Rule, view: &View<'_>, baseline: &Found, report: &mut Report) {
    match &rule.requirement {
        Requirement::MaxAge(max) => age::check(view.snapshot, *max, report),
        Requirement::MaxVulnerabilities(severities, max) => {
            let reads = Reads::Severities(*severities);
            for stream in selected(rule, view, reads, report) {
                vulnerabilities::check(stream, *severities, *max, &rule.allowed, report);
            }
        }
        Requirement::MinCompliance(min) => {
            let reads = Reads::Policies(&rule.policies);
            let streams = selected(rule, view, reads, report);
            compliance::check(&streams, rule, *min, report);
        }
        Requirement::NoWorse(_) => {
            let least = rule.at_least.unwrap_or(Severity::Unspecified);
            let reads = Reads::SeveritiesAndPolicies(least);
            let streams = selected(rule, view, reads, report);
            baseline::check(&streams, rule, view.snapshot, baseline, report);
        }
    }
}

/// Returns the streams that a rule is about, and reports those that are missing or in doubt.
fn selected<'a>(
    rule: &Rule,
    view: &View<'a>,
    reads: Reads<'_>,
    report: &mut Report,
) -> Vec<&'a Stream> {
    let streams = if rule.streams.is_empty() {
        every_stream(rule, view, report)
    } else {
        named_streams(rule, view, report)
    };
    report.extend(view.doubts.problems(rule, reads, Reason::Anomaly));
    streams
}

fn every_stream<'a>(rule: &Rule, view: &View<'a>, report: &mut Report) -> Vec<&'a Stream> {
    let streams: Vec<&Stream> = view.snapshot.streams().iter().collect();
    if streams.is_empty() && !rule.allowed.missing {
        report.push(Problem::new(Reason::NoStreams));
    }
    streams
}

fn named_streams<'a>(rule: &Rule, view: &View<'a>, report: &mut Report) -> Vec<&'a Stream> {
    let mut streams = Vec::with_capacity(rule.streams.len());
    for name in &rule.streams {
        match view.stream(name) {
            Some(stream) => streams.push(stream),
            None if rule.allowed.missing => {}
            None => report.push(Problem::of(name, Reason::StreamMissing)),
        }
    }
    streams
}
