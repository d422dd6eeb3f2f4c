//! Checks the part of the images of a stream that comply with policies.

use super::{Report, baseline::impossible_problem};
use crate::{
    AnomalyKind, Policy, PolicyResult, Stream,
    gate::{
        Quantity, Reason, Rule, Subject, doubt::is_impossible, problem::Problem, rule::Allowed,
    },
};

pub(super) fn check(streams: &[&Stream], rule: &Rule, min: f64, report: &mut Report) {
    let is_about_every_policy = rule.policies.is_empty();
    let has_policies = |stream: &&Stream| !stream.policies().is_empty();
    if is_about_every_policy && !streams.is_empty() && !streams.iter().any(has_policies) {
        // One finding is enough to say that there are no policies at all.
        if !rule.allowed.missing {
            report.push(Problem::new(Reason::NoPolicies));
        }
        return;
    }
    for stream in streams {
        if is_about_every_policy {
            check_all(stream, &rule.allowed, min, report);
        } else {
            check_named(stream, rule, min, report);
        }
    }
}

fn check_all(stream: &Stream, allowed: &Allowed, min: f64, report: &mut Report) {
    if stream.policies().is_empty() && !allowed.missing {
        report.push(Problem::of(stream.name(), Reason::NoPolicies));
    }
    for result in stream.policies() {
        check_result(stream, result, allowed, min, report);
    }
}

fn check_named(stream: &Stream, rule: &Rule, min: f64, report: &mut Report) {
    for id in &rule.policies {
        match stream.policy(id.as_str()) {
            Some(result) => check_result(stream, result, &rule.allowed, min, report),
            None if rule.allowed.missing => {}
            None => {
                let missing = Subject::Policy(Policy::new(id.clone(), ""));
                let problem = Problem::of(stream.name(), Reason::PolicyMissing);
                report.push(problem.about(missing));
            }
        }
    }
}

fn check_result(
    stream: &Stream,
    result: &PolicyResult,
    allowed: &Allowed,
    min: f64,
    report: &mut Report,
) {
    let problem =
        |reason| Problem::of(stream.name(), reason).about(Subject::Policy(result.policy().clone()));
    if is_impossible(result) && !allowed.has(AnomalyKind::CompliantExceedsEvaluated) {
        report.push(impossible_problem(stream, result, Reason::Anomaly));
    }
    match result.ratio() {
        None if allowed.unevaluated => {}
        None => report.push(problem(Reason::NotEvaluated)),
        Some(ratio) if ratio >= min => {}
        Some(ratio) => report.push(
            problem(Reason::TooFewCompliant)
                .actual(Quantity::Ratio(ratio))
                .allowed(Quantity::Ratio(min))
                .detail(format!("{}/{}", result.compliant(), result.evaluated())),
        ),
    }
}
