//! From a snapshot to an exposition.

use std::collections::{HashMap, HashSet};

use scout_metrics_core::{Anomaly, Policy, PolicyResult, RawSample, Severity, Snapshot, Stream};

use super::{
    POLICY_COMPLIANT_IMAGES, POLICY_DISPLAY_NAME, POLICY_EVALUATED_IMAGES, POLICY_ID, SEVERITY,
    STREAM_NAME, STREAM_VULNERABILITIES,
};
use crate::{
    EncodeError, Encoder, Exposition, Format, MetricType,
    encoder::{SeriesEnd, SeriesStart},
};

/// Writes a snapshot in the shape of Docker Scout's own endpoint.
///
/// Reading it gives back the same streams. Samples that stand in no stream, which anomalies keep, are written as they
/// came; those without a name or with a label twice, which no reader of this crate returns and no exposition can hold, are
/// left out. Streams keep their order, but those without
/// vulnerability counts are read back after the others, because an exposition lists one family after another.
/// Organization and time are not part of an exposition.
pub fn encode(snapshot: &Snapshot, format: Format) -> Exposition {
    let out = String::with_capacity(capacity(snapshot));
    let encoded = encode_snapshot(snapshot, Encoder::new(out, format));
    match encoded {
        Ok(body) => Exposition::new(format, body),
        Err(error) => unreachable!("no name is empty, and a string takes all text: {error}"),
    }
}

/// Returns about as many bytes as the exposition will have.
fn capacity(snapshot: &Snapshot) -> usize {
    const LINE: usize = 128;
    let lines = |stream: &Stream| 5 + 2 * stream.policies().len();
    let streams: usize = snapshot.streams().iter().map(lines).sum();
    LINE * (6 + streams + snapshot.anomalies().len())
}

fn encode_snapshot(
    snapshot: &Snapshot,
    mut encoder: Encoder<String>,
) -> Result<String, EncodeError> {
    let streams = snapshot.streams();
    let mut unplaced = Unplaced::new(snapshot.anomalies());

    let family = STREAM_VULNERABILITIES;
    let help = "Vulnerabilities in a stream.";
    encoder.family(family, MetricType::Gauge, help, "")?;
    encode_vulnerabilities(&mut encoder, streams)?;
    unplaced.encode_named(&mut encoder, family)?;

    let family = POLICY_COMPLIANT_IMAGES;
    let help = "Images of a stream that comply with a policy.";
    encoder.family(family, MetricType::Gauge, help, "")?;
    encode_policies(&mut encoder, streams, family, PolicyResult::compliant)?;
    unplaced.encode_named(&mut encoder, family)?;

    let family = POLICY_EVALUATED_IMAGES;
    let help = "Images of a stream that were evaluated against a policy.";
    encoder.family(family, MetricType::Gauge, help, "")?;
    encode_policies(&mut encoder, streams, family, PolicyResult::evaluated)?;
    unplaced.encode_named(&mut encoder, family)?;

    unplaced.encode_rest(&mut encoder)?;
    encoder.finish()
}

fn encode_vulnerabilities(
    encoder: &mut Encoder<String>,
    streams: &[Stream],
) -> Result<(), EncodeError> {
    let ends: Vec<SeriesEnd> = Severity::ALL
        .iter()
        .map(|severity| SeriesEnd::new(severity.as_str()))
        .collect::<Result<_, _>>()?;
    let mut start = SeriesStart::default();
    for stream in streams {
        let labels = [(STREAM_NAME, stream.name().as_str())];
        start.set(STREAM_VULNERABILITIES, labels, SEVERITY)?;
        for (severity, end) in Severity::ALL.into_iter().zip(&ends) {
            if let Some(count) = stream.vulnerabilities().get(severity) {
                encoder.count(&start, end, count)?;
            }
        }
    }
    Ok(())
}

fn encode_policies(
    encoder: &mut Encoder<String>,
    streams: &[Stream],
    family: &str,
    count: impl Fn(&PolicyResult) -> u64,
) -> Result<(), EncodeError> {
    let mut starts = PolicyStarts::default();
    let mut end = SeriesEnd::default();
    for stream in streams {
        end.set(stream.name().as_str())?;
        for (place, result) in stream.policies().iter().enumerate() {
            let start = starts.get(place, family, result.policy())?;
            encoder.count(start, &end, count(result))?;
        }
    }
    Ok(())
}

/// The starts of a family's series, by the place of the policy in its stream: most streams have the same policies in
/// the same order.
#[derive(Default)]
struct PolicyStarts<'a>(Vec<(&'a Policy, SeriesStart)>);

impl<'a> PolicyStarts<'a> {
    fn get(
        &mut self,
        place: usize,
        family: &str,
        policy: &'a Policy,
    ) -> Result<&SeriesStart, EncodeError> {
        if self.0.len() == place {
            self.0.push((policy, SeriesStart::default()));
        }
        let (known, start) = &mut self.0[place];
        if start.is_empty() || *known != policy {
            let labels = [
                (POLICY_ID, policy.id().as_str()),
                (POLICY_DISPLAY_NAME, policy.display_name()),
            ];
            start.set(family, labels, STREAM_NAME)?;
            *known = policy;
        }
        Ok(start)
    }
}

/// The samples that stand in no stream, by name, because the samples of one name have to stand together.
struct Unplaced<'a> {
    names: Vec<&'a str>,
    samples: HashMap<&'a str, Vec<&'a RawSample>>,
}

impl<'a> Unplaced<'a> {
    fn new(anomalies: &'a [Anomaly]) -> Self {
        let mut unplaced = Self {
            names: Vec::new(),
            samples: HashMap::new(),
        };
        for sample in anomalies
            .iter()
            .filter(|anomaly| anomaly.is_unplaced())
            .filter_map(Anomaly::sample)
            .filter(|sample| can_be_written(sample))
        {
            let samples = unplaced.samples.entry(sample.name()).or_default();
            if samples.is_empty() {
                unplaced.names.push(sample.name());
            }
            samples.push(sample);
        }
        unplaced
    }

    fn encode_named(
        &mut self,
        encoder: &mut Encoder<String>,
        name: &str,
    ) -> Result<(), EncodeError> {
        for sample in self.samples.remove(name).into_iter().flatten() {
            let labels = sample.labels().iter();
            let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
            encoder.sample(sample.name(), labels, sample.value())?;
        }
        Ok(())
    }

    fn encode_rest(mut self, encoder: &mut Encoder<String>) -> Result<(), EncodeError> {
        for name in std::mem::take(&mut self.names) {
            self.encode_named(encoder, name)?;
        }
        Ok(())
    }
}

/// Returns whether the metric and all labels have names, and each label another one.
fn can_be_written(sample: &RawSample) -> bool {
    let mut names = HashSet::new();
    let mut labels = sample.labels().iter();
    !sample.name().is_empty() && labels.all(|(name, _)| !name.is_empty() && names.insert(name))
}
