//! From events to a snapshot.

use std::{borrow::Cow, collections::HashMap, time::SystemTime};

use foldhash::quality::RandomState;

use scout_metrics_core::{
    Anomaly, AnomalyKind, Error, ErrorKind, Organization, Policy, PolicyId, PolicyResult,
    RawSample, Result, Severity, Snapshot, Stream, StreamName, VulnerabilityCounts,
};

use super::{
    POLICY_COMPLIANT_IMAGES, POLICY_DISPLAY_NAME, POLICY_EVALUATED_IMAGES, POLICY_ID, SEVERITY,
    STREAM_NAME, STREAM_VULNERABILITIES,
};
use crate::{Deviation, Event, Line, MetricType, Rule, SampleRef};

/// The most anomalies that are kept, each with its sample. Docker Scout's expositions have few or none.
const MAX_ANOMALIES: usize = 100_000;

/// Collects the samples of one exposition.
#[derive(Debug, Default)]
pub(super) struct SnapshotBuilder {
    final_newline_is_required: bool,
    shape: Shape,
    streams: Vec<StreamDraft>,
    /// The streams by name.
    places: HashMap<StreamName, usize, RandomState>,
    /// The stream of the sample before.
    current: usize,
    anomalies: Vec<Anomaly>,
    samples: usize,
}

/// Which family a sample is of, and what its labels are. Samples that follow each other are mostly alike in this.
#[derive(Debug, Default)]
struct Shape {
    family: Family,
    roles: Vec<Role>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Family {
    CompliantImages,
    EvaluatedImages,
    #[default]
    Unknown,
    Vulnerabilities,
}

/// What a label says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    DisplayName,
    PolicyId,
    Severity,
    StreamName,
    Unknown,
}

impl Shape {
    fn learn(&mut self, sample: SampleRef<'_, '_>) {
        self.family = match &*sample.name().decode() {
            STREAM_VULNERABILITIES => Family::Vulnerabilities,
            POLICY_COMPLIANT_IMAGES => Family::CompliantImages,
            POLICY_EVALUATED_IMAGES => Family::EvaluatedImages,
            _ => Family::Unknown,
        };
        let is_policy = self.family != Family::Vulnerabilities;
        self.roles.clear();
        self.roles
            .extend(sample.labels().map(|(name, _)| match &*name.decode() {
                STREAM_NAME => Role::StreamName,
                SEVERITY if !is_policy => Role::Severity,
                POLICY_ID if is_policy => Role::PolicyId,
                POLICY_DISPLAY_NAME if is_policy => Role::DisplayName,
                _ => Role::Unknown,
            }));
    }

    fn has_unknown_label(&self) -> bool {
        self.roles.contains(&Role::Unknown)
    }

    /// Returns the value of the label with a role. An empty one is an absent one (OpenMetrics 1.0, section Label).
    #[inline]
    fn value<'a>(&self, sample: SampleRef<'_, 'a>, role: Role) -> Option<Cow<'a, str>> {
        let place = self.roles.iter().position(|found| *found == role)?;
        let value = sample.label_value(place).decode();
        Some(value).filter(|value| !value.is_empty())
    }
}

#[derive(Debug)]
struct StreamDraft {
    name: StreamName,
    counts: VulnerabilityCounts,
    policies: Vec<PolicyDraft>,
    /// The policies by identifier, once there are many.
    places: HashMap<PolicyId, usize, RandomState>,
    /// Where the policy behind that of the sample before stands.
    next: usize,
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

    /// Takes a line of the exposition.
    pub(super) fn push(&mut self, line: Line<'_, '_>) -> Result<()> {
        for deviation in line.deviations() {
            self.push_deviation(*deviation)?;
        }
        match line.event() {
            Event::Sample(sample) => self.push_sample(sample, line.number())?,
            Event::Type { name, kind } => self.check_type(&name.decode(), kind, line.number()),
            _ => {}
        }
        self.check_anomaly_count()
    }

    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    fn check_anomaly_count(&self) -> Result<()> {
        if self.anomalies.len() <= MAX_ANOMALIES {
            return Ok(());
        }
        let message = format!("there are more anomalies than the limit of {MAX_ANOMALIES}");
        Err(Error::new(ErrorKind::Limit, message))
    }

    /// Pairs the counts and returns the snapshot.
    pub(super) fn finish(
        mut self,
        organization: &Organization,
        scraped_at: SystemTime,
    ) -> Result<Snapshot> {
        if self.samples == 0 {
            let message = "the exposition has no sample";
            self.anomalies
                .push(Anomaly::new(AnomalyKind::Empty, message));
        }
        let mut streams = Vec::with_capacity(self.streams.len());
        for draft in std::mem::take(&mut self.streams) {
            streams.extend(draft.finish(&mut self.anomalies)?);
            self.check_anomaly_count()?;
        }
        self.anomalies.sort_by_key(Anomaly::line);
        let snapshot = Snapshot::new(organization.clone(), streams)?;
        Ok(snapshot
            .with_scraped_at(scraped_at)
            .with_anomalies(self.anomalies))
    }

    fn push_deviation(&mut self, deviation: Deviation) -> Result<()> {
        if deviation.rule == Rule::DuplicateLabel {
            // Which of the two values is meant cannot be known.
            let message = format!(
                "a label occurs twice in one sample (line {})",
                deviation.line
            );
            return Err(Error::new(ErrorKind::Decode, message));
        }
        if deviation.rule == Rule::FinalNewline && self.final_newline_is_required {
            let message = format!(
                "the exposition ends in the middle of a line (line {})",
                deviation.line
            );
            return Err(Error::new(ErrorKind::Decode, message));
        }
        let anomaly = Anomaly::new(AnomalyKind::Deviation, deviation.rule.text());
        self.anomalies.push(anomaly.with_line(deviation.line));
        Ok(())
    }

    fn check_type(&mut self, name: &str, kind: MetricType, line: u64) {
        let is_known = [
            STREAM_VULNERABILITIES,
            POLICY_COMPLIANT_IMAGES,
            POLICY_EVALUATED_IMAGES,
        ]
        .contains(&name);
        if is_known && !matches!(kind, MetricType::Gauge | MetricType::Unknown) {
            let message = format!("`{name}` is a {kind}, expected a gauge");
            self.anomalies
                .push(Anomaly::new(AnomalyKind::UnexpectedType, message).with_line(line));
        }
    }

    fn push_sample(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        self.samples += 1;
        if !sample.parts.same_names {
            self.shape.learn(sample);
        }
        match self.shape.family {
            Family::CompliantImages | Family::EvaluatedImages => self.push_policy(sample, line)?,
            Family::Unknown => {
                let message = "the family is none of Docker Scout's";
                self.report(AnomalyKind::UnknownFamily, message, sample, line);
                return Ok(());
            }
            Family::Vulnerabilities => self.push_vulnerabilities(sample, line)?,
        }
        if sample.timestamp().is_some() || sample.exemplar().is_some() {
            let message = "a timestamp or an exemplar of the sample is left out";
            self.report(AnomalyKind::UnexpectedDetail, message, sample, line);
        }
        Ok(())
    }

    fn push_vulnerabilities(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        let count = read_count(sample, line)?;
        let stream = self.shape.value(sample, Role::StreamName);
        let severity = self.shape.value(sample, Role::Severity);
        let (Some(stream), Some(severity)) = (stream, severity) else {
            let message = "the sample has no label `streamName` or no label `severity`";
            self.report(AnomalyKind::MissingLabel, message, sample, line);
            return Ok(());
        };
        let Ok(severity) = severity.parse::<Severity>() else {
            let message = "the severity is none that is known";
            self.report(AnomalyKind::UnknownSeverity, message, sample, line);
            return Ok(());
        };
        let place = self.stream(&stream);
        let draft = &mut self.streams[place];
        if draft.counts.get(severity).is_some() {
            self.report_duplicate(sample, line);
            return Ok(());
        }
        draft.counts = std::mem::take(&mut draft.counts).with(severity, count)?;
        self.report_unknown_label(sample, line);
        Ok(())
    }

    fn push_policy(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        let value = read_count(sample, line)?;
        let stream = self.shape.value(sample, Role::StreamName);
        let id = self.shape.value(sample, Role::PolicyId);
        let (Some(stream), Some(id)) = (stream, id) else {
            let message = "the sample has no label `streamName` or no label `id`";
            self.report(AnomalyKind::MissingLabel, message, sample, line);
            return Ok(());
        };
        let display_name = self
            .shape
            .value(sample, Role::DisplayName)
            .unwrap_or_default();
        let is_compliant = self.shape.family == Family::CompliantImages;
        let draft = self.policy(&stream, &id, &display_name);
        let has_other_name = draft.policy.display_name() != display_name;
        let count = if is_compliant {
            &mut draft.compliant
        } else {
            &mut draft.evaluated
        };
        if count.is_some() {
            self.report_duplicate(sample, line);
            return Ok(());
        }
        *count = Some(Count { value, line });
        if has_other_name {
            let message = "the policy has another `displayName` in an earlier line";
            self.report(AnomalyKind::DisplayNameConflict, message, sample, line);
        }
        if display_name.is_empty() {
            let message = "the policy has no label `displayName`";
            self.anomalies
                .push(Anomaly::new(AnomalyKind::MissingLabel, message).with_line(line));
        }
        self.report_unknown_label(sample, line);
        Ok(())
    }

    /// Returns the place of a stream. Most samples are of the stream of the sample before, or of the one behind it.
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
        let found = self.streams[place].find_policy(id).unwrap_or_else(|| {
            // Streams mostly have the same policies in the same order, so that their names can be shared.
            let index = self.streams[place].policies.len();
            let alike = place
                .checked_sub(1)
                .and_then(|before| self.streams[before].policies.get(index));
            let alike = alike.map(|draft| &draft.policy);
            let alike = alike.filter(|policy| {
                policy.id().as_str() == id && policy.display_name() == display_name
            });
            let policy = alike
                .cloned()
                .unwrap_or_else(|| Policy::new(id, display_name));
            self.streams[place].push_policy(policy)
        });
        let draft = &mut self.streams[place];
        draft.next = found + 1;
        &mut draft.policies[found]
    }

    fn report_duplicate(&mut self, sample: SampleRef<'_, '_>, line: u64) {
        let message = "the series occurs in an earlier line, of which the value is kept";
        self.report(AnomalyKind::DuplicateSample, message, sample, line);
    }

    fn report_unknown_label(&mut self, sample: SampleRef<'_, '_>, line: u64) {
        if self.shape.has_unknown_label() {
            let message = "the sample has a label that is not known";
            self.report(AnomalyKind::UnknownLabel, message, sample, line);
        }
    }

    fn report(
        &mut self,
        kind: AnomalyKind,
        message: &'static str,
        sample: SampleRef<'_, '_>,
        line: u64,
    ) {
        let labels = sample
            .labels()
            .map(|(name, value)| (name.decode().into_owned(), value.decode().into_owned()))
            .collect();
        let raw = RawSample::new(sample.name().decode(), labels, sample.value());
        let anomaly = Anomaly::new(kind, message).with_line(line);
        let is_unplaced = matches!(
            kind,
            AnomalyKind::MissingLabel | AnomalyKind::UnknownFamily | AnomalyKind::UnknownSeverity
        );
        self.anomalies.push(if is_unplaced {
            anomaly.with_unplaced(raw)
        } else {
            anomaly.with_sample(raw)
        });
    }
}

impl StreamDraft {
    /// Up to so many policies are compared one by one, which is quicker than hashing.
    const FEW: usize = 16;

    fn new(name: StreamName) -> Self {
        Self {
            name,
            counts: VulnerabilityCounts::new(),
            policies: Vec::new(),
            places: HashMap::default(),
            next: 0,
        }
    }

    fn find_policy(&self, id: &str) -> Option<usize> {
        let is_it = |draft: &PolicyDraft| draft.policy.id().as_str() == id;
        if self.policies.get(self.next).is_some_and(is_it) {
            return Some(self.next);
        }
        if self.policies.len() <= Self::FEW {
            return self.policies.iter().position(is_it);
        }
        self.places.get(id).copied()
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
                self.places.insert(draft.policy.id().clone(), place);
            }
        }
        place
    }

    /// Returns the stream, unless all that is known of it is one half of a pair.
    fn finish(self, anomalies: &mut Vec<Anomaly>) -> Result<Option<Stream>> {
        let mut stream = Stream::new(self.name.clone()).with_vulnerabilities(self.counts);
        for draft in self.policies {
            match (draft.compliant, draft.evaluated) {
                (Some(compliant), Some(evaluated)) => {
                    if compliant.value > evaluated.value {
                        let message = "more images comply with the policy than were evaluated";
                        let anomaly = Anomaly::new(AnomalyKind::CompliantExceedsEvaluated, message);
                        anomalies.push(anomaly.with_line(compliant.line.max(evaluated.line)));
                    }
                    let result = PolicyResult::new(draft.policy, compliant.value, evaluated.value)?;
                    stream = stream.with_policy(result);
                }
                (Some(count), None) => {
                    anomalies.push(unpaired(
                        &self.name,
                        &draft.policy,
                        POLICY_COMPLIANT_IMAGES,
                        count,
                    ));
                }
                (None, Some(count)) => {
                    anomalies.push(unpaired(
                        &self.name,
                        &draft.policy,
                        POLICY_EVALUATED_IMAGES,
                        count,
                    ));
                }
                (None, None) => {}
            }
        }
        let is_empty = stream.vulnerabilities().is_empty() && stream.policies().is_empty();
        Ok((!is_empty).then_some(stream))
    }
}

fn unpaired(stream: &StreamName, policy: &Policy, family: &str, count: Count) -> Anomaly {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let labels = vec![
        label(POLICY_ID, policy.id().as_str()),
        label(POLICY_DISPLAY_NAME, policy.display_name()),
        label(STREAM_NAME, stream.as_str()),
    ];
    let message = "compliant and evaluated images of the policy do not come as a pair";
    Anomaly::new(AnomalyKind::UnpairedSample, message)
        .with_line(count.line)
        .with_unplaced(RawSample::new(family, labels, count.value as f64))
}

fn read_count(sample: SampleRef<'_, '_>, line: u64) -> Result<u64> {
    let count = sample.count().filter(|&count| count <= Snapshot::MAX_COUNT);
    count.ok_or_else(|| {
        let shown: String = sample.value_text().chars().take(40).collect();
        let message = format!(
            "`{}` has the value {shown}, expected a whole number from 0 to 2^53 (line {line})",
            sample.name()
        );
        Error::new(ErrorKind::Decode, message)
    })
}
