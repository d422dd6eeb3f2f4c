//! What to do first.

use std::{cmp::Reverse, collections::BTreeMap};

use scout_metrics_core::{PolicyResult, Severity, SinceState, Stream};

use super::{
    Content, Section,
    section::{Times, environments, policy_name},
};
use crate::html::{Delta, Name, failing, message};

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
    pub(super) delta: Option<(&'static str, Delta)>,
    rank: Rank,
}

/// What is done first has the greatest rank.
type Rank = (Urgency, u64);

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

/// Returns what to do first, the most urgent first.
pub(super) fn of<'a>(sections: &'a [Section], times: &Times) -> Vec<Advice<'a>> {
    let mut advice: Vec<Advice<'_>> = sections
        .iter()
        .flat_map(|section| of_section(section, times))
        .collect();
    advice.sort_by_key(|advice| Reverse(advice.rank));
    let mut alike = (Urgency::Failure, 0);
    advice.retain(|advice| {
        let count = if alike.0 == advice.rank.0 {
            alike.1 + 1
        } else {
            1
        };
        alike = (advice.rank.0, count);
        count <= MAX_ALIKE
    });
    advice.truncate(MAX);
    advice
}

fn of_section<'a>(section: &'a Section, times: &Times) -> Vec<Advice<'a>> {
    let organization = Name(section.organization.as_str());
    let content = match &section.content {
        Ok(content) => content,
        Err(reason) => {
            return vec![Advice {
                letter: '?',
                class: "unknown",
                organization,
                subject: None,
                what: "find out why there is no answer".to_owned(),
                detail: message(reason),
                delta: None,
                rank: (Urgency::Failure, 0),
            }];
        }
    };
    let streams = environments(&content.snapshot);
    let mut advice = of_policies(organization, content, &streams, times);
    let of_streams = streams
        .iter()
        .filter_map(|stream| of_stream(organization, content, stream, times));
    advice.extend(of_streams);
    advice
}

fn of_stream<'a>(
    organization: Name<'a>,
    content: &'a Content,
    stream: &'a Stream,
    times: &Times,
) -> Option<Advice<'a>> {
    let worst = [Severity::Critical, Severity::High].into_iter();
    let severity = worst
        .into_iter()
        .find(|severity| stream.vulnerabilities()[*severity] > 0)?;
    let count = stream.vulnerabilities()[severity];
    let before = content.earlier.last().and_then(|(ago, snapshot)| {
        let stream = snapshot.stream(stream.name().as_str())?;
        Some((*ago, stream.vulnerabilities().get(severity)))
    });
    let is_worse = before.is_some_and(|(_, before)| before.is_some_and(|before| before < count));
    let (letter, class, urgency) = match severity {
        Severity::Critical if is_worse => ('C', "bad", Urgency::Worse),
        Severity::Critical => ('C', "bad", Urgency::Critical),
        _ => ('H', "warn", Urgency::High),
    };
    let word = crate::html::severities::word(severity);
    let noun = if count == 1 {
        "vulnerability"
    } else {
        "vulnerabilities"
    };
    let since = times.since(content, stream, &SinceState::Severity(severity));
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
        rank: (urgency, count),
    })
}

/// Returns an advice for each policy that images violate.
fn of_policies<'a>(
    organization: Name<'a>,
    content: &'a Content,
    streams: &[&'a Stream],
    times: &Times,
) -> Vec<Advice<'a>> {
    let mut policies: BTreeMap<&str, Vec<(&Stream, &PolicyResult)>> = BTreeMap::new();
    for stream in streams {
        for result in failing(stream) {
            policies
                .entry(result.policy().id().as_str())
                .or_default()
                .push((stream, result));
        }
    }
    let advice = policies.into_values().filter_map(|mut results| {
        results.sort_by_key(|(_, result)| Reverse(result.violating()));
        let (stream, worst) = *results.first()?;
        let violating = results
            .iter()
            .map(|(_, result)| result.violating())
            .fold(0, u64::saturating_add);
        let state = SinceState::Policy(worst.policy().id().clone());
        let since = times.since(content, stream, &state);
        let images = if violating == 1 {
            "image violates"
        } else {
            "images violate"
        };
        let most = format!("most in {}", crate::html::plain(stream.name().as_str()));
        let environments = match results.len() {
            1 => String::new(),
            many => format!(" in {many} streams"),
        };
        Some(Advice {
            letter: 'P',
            class: "warn",
            organization,
            subject: Some(policy_name(worst)),
            what: format!("{violating} {images} the policy{environments}"),
            detail: match since {
                Some(since) => format!("{most}, where it has failed {since}"),
                None => most,
            },
            delta: None,
            rank: (Urgency::Policy, violating),
        })
    });
    advice.collect()
}
