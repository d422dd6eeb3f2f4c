//! From events to a snapshot.

use std::{borrow::Cow, collections::HashMap, time::SystemTime};

use scout_metrics_core::{
    Anomaly, AnomalyKind, Error, ErrorKind, Organization, Policy, PolicyId, PolicyResult,
    RawSample, Result, Severity, Snapshot, Stream, StreamName, VulnerabilityCounts,
};

use super::{
    POLICY_COMPLIANT_IMAGES, POLICY_DISPLAY_NAME, POLICY_EVALUATED_IMAGES, POLICY_ID, SEVERITY,
    STREAM_NAME, STREAM_VULNERABILITIES,
};
use crate::{Deviation, Event, Line, MetricType, Rule, SampleRef, number::parse_count};

/// Collects the samples of one exposition.
#[derive(Debug, Default)]
pub(super) struct SnapshotBuilder {
    final_newline_is_required: bool,
    streams: Vec<StreamDraft>,
    places: HashMap<StreamName, usize>,
    anomalies: Vec<Anomaly>,
    samples: usize,
}

#[derive(Debug)]
struct StreamDraft {
    name: StreamName,
    counts: VulnerabilityCounts,
    policies: Vec<PolicyDraft>,
    places: HashMap<PolicyId, usize>,
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

/// Which of the two families about policies a sample belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum PolicyFamily {
    Compliant,
    Evaluated,
}

/// The labels of a sample that the models know.
#[derive(Default)]
struct KnownLabels<'a> {
    stream: Option<Cow<'a, str>>,
    severity: Option<Cow<'a, str>>,
    policy_id: Option<Cow<'a, str>>,
    display_name: Option<Cow<'a, str>>,
    has_unknown: bool,
}

impl<'a> KnownLabels<'a> {
    fn read(sample: SampleRef<'_, 'a>) -> Self {
        let mut labels = Self::default();
        let is_policy = sample.name() != STREAM_VULNERABILITIES;
        for (name, value) in sample.labels() {
            let place = match &*name.decode() {
                STREAM_NAME => &mut labels.stream,
                SEVERITY if !is_policy => &mut labels.severity,
                POLICY_ID if is_policy => &mut labels.policy_id,
                POLICY_DISPLAY_NAME if is_policy => &mut labels.display_name,
                _ => {
                    labels.has_unknown = true;
                    continue;
                }
            };
            // An empty label is an absent one (OpenMetrics 1.0, section Label).
            *place = Some(value.decode()).filter(|value| !value.is_empty());
        }
        labels
    }
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
        Ok(())
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
        for draft in self.streams {
            if let Some(stream) = draft.finish(&mut self.anomalies)? {
                streams.push(stream);
            }
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
        let name = sample.name();
        if name == STREAM_VULNERABILITIES {
            self.push_vulnerabilities(sample, line)?;
        } else if name == POLICY_COMPLIANT_IMAGES {
            self.push_policy(sample, PolicyFamily::Compliant, line)?;
        } else if name == POLICY_EVALUATED_IMAGES {
            self.push_policy(sample, PolicyFamily::Evaluated, line)?;
        } else {
            self.report(
                AnomalyKind::UnknownFamily,
                "the family is none of Docker Scout's",
                sample,
                line,
            );
            return Ok(());
        }
        if sample.timestamp().is_some() || sample.exemplar().is_some() {
            let message = "a timestamp or an exemplar of the sample is left out";
            self.report(AnomalyKind::UnexpectedDetail, message, sample, line);
        }
        Ok(())
    }

    fn push_vulnerabilities(&mut self, sample: SampleRef<'_, '_>, line: u64) -> Result<()> {
        let count = read_count(sample, line)?;
        let labels = KnownLabels::read(sample);
        let (Some(stream), Some(severity)) = (labels.stream, labels.severity) else {
            let message = "the sample has no label `streamName` or no label `severity`";
            self.report(AnomalyKind::MissingLabel, message, sample, line);
            return Ok(());
        };
        let Ok(severity) = severity.parse::<Severity>() else {
            let message = "the severity is none that is known";
            self.report(AnomalyKind::UnknownSeverity, message, sample, line);
            return Ok(());
        };
        let draft = self.stream(&stream);
        if draft.counts.get(severity).is_some() {
            self.report_duplicate(sample, line);
            return Ok(());
        }
        draft.counts = draft.counts.with(severity, count)?;
        self.report_unknown_label(labels.has_unknown, sample, line);
        Ok(())
    }

    fn push_policy(
        &mut self,
        sample: SampleRef<'_, '_>,
        family: PolicyFamily,
        line: u64,
    ) -> Result<()> {
        let value = read_count(sample, line)?;
        let labels = KnownLabels::read(sample);
        let (Some(stream), Some(id)) = (labels.stream, labels.policy_id) else {
            let message = "the sample has no label `streamName` or no label `id`";
            self.report(AnomalyKind::MissingLabel, message, sample, line);
            return Ok(());
        };
        let display_name = labels.display_name.unwrap_or_default();
        let draft = self.stream(&stream).policy(&id, &display_name);
        let has_other_name = draft.policy.display_name() != display_name;
        let place = match family {
            PolicyFamily::Compliant => &mut draft.compliant,
            PolicyFamily::Evaluated => &mut draft.evaluated,
        };
        if place.is_some() {
            self.report_duplicate(sample, line);
            return Ok(());
        }
        *place = Some(Count { value, line });
        if has_other_name {
            let message = "the policy has another `displayName` in an earlier line";
            self.report(AnomalyKind::DisplayNameConflict, message, sample, line);
        }
        if display_name.is_empty() {
            let anomaly = Anomaly::new(
                AnomalyKind::MissingLabel,
                "the policy has no label `displayName`",
            );
            self.anomalies.push(anomaly.with_line(line));
        }
        self.report_unknown_label(labels.has_unknown, sample, line);
        Ok(())
    }

    fn stream(&mut self, name: &str) -> &mut StreamDraft {
        // Most samples are of the stream of the sample before.
        let place = match self.streams.last() {
            Some(last) if last.name.as_str() == name => Some(self.streams.len() - 1),
            _ => self.places.get(name).copied(),
        };
        let place = place.unwrap_or_else(|| {
            let name = StreamName::new(name);
            self.places.insert(name.clone(), self.streams.len());
            self.streams.push(StreamDraft::new(name));
            self.streams.len() - 1
        });
        &mut self.streams[place]
    }

    fn report_duplicate(&mut self, sample: SampleRef<'_, '_>, line: u64) {
        let message = "the series occurs in an earlier line, of which the value is kept";
        self.report(AnomalyKind::DuplicateSample, message, sample, line);
    }

    fn report_unknown_label(&mut self, has_unknown: bool, sample: SampleRef<'_, '_>, line: u64) {
        if has_unknown {
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
        self.anomalies
            .push(Anomaly::new(kind, message).with_line(line).with_sample(raw));
    }
}

impl StreamDraft {
    fn new(name: StreamName) -> Self {
        Self {
            name,
            counts: VulnerabilityCounts::new(),
            policies: Vec::new(),
            places: HashMap::new(),
        }
    }

    fn policy(&mut self, id: &str, display_name: &str) -> &mut PolicyDraft {
        let place = self.places.get(id).copied().unwrap_or_else(|| {
            let policy = Policy::new(id, display_name);
            self.places.insert(policy.id().clone(), self.policies.len());
            self.policies.push(PolicyDraft {
                policy,
                compliant: None,
                evaluated: None,
            });
            self.policies.len() - 1
        });
        &mut self.policies[place]
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
        .with_sample(RawSample::new(family, labels, count.value as f64))
}

fn read_count(sample: SampleRef<'_, '_>, line: u64) -> Result<u64> {
    let count = parse_count(sample.value_text()).filter(|&count| count <= Snapshot::MAX_COUNT);
    count.ok_or_else(|| {
        let shown: String = sample.value_text().chars().take(40).collect();
        let message = format!(
            "`{}` has the value {shown}, expected a whole number from 0 to 2^53 (line {line})",
            sample.name()
        );
        Error::new(ErrorKind::Decode, message)
    })
}
