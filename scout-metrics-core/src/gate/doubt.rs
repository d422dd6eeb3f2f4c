//! Which data of a snapshot its anomalies put in doubt.

use std::collections::HashMap;

use super::{
    Reason, Rule,
    problem::Problem,
    rule::{Allowed, Severities},
};
use crate::{
    Anomaly, AnomalyKind, PolicyId, PolicyResult, RawSample, Severity, Snapshot, StreamName,
    VulnerabilityCounts,
};

/// The doubts about a snapshot.
#[derive(Debug, Default)]
pub(super) struct Doubts<'a> {
    about_any_stream: Vec<Doubt<'a>>,
    /// The doubts about one stream, in the order of the anomalies.
    by_stream: Vec<(&'a str, Vec<Doubt<'a>>)>,
    places: HashMap<&'a str, usize>,
}

#[derive(Clone, Copy, Debug)]
struct Doubt<'a> {
    topic: Topic<'a>,
    anomaly: &'a Anomaly,
}

/// The data that is in doubt.
#[derive(Clone, Copy, Debug)]
enum Topic<'a> {
    Everything,
    Policy(&'a str),
    Severity(Severity),
    /// Vulnerabilities of a severity that is unknown.
    Vulnerabilities,
}

/// The data that a rule reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reads<'a> {
    /// The policies with these identifiers, or all if there are none.
    Policies(&'a [PolicyId]),
    Severities(Severities),
    /// All policies, and the vulnerabilities of a severity and of worse ones.
    SeveritiesAndPolicies(Severity),
}

impl<'a> Doubts<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let mut doubts = Self::default();
        for anomaly in snapshot.anomalies() {
            doubts.add(anomaly);
        }
        doubts
    }

    fn add(&mut self, anomaly: &'a Anomaly) {
        let Some((stream, topic)) = place(anomaly) else {
            return;
        };
        let doubts = match stream {
            Some(stream) => self.about_stream(stream),
            None => &mut self.about_any_stream,
        };
        doubts.push(Doubt { topic, anomaly });
    }

    fn about_stream(&mut self, stream: &'a str) -> &mut Vec<Doubt<'a>> {
        let place = *self.places.entry(stream).or_insert(self.by_stream.len());
        if place == self.by_stream.len() {
            self.by_stream.push((stream, Vec::new()));
        }
        &mut self.by_stream[place].1
    }

    /// Returns the problems that the doubts are for a rule, at most one for each stream.
    ///
    /// A stream may be missing in the snapshot, because none of its samples could be placed.
    pub(super) fn problems(&self, rule: &Rule, reads: Reads<'_>, reason: Reason) -> Vec<Problem> {
        let about_any = describe(&self.about_any_stream, reads, &rule.allowed);
        let about_any = about_any.map(|detail| Problem::new(reason).detail(detail));
        let about_one = self.by_stream.iter().filter_map(|(name, doubts)| {
            if !rule.is_about(name) {
                return None;
            }
            let detail = describe(doubts, reads, &rule.allowed)?;
            Some(Problem::of(&StreamName::new(name), reason).detail(detail))
        });
        about_any.into_iter().chain(about_one).collect()
    }
}

fn describe(doubts: &[Doubt<'_>], reads: Reads<'_>, allowed: &Allowed) -> Option<String> {
    let mut relevant = doubts
        .iter()
        .filter(|doubt| reads.includes(doubt.topic) && !allowed.has_anomaly(doubt.anomaly));
    let anomaly = relevant.next()?.anomaly;
    let kind = match anomaly.rule() {
        None => anomaly.kind_name().to_owned(),
        Some(rule) => format!("{}/{rule}", anomaly.kind_name()),
    };
    Some(match relevant.count() {
        0 => format!("{anomaly} ({kind})"),
        1 => format!("{anomaly} ({kind}), and 1 other"),
        others => format!("{anomaly} ({kind}), and {others} others"),
    })
}

impl Reads<'_> {
    fn includes(self, topic: Topic<'_>) -> bool {
        match (self, topic) {
            (_, Topic::Everything) => true,
            (Self::Policies(ids), Topic::Policy(id)) => {
                ids.is_empty() || ids.iter().any(|known| known.as_str() == id)
            }
            (Self::Severities(severities), Topic::Severity(severity)) => {
                severities.contains(severity)
            }
            (Self::SeveritiesAndPolicies(least), Topic::Severity(severity)) => severity >= least,
            (Self::SeveritiesAndPolicies(_), _) | (Self::Severities(_), Topic::Vulnerabilities) => {
                true
            }
            (Self::Policies(_), Topic::Severity(_) | Topic::Vulnerabilities)
            | (Self::Severities(_), Topic::Policy(_)) => false,
        }
    }
}

/// Returns what an anomaly puts in doubt, and in which stream if only one. `None` if it is nothing that a gate reads.
fn place(anomaly: &Anomaly) -> Option<(Option<&str>, Topic<'_>)> {
    if is_visible_in_data(anomaly) {
        return None;
    }
    let Some(sample) = anomaly.sample() else {
        return Some((None, Topic::Everything));
    };
    let stream = label(sample, StreamName::LABEL);
    let topic = match (
        label(sample, Severity::LABEL),
        label(sample, PolicyId::LABEL),
    ) {
        (Some(severity), None) => match severity.parse() {
            Ok(severity) => Topic::Severity(severity),
            Err(_) => Topic::Vulnerabilities,
        },
        (None, Some(id)) => Topic::Policy(id),
        _ => Topic::Everything,
    };
    // A family that is unknown is of interest if it seems to have a part of the counts, as a new name would.
    let is_foreign = anomaly.kind() == AnomalyKind::UnknownFamily
        && (stream.is_none() || matches!(topic, Topic::Everything));
    (!is_foreign).then_some((stream, topic))
}

/// Returns whether the gate finds the cause of an anomaly in the streams themselves, where it is more precise.
fn is_visible_in_data(anomaly: &Anomaly) -> bool {
    match anomaly.kind() {
        // A name to show is missing, and nothing else: a gate identifies policies by their identifiers.
        AnomalyKind::MissingLabel | AnomalyKind::CompliantExceedsEvaluated => {
            !anomaly.is_unplaced()
        }
        AnomalyKind::UnknownSeverity => anomaly.sample().is_some() && !anomaly.is_unplaced(),
        _ => false,
    }
}

fn label<'a>(sample: &'a RawSample, name: &str) -> Option<&'a str> {
    let mut labels = sample.labels().iter();
    let value = labels.find(|(known, _)| known == name);
    // An empty label is an absent one (OpenMetrics 1.0, section Label).
    value
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

/// Returns the unrecognized severities that have vulnerabilities, with their counts.
pub(super) fn unknown_severities(
    counts: &VulnerabilityCounts,
) -> impl Iterator<Item = (&str, u64)> {
    counts.unrecognized().filter(|(_, count)| *count > 0)
}

/// Returns whether more images comply with a policy than were evaluated.
pub(super) fn is_impossible(result: &PolicyResult) -> bool {
    result.compliant() > result.evaluated()
}
