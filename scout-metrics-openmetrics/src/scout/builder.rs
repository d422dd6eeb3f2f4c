//! From events to a snapshot.

use std::{
    collections::{HashMap, HashSet},
    mem,
    time::SystemTime,
};

use foldhash::quality::RandomState;
use scout_metrics_core::{
    Anomaly, AnomalyKind, Error, ErrorKind, Organization, Policy, PolicyId, PolicyResult, Result,
    Severity, Snapshot, Stream, StreamName, VulnerabilityCounts,
};

use super::{
    POLICY_COMPLIANT_IMAGES, POLICY_DISPLAY_NAME, POLICY_EVALUATED_IMAGES, POLICY_ID, SEVERITY,
    STREAM_EMPTY, STREAM_NAME,
    anomalies::{AnomalyList, DUPLICATE},
    shape::{Family, Label, Shape},
};
use crate::{
    Deviation, Event, Line, MetricType, Rule, SampleRef, error::shown, parse::NamesBefore,
};

/// The maximum number of unknown severities of a stream. Samples of more are kept, but in no stream.
const MAX_UNKNOWN_SEVERITIES: usize = 100;

/// Collects the samples of one exposition.
#[derive(Debug, Default)]
pub(super) struct SnapshotBuilder {
    final_newline_is_required: bool,
    names: NamesBefore,
    shape: Shape,
    streams: Vec<StreamDraft>,
    /// The streams by name.
    places: HashMap<StreamName, usize, RandomState>,
    /// The stream of the sample before.
    current: usize,
    pub(super) anomalies: AnomalyList,
    samples: usize,
}

#[derive(Debug)]
struct StreamDraft {
    name: StreamName,
    counts: VulnerabilityCounts,
    policies: Vec<PolicyDraft>,
    /// The places of the policies, once there are many.
    places: HashMap<Policy, usize, RandomState>,
    /// The place after the policy of the sample before.
    next: usize,
    /// The line that reports the stream as empty.
    empty_line: Option<u64>,
}

#[derive(Debug)]
struct PolicyDraft {
    policy: Policy,
    compliant: Option<Count>,
    evaluated: Option<Count>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    value: u64,
    line: u64,
}

impl SnapshotBuilder {
    pub(super) fn new(final_newline_is_required: bool) -> Self {
        Self {
            final_newline_is_required,
            ..Self::default()
        }
    }

    /// Adds a line of the exposition.
    pub(super) fn push(&mut self, line: Line<'_, '_>) -> Result<()> {
        for deviation in line.deviations() {
            self.push_deviation(deviation)?;
        }
        match line.event() {
            Event::Sample(sample) => self.push_sample(sample, line.number()),
            Event::Type { name, kind } => self.check_type(&name.decode(), kind, line.number()),
            _ => Ok(()),
        }
    }

    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// Pairs the counts and returns the snapshot.
    pub(super) fn finish(
        mut self,
        organization: &Organization,
        scraped_at: SystemTime,
    ) -> Result<Snapshot> {
        let mut streams = Vec::with_capacity(self.streams.len());
        for draft in self.streams {
            streams.extend(draft.finish(&mut self.anomalies)?);
        }
        let mut anomalies = self.anomalies.finish()?;
        if self.samples == 0 {
            let message = "the exposition has no samples";
            anomalies.insert(0, Anomaly::new(AnomalyKind::Empty, message));
        }
        let snapshot = Snapshot::new(organization.clone(), streams)?;
        Ok(snapshot
            .with_scraped_at(scraped_at)
            .with_anomalies(anomalies))
    }

    fn push_deviation(&mut self, deviation: &Deviation) -> Result<()> {
        let line = deviation.line;
        let message = match deviation.rule {
            // Either value may be the right one.
            Rule::DuplicateLabel => format!("a sample has a label twice (line {line})"),
            Rule::FinalNewline if self.final_newline_is_required => {
                format!("the exposition ends in the middle of a line (line {line})")
            }
            rule => {
                self.anomalies.push_broken_rule(rule, line);
                return Ok(());
            }
        };
        Err(Error::new(ErrorKind::Decode, message))
    }

    fn check_type(&mut self, name: &str, kind: MetricType, line: u64) -> Result<()> {
        let is_known = Family::of(name) != Family::Unknown;
        if !is_known || matches!(kind, MetricType::Gauge | MetricType::Unknown) {
            return Ok(());
        }
        let message = format!("`{name}` is a {kind}, expected a gauge");
        self.anomalies
            .push(AnomalyKind::UnexpectedType, message, line)
    }

    fn push_sample(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        self.samples += 1;
        if !self.names.replace(sample) {
            self.shape.learn(sample);
        }
        match self.shape.family() {
            Family::CompliantImages | Family::EvaluatedImages => self.push_policy(sample, line)?,
            Family::EmptyStream => self.push_empty_stream(sample, line)?,
            Family::Unknown => self.push_unknown(sample, line)?,
            Family::Vulnerabilities => self.push_vulnerabilities(sample, line)?,
        }
        let has_details = sample.timestamp().is_some()
            || sample.start_timestamp().is_some()
            || sample.exemplar().is_some();
        if has_details {
            self.report_details(sample, line)?;
        }
        Ok(())
    }

    /// Reports what a snapshot has no place for.
    #[cold]
    fn report_details(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        let details = [
            (sample.timestamp().is_some(), "timestamp"),
            (sample.start_timestamp().is_some(), "start timestamp"),
            (sample.exemplar().is_some(), "exemplar"),
        ];
        let there = details.iter().filter(|(is_there, _)| *is_there);
        let names: Vec<_> = there.map(|(_, name)| *name).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        let message = format!(
            "the {} of the sample {verb} dropped",
            names.join(" and the ")
        );
        self.anomalies
            .push_placed(AnomalyKind::UnexpectedDetail, message, sample, line)
    }

    fn push_vulnerabilities(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        let count = read_count(sample, line)?;
        if self.has_unknown_label(sample, line)? {
            return Ok(());
        }
        let Some(stream) = self.shape.value(sample, Label::StreamName) else {
            return self.report_missing(STREAM_NAME, sample, line);
        };
        let Some(severity) = self.shape.value(sample, Label::Severity) else {
            return self.report_missing(SEVERITY, sample, line);
        };
        let Ok(severity) = severity.parse::<Severity>() else {
            return self.push_unknown_severity((&stream, &severity, count), sample, line);
        };
        let place = self.stream(&stream);
        let counts = &mut self.streams[place].counts;
        if counts.get(severity).is_some() {
            return self.report_duplicate(sample, line);
        }
        counts.set(severity, count)
    }

    fn push_unknown_severity(
        &mut self,
        (stream, severity, count): (&str, &str, u64),
        sample: SampleRef<'_, '_>,
        line: u64,
    ) -> Result<()> {
        let place = self.stream(stream);
        let counts = &mut self.streams[place].counts;
        if counts.unrecognized().any(|(known, _)| known == severity) {
            return self.report_duplicate(sample, line);
        }
        let kind = AnomalyKind::UnknownSeverity;
        let message = format!("unknown severity `{}`", shown(severity));
        if counts.unrecognized().count() >= MAX_UNKNOWN_SEVERITIES {
            return self.anomalies.push_unplaced(kind, message, sample, line);
        }
        *counts = mem::take(counts).with_unrecognized(severity, count)?;
        self.anomalies.push_placed(kind, message, sample, line)
    }

    fn push_policy(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        let value = read_count(sample, line)?;
        if self.has_unknown_label(sample, line)? {
            return Ok(());
        }
        let Some(stream) = self.shape.value(sample, Label::StreamName) else {
            return self.report_missing(STREAM_NAME, sample, line);
        };
        let Some(id) = self.shape.value(sample, Label::PolicyId) else {
            return self.report_missing(POLICY_ID, sample, line);
        };
        let display_name = self.shape.value(sample, Label::DisplayName);
        let display_name = display_name.unwrap_or_default();
        let is_compliant = self.shape.family() == Family::CompliantImages;
        let draft = self.policy(&stream, &id, &display_name);
        let count = if is_compliant {
            &mut draft.compliant
        } else {
            &mut draft.evaluated
        };
        if count.is_some() {
            return self.report_duplicate(sample, line);
        }
        *count = Some(Count { value, line });
        if display_name.is_empty() {
            let message = missing(POLICY_DISPLAY_NAME);
            self.anomalies
                .push(AnomalyKind::MissingLabel, message, line)?;
        }
        Ok(())
    }

    fn push_empty_stream(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        if sample.count() != Some(1) {
            let value = shown(sample.value_text());
            let message =
                format!("`{STREAM_EMPTY}` has the value {value}, expected 1 (line {line})");
            return Err(Error::new(ErrorKind::Decode, message));
        }
        if self.has_unknown_label(sample, line)? {
            return Ok(());
        }
        let Some(stream) = self.shape.value(sample, Label::StreamName) else {
            return self.report_missing(STREAM_NAME, sample, line);
        };
        let place = self.stream(&stream);
        let empty_line = &mut self.streams[place].empty_line;
        if empty_line.is_some() {
            return self.report_duplicate(sample, line);
        }
        *empty_line = Some(line);
        Ok(())
    }

    /// Returns whether a sample has an unknown label. It is kept as it is, because what it counts is unknown: with
    /// `packageType="npm"` and `packageType="pypi"`, neither sample has the count of the stream.
    fn has_unknown_label(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<bool> {
        let Some(label) = self.shape.unknown_label(sample) else {
            return Ok(false);
        };
        let message = format!("unknown label `{}`", shown(&label));
        self.anomalies
            .push_unplaced(AnomalyKind::UnknownLabel, message, sample, line)?;
        Ok(true)
    }

    fn report_missing(&mut self, label: &str, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        let kind = AnomalyKind::MissingLabel;
        self.anomalies
            .push_unplaced(kind, missing(label), sample, line)
    }

    fn report_duplicate(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        self.anomalies
            .push_placed(AnomalyKind::DuplicateSample, DUPLICATE, sample, line)
    }

    /// Returns the place of a stream, which is mostly that of the sample before, or the next one.
    fn stream(&mut self, name: &str) -> usize {
        let is_at = |place: &usize| {
            self.streams
                .get(*place)
                .is_some_and(|draft| draft.name.as_str() == name)
        };
        let near = [self.current, self.current + 1].into_iter().find(is_at);
        let place = near.or_else(|| self.places.get(name).copied());
        self.current = place.unwrap_or_else(|| {
            let name = StreamName::new(name);
            self.places.insert(name.clone(), self.streams.len());
            self.streams.push(StreamDraft::new(name));
            self.streams.len() - 1
        });
        self.current
    }

    fn policy(&mut self, stream: &str, id: &str, display_name: &str) -> &mut PolicyDraft {
        let place = self.stream(stream);
        let found = self.streams[place].find_policy(id, display_name);
        let found = found.unwrap_or_else(|| self.add_policy(place, id, display_name));
        let draft = &mut self.streams[place];
        draft.next = found + 1;
        &mut draft.policies[found]
    }

    /// Adds a policy to a stream. Streams mostly have the same policies in the same order, so they share names.
    fn add_policy(&mut self, stream: usize, id: &str, display_name: &str) -> usize {
        let (before, streams) = self.streams.split_at_mut(stream);
        let draft = &mut streams[0];
        let before = before.last().map_or(&[][..], |before| &before.policies);
        if draft.policies.is_empty() {
            draft.policies.reserve_exact(before.len());
        }
        let alike = before.get(draft.policies.len());
        let alike = alike.filter(|alike| alike.is(id, display_name));
        let policy = alike.map(|alike| alike.policy.clone());
        draft.push_policy(policy.unwrap_or_else(|| Policy::new(id, display_name)))
    }
}

impl StreamDraft {
    /// The number of policies up to which comparing each is faster than hashing.
    const FEW: usize = 16;

    fn new(name: StreamName) -> Self {
        Self {
            name,
            counts: VulnerabilityCounts::new(),
            policies: Vec::new(),
            places: HashMap::default(),
            next: 0,
            empty_line: None,
        }
    }

    fn find_policy(&self, id: &str, display_name: &str) -> Option<usize> {
        let is_it = |draft: &PolicyDraft| draft.is(id, display_name);
        if self.policies.get(self.next).is_some_and(is_it) {
            return Some(self.next);
        }
        if self.policies.len() <= Self::FEW {
            return self.policies.iter().position(is_it);
        }
        self.places.get(&Policy::new(id, display_name)).copied()
    }

    fn push_policy(&mut self, policy: Policy) -> usize {
        let place = self.policies.len();
        self.policies.push(PolicyDraft {
            policy,
            compliant: None,
            evaluated: None,
        });
        if place >= Self::FEW {
            let unknown = self.places.len()..=place;
            for (place, draft) in unknown.clone().zip(&self.policies[unknown]) {
                self.places.insert(draft.policy.clone(), place);
            }
        }
        place
    }

    /// Returns the stream, unless no sample is in it.
    fn finish(self, anomalies: &mut AnomalyList) -> Result<Option<Stream>> {
        let mut placed = PlacedPolicies::new(self.policies.len());
        for draft in self.policies {
            draft.finish(&self.name, &mut placed, anomalies)?;
        }
        let stream = Stream::new(self.name.clone())
            .with_vulnerabilities(self.counts)
            .with_policies(placed.results);
        let is_empty = stream.vulnerabilities().is_empty() && stream.policies().is_empty();
        let Some(line) = self.empty_line else {
            return Ok((!is_empty).then_some(stream));
        };
        if !is_empty {
            let labels = [(STREAM_NAME, self.name.as_str())];
            anomalies.push_unplaced_series(
                AnomalyKind::Other,
                "a stream reported as empty has data",
                (STREAM_EMPTY, &labels, 1.0),
                line,
            )?;
        }
        Ok(Some(stream))
    }
}

impl PolicyDraft {
    #[inline]
    fn is(&self, id: &str, display_name: &str) -> bool {
        self.policy.id().as_str() == id && self.policy.display_name() == display_name
    }

    /// Places the result, if both counts are known and no other display name of the policy came first.
    fn finish(
        self,
        stream: &StreamName,
        placed: &mut PlacedPolicies,
        anomalies: &mut AnomalyList,
    ) -> Result<()> {
        let id = || shown(self.policy.id().as_str());
        let (kind, message) = match (self.compliant, self.evaluated) {
            (Some(compliant), Some(evaluated)) if placed.is_new(self.policy.id()) => {
                if compliant.value > evaluated.value {
                    let message = format!(
                        "more images comply with policy `{}` than were evaluated",
                        id()
                    );
                    let line = compliant.line.max(evaluated.line);
                    anomalies.push(AnomalyKind::CompliantExceedsEvaluated, message, line)?;
                }
                let result = PolicyResult::new(self.policy, compliant.value, evaluated.value)?;
                placed.results.push(result);
                return Ok(());
            }
            (Some(_), Some(_)) => (
                AnomalyKind::DisplayNameConflict,
                format!("policy `{}` has another `displayName`", id()),
            ),
            (_, None) => (
                AnomalyKind::UnpairedSample,
                format!("policy `{}` has compliant images only", id()),
            ),
            (None, _) => (
                AnomalyKind::UnpairedSample,
                format!("policy `{}` has evaluated images only", id()),
            ),
        };
        let labels = [
            (POLICY_ID, self.policy.id().as_str()),
            (POLICY_DISPLAY_NAME, self.policy.display_name()),
            (STREAM_NAME, stream.as_str()),
        ];
        for (family, count) in [
            (POLICY_COMPLIANT_IMAGES, self.compliant),
            (POLICY_EVALUATED_IMAGES, self.evaluated),
        ] {
            if let Some(Count { value, line }) = count {
                let series = (family, &labels[..], value as f64);
                anomalies.push_unplaced_series(kind, &message, series, line)?;
            }
        }
        Ok(())
    }
}

/// The results of a stream. Almost always their policies all differ, and a few are compared fastest.
struct PlacedPolicies {
    results: Vec<PolicyResult>,
    /// Their identifiers, if there may be many.
    known: Option<HashSet<PolicyId, RandomState>>,
}

impl PlacedPolicies {
    fn new(count: usize) -> Self {
        Self {
            results: Vec::with_capacity(count),
            known: (count > StreamDraft::FEW).then(HashSet::default),
        }
    }

    /// Returns whether a policy has no result yet.
    fn is_new(&mut self, id: &PolicyId) -> bool {
        match &mut self.known {
            Some(known) => known.insert(id.clone()),
            None => self.results.iter().all(|result| result.policy().id() != id),
        }
    }
}

fn missing(label: &str) -> String {
    format!("missing label `{label}`")
}

#[inline]
fn read_count(sample: SampleRef<'_, '_>, line: u64) -> Result<u64> {
    let count = sample.count().filter(|&count| count <= Snapshot::MAX_COUNT);
    count.ok_or_else(|| {
        let message = format!(
            "`{}` has the value {}, expected a whole number from 0 to 2^53 (line {line})",
            sample.name(),
            shown(sample.value_text())
        );
        Error::new(ErrorKind::Decode, message)
    })
}
