//! Which data of a snapshot its anomalies put in doubt.

use std::collections::HashMap;

use super::rule::{Allowed, Severities};
use crate::{
    Anomaly, AnomalyKind, PolicyId, PolicyResult, RawSample, Severity, Snapshot, StreamName,
    VulnerabilityCounts,
};

/// The doubts about a snapshot.
#[derive(Debug, Default)]
pub(super) struct Doubts<'a> {
    about_any_stream: Vec<Doubt<'a>>,
    by_stream: HashMap<&'a str, Vec<Doubt<'a>>>,
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
        let list = match stream {
            Some(stream) => self.by_stream.entry(stream).or_default(),
            None => &mut self.about_any_stream,
        };
        list.push(Doubt { topic, anomaly });
    }

    /// Describes the anomalies that may be about any stream and that a rule does not ignore.
    pub(super) fn about_any_stream(&self, reads: Reads<'_>, allowed: &Allowed) -> Option<String> {
        describe(&self.about_any_stream, reads, allowed)
    }

    /// Describes the anomalies that are about a stream and that a rule does not ignore.
    pub(super) fn about(
        &self,
        stream: &StreamName,
        reads: Reads<'_>,
        allowed: &Allowed,
    ) -> Option<String> {
        describe(self.by_stream.get(stream.as_str())?, reads, allowed)
    }
}

fn describe(doubts: &[Doubt<'_>], reads: Reads<'_>, allowed: &Allowed) -> Option<String> {
    let mut relevant = doubts
        .iter()
        .filter(|doubt| reads.includes(doubt.topic) && !allowed.has(doubt.anomaly.kind()));
    let anomaly = relevant.next()?.anomaly;
    let kind = anomaly.kind_name();
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
