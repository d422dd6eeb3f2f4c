//! The part "What to do first".

use std::cmp::Reverse;

use scout_metrics_core::{Severity, SinceState, Stream};

use super::{facts::Facts, policies::Policy};
use crate::html::{Delta, Name, is_apart, plain, plural, sentence, word};

/// The number of things to do first. More would not be first.
const MAX: usize = 6;

/// The maximum number of things that are equally urgent, so that one large organization does not hide the policies.
const MAX_ALIKE: usize = 2;

/// One thing to do.
pub(super) struct Advice<'a> {
    /// The reason in a letter, as in the letters of levels.
    pub(super) letter: char,
    pub(super) class: &'static str,
    pub(super) organization: Name<'a>,
    /// The stream or the policy, unless the whole organization is meant.
    pub(super) subject: Option<Name<'a>>,
    pub(super) what: String,
    pub(super) detail: String,
    /// The change, and since when.
    pub(super) delta: Option<(&'static str, Delta)>,
    urgency: Urgency,
    /// The number by which those of the same urgency are sorted.
    number: u64,
}

/// How urgent it is, from the least.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Urgency {
    High,
    Policy,
    Critical,
    /// More critical vulnerabilities than before.
    Worse,
    Failure,
}

/// Returns what to do first about organizations or the reasons why nothing is known about them, the most urgent first.
pub(super) fn of<'a, 'f>(
    organizations: impl Iterator<Item = (Name<'a>, &'f Result<Facts<'a>, &'a String>)>,
) -> Vec<Advice<'a>>
where
    'a: 'f,
{
    let mut advice = Vec::new();
    for (organization, facts) in organizations {
        match facts {
            Ok(facts) => of_facts(organization, facts, &mut advice),
            Err(reason) => advice.push(of_failure(organization, reason)),
        }
    }
    advice.sort_by_key(|advice| Reverse((advice.urgency, advice.number)));
    let mut alike = (Urgency::Failure, 0);
    advice.retain(|advice| {
        let is_alike = alike.0 == advice.urgency;
        alike = (advice.urgency, if is_alike { alike.1 + 1 } else { 1 });
        alike.1 <= MAX_ALIKE
    });
    advice.truncate(MAX);
    advice
}

fn of_failure<'a>(organization: Name<'a>, reason: &str) -> Advice<'a> {
    Advice {
        letter: '?',
        class: "unknown",
        organization,
        subject: None,
        what: "find out why there is no answer".to_owned(),
        detail: sentence(reason),
        delta: None,
        urgency: Urgency::Failure,
        number: 0,
    }
}

fn of_facts<'a>(organization: Name<'a>, facts: &Facts<'a>, advice: &mut Vec<Advice<'a>>) {
    let snapshot = &facts.content.snapshot;
    let counted = snapshot
        .streams()
        .iter()
        .filter(|stream| !is_apart(snapshot, stream));
    advice.extend(
        counted
            .clone()
            .filter_map(|stream| of_stream(organization, stream, facts)),
    );
    let policies = Policy::of(counted);
    advice.extend(
        policies
            .iter()
            .filter_map(|policy| of_policy(organization, policy, facts)),
    );
}

fn of_stream<'a>(
    organization: Name<'a>,
    stream: &'a Stream,
    facts: &Facts<'a>,
) -> Option<Advice<'a>> {
    let counts = stream.vulnerabilities();
    let mut worst = [Severity::Critical, Severity::High].into_iter();
    let severity = worst.find(|severity| counts[*severity] > 0)?;
    let count = counts[severity];
    let before = facts.earlier(stream).next_back();
    let before =
        before.and_then(|(ago, before)| Some((ago, before?.vulnerabilities().get(severity))));
    let is_worse = before.is_some_and(|(_, before)| before.is_some_and(|before| before < count));
    let (letter, class, urgency) = match severity {
        Severity::Critical if is_worse => ('C', "bad", Urgency::Worse),
        Severity::Critical => ('C', "bad", Urgency::Critical),
        _ => ('H', "warn", Urgency::High),
    };
    let word = word(severity);
    let noun = if count == 1 {
        "vulnerability"
    } else {
        "vulnerabilities"
    };
    let since = facts.since(stream, &SinceState::Severity(severity));
    Some(Advice {
        letter,
        class,
        organization,
        subject: Some(Name(stream.name().as_str())),
        what: format!("fix {count} {word} {noun}"),
        detail: since
            .map(|since| format!("{word} {since}"))
            .unwrap_or_default(),
        delta: before.map(|(ago, before)| (ago, Delta::new(before, Some(count)))),
        urgency,
        number: count,
    })
}

fn of_policy<'a>(
    organization: Name<'a>,
    policy: &Policy<'a>,
    facts: &Facts<'a>,
) -> Option<Advice<'a>> {
    let failing = policy.failing();
    let (stream, worst) = failing.first()?;
    let violating = policy.violating();
    let verb = if violating == 1 {
        "image violates"
    } else {
        "images violate"
    };
    let place = plain(stream.name().as_str());
    let (streams, most) = match failing.len() {
        1 => (String::new(), format!("in {place}")),
        count => (
            format!(" in {}", plural(count, "stream")),
            format!("most in {place}"),
        ),
    };
    let state = SinceState::Policy(worst.policy().id().clone());
    Some(Advice {
        letter: 'P',
        class: "warn",
        organization,
        subject: Some(policy.name()),
        what: format!("{violating} {verb} the policy{streams}"),
        detail: match facts.since(stream, &state) {
            Some(since) => format!("{most}, where it has failed {since}"),
            None => most,
        },
        delta: None,
        urgency: Urgency::Policy,
        number: violating,
    })
}
