//! From snapshots to an exposition.

use std::fmt::Write;

use scout_metrics_core::{Policy, PolicyResult, Severity, Snapshot, Stream};

use super::{
    POLICY_COMPLIANT_IMAGES, POLICY_DISPLAY_NAME, POLICY_EVALUATED_IMAGES, POLICY_ID, SEVERITY,
    STREAM_EMPTY, STREAM_NAME, STREAM_VULNERABILITIES, constant_labels::ConstantLabels, part::Part,
    unplaced::Unplaced,
};
use crate::{
    EncodeError, Encoder, Exposition, Format, MetricType,
    encode::{SeriesEnd, SeriesStart},
};

/// Writes a snapshot in the form of Docker Scout's own endpoint.
///
/// Reading it gives the same streams and the same [unplaced](scout_metrics_core::Anomaly::is_unplaced) samples. A
/// stream without any data is listed in the family [`STREAM_EMPTY`]. Streams keep their order, except that those without
/// vulnerability counts are read back after the others, because an exposition lists one family after another. The
/// organization and the time are not part of an exposition.
///
/// Unplaced samples that no exposition can hold are left out with a warning: without a name, with an unnamed label, with
/// a label twice, or of a series that is already written. Snapshots that were read from an exposition have none. A label
/// `__name__` is written as `exported___name__`.
pub fn encode(snapshot: &Snapshot, format: Format) -> Exposition {
    let out = String::with_capacity(capacity(snapshot));
    let mut encoder = Encoder::new(out, format);
    let encoded = encode_into(&mut encoder, [(snapshot, &[][..])]);
    match encoded.and_then(|()| encoder.finish()) {
        Ok(body) => Exposition::new(format, body),
        Err(error) => unreachable!("no name is empty, and a string accepts any text: {error}"),
    }
}

/// Writes several snapshots into one exposition, each with constant labels in front of its own labels, such as the
/// organization.
///
/// Each family is written once, with the samples of all snapshots. A label of the data that has the name of a constant
/// label is renamed to `exported_<name>`, as Prometheus does; the prefix is repeated until the name is free. Otherwise
/// each snapshot is written as [`encode`] writes it. Without snapshots nothing is written.
///
/// The caller may write other families before and after, and ends the exposition with [`Encoder::finish`]. Unplaced
/// samples may have any name, so the caller has to remove those that look like its own families
/// ([`Snapshot::with_anomalies`]). Snapshots with the same constant labels have the same series.
///
/// ```
/// use scout_metrics_core::{Organization, Snapshot, Stream};
/// use scout_metrics_openmetrics::{Encoder, Format, scout::encode_into};
///
/// let production = Stream::new("production").with_vulnerabilities("5C".parse()?);
/// let acme = Snapshot::new(Organization::new("acme")?, [production.clone()])?;
/// let apex = Snapshot::new(Organization::new("apex")?, [production])?;
///
/// let mut encoder = Encoder::new(String::new(), Format::Prometheus);
/// encode_into(&mut encoder, [(&acme, &[("org", "acme")][..]), (&apex, &[("org", "apex")][..])])?;
/// let text = encoder.finish()?;
/// let lines = r#"# TYPE scout_stream_vulnerabilities gauge
/// scout_stream_vulnerabilities{org="acme",streamName="production",severity="CRITICAL"} 5
/// scout_stream_vulnerabilities{org="acme",streamName="production",severity="UNSPECIFIED"} 0
/// scout_stream_vulnerabilities{org="apex",streamName="production",severity="CRITICAL"} 5
/// "#;
/// assert!(text.contains(lines));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// If a constant label has an empty name or the name `__name__`, if one occurs twice, or if the output fails.
pub fn encode_into<'a, W: Write>(
    encoder: &mut Encoder<W>,
    snapshots: impl IntoIterator<Item = (&'a Snapshot, &'a [(&'a str, &'a str)])>,
) -> Result<(), EncodeError> {
    let format = encoder.format();
    let parts = snapshots
        .into_iter()
        .map(|(snapshot, labels)| Part::new(snapshot, labels, format))
        .collect::<Result<Vec<_>, _>>()?;
    if parts.is_empty() {
        return Ok(());
    }
    let mut unplaced = Unplaced::new(&parts);

    let family = STREAM_VULNERABILITIES;
    let help = "Vulnerabilities in a stream.";
    encoder.family(family, MetricType::Gauge, help, "")?;
    encode_vulnerabilities(encoder, &parts)?;
    unplaced.encode_family(encoder, family)?;

    let family = POLICY_COMPLIANT_IMAGES;
    let help = "Images of a stream that comply with a policy.";
    encoder.family(family, MetricType::Gauge, help, "")?;
    encode_policies(encoder, &parts, family, PolicyResult::compliant)?;
    unplaced.encode_family(encoder, family)?;

    let family = POLICY_EVALUATED_IMAGES;
    let help = "Images of a stream that were evaluated against a policy.";
    encoder.family(family, MetricType::Gauge, help, "")?;
    encode_policies(encoder, &parts, family, PolicyResult::evaluated)?;
    unplaced.encode_family(encoder, family)?;

    encode_empty_streams(encoder, &parts)?;
    unplaced.encode_family(encoder, STREAM_EMPTY)?;
    unplaced.encode_rest(encoder)
}

/// Returns about as many bytes as the exposition will have.
fn capacity(snapshot: &Snapshot) -> usize {
    const LINE: usize = 128;
    let lines = |stream: &Stream| 5 + 2 * stream.policies().len();
    let streams: usize = snapshot.streams().iter().map(lines).sum();
    LINE * (6 + streams + snapshot.anomalies().len())
}

fn encode_vulnerabilities<W: Write>(
    encoder: &mut Encoder<W>,
    parts: &[Part<'_>],
) -> Result<(), EncodeError> {
    let ends: Vec<SeriesEnd> = Severity::ALL
        .iter()
        .map(|severity| SeriesEnd::new(severity.as_str()))
        .collect::<Result<_, _>>()?;
    let mut start = SeriesStart::default();
    let mut unrecognized = SeriesEnd::default();
    for part in parts {
        let constant = &part.constant_labels;
        let [stream_name, severity_name] = constant.free_names([STREAM_NAME, SEVERITY]);
        for stream in part.snapshot.streams() {
            let counts = stream.vulnerabilities();
            let labels = [(&*stream_name, stream.name().as_str())];
            let labels = constant.iter().chain(labels);
            start.set(encoder, STREAM_VULNERABILITIES, labels, &severity_name)?;
            for (severity, end) in Severity::ALL.into_iter().zip(&ends) {
                if let Some(count) = counts.get(severity) {
                    encoder.count(&start, end, count)?;
                }
            }
            for (severity, count) in counts.unrecognized() {
                unrecognized.set(severity)?;
                encoder.count(&start, &unrecognized, count)?;
            }
        }
    }
    Ok(())
}

fn encode_policies<W: Write>(
    encoder: &mut Encoder<W>,
    parts: &[Part<'_>],
    family: &str,
    count: impl Fn(&PolicyResult) -> u64,
) -> Result<(), EncodeError> {
    let mut end = SeriesEnd::default();
    for part in parts {
        let mut starts = PolicyStarts::new(family, &part.constant_labels);
        for stream in part.snapshot.streams() {
            end.set(stream.name().as_str())?;
            for (place, result) in stream.policies().iter().enumerate() {
                let start = starts.get(encoder, place, result.policy())?;
                encoder.count(start, &end, count(result))?;
            }
        }
    }
    Ok(())
}

fn encode_empty_streams<W: Write>(
    encoder: &mut Encoder<W>,
    parts: &[Part<'_>],
) -> Result<(), EncodeError> {
    let is_empty =
        |stream: &&Stream| stream.vulnerabilities().is_empty() && stream.policies().is_empty();
    let mut has_family = false;
    for part in parts {
        let [stream_name] = part.constant_labels.free_names([STREAM_NAME]);
        for stream in part.snapshot.streams().iter().filter(is_empty) {
            if !has_family {
                let help = "Streams without any data.";
                encoder.family(STREAM_EMPTY, MetricType::Gauge, help, "")?;
                has_family = true;
            }
            let labels = [(&*stream_name, stream.name().as_str())];
            let labels = part.constant_labels.iter().chain(labels);
            encoder.sample(STREAM_EMPTY, labels, 1.0)?;
        }
    }
    Ok(())
}

/// The starts of a family's series, by the place of the policy in its stream: most streams of a snapshot have the same
/// policies in the same order.
struct PolicyStarts<'a> {
    family: &'a str,
    constant_labels: &'a ConstantLabels<'a>,
    starts: Vec<(&'a Policy, SeriesStart)>,
}

impl<'a> PolicyStarts<'a> {
    fn new(family: &'a str, constant_labels: &'a ConstantLabels<'a>) -> Self {
        Self {
            family,
            constant_labels,
            starts: Vec::new(),
        }
    }

    #[inline]
    fn get<W>(
        &mut self,
        encoder: &mut Encoder<W>,
        place: usize,
        policy: &'a Policy,
    ) -> Result<&SeriesStart, EncodeError> {
        if self.starts.len() == place {
            self.starts.push((policy, SeriesStart::default()));
        }
        let (known, start) = &mut self.starts[place];
        if start.is_empty() || *known != policy {
            let names = [POLICY_ID, POLICY_DISPLAY_NAME, STREAM_NAME];
            let [id, display_name, stream_name] = self.constant_labels.free_names(names);
            let labels = [
                (&*id, policy.id().as_str()),
                (&*display_name, policy.display_name()),
            ];
            let labels = self.constant_labels.iter().chain(labels);
            start.set(encoder, self.family, labels, &stream_name)?;
            *known = policy;
        }
        Ok(start)
    }
}
