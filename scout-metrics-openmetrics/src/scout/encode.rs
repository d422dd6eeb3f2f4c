//! From snapshots to an exposition.

use std::{borrow::Cow, fmt::Write};

use scout_metrics_core::{Snapshot, Stream};

use super::{
    families,
    part::Part,
    unplaced::Unplaced,
    walk::{Family, Samples, Text, at},
};
use crate::{
    EncodeError, Encoder, Exposition, Format, MetricType,
    encode::{SeriesEnd, SeriesStart},
    encode_families,
};

/// Writes a snapshot in the form of Docker Scout's own endpoint.
///
/// Reading it gives the same streams and the same [unplaced](scout_metrics_core::Anomaly::is_unplaced) samples. A
/// stream without any data is listed in the family [`STREAM_EMPTY`](super::STREAM_EMPTY). Streams keep their order, except that those without
/// vulnerability counts are read back after the others, because an exposition lists one family after another. The
/// organization and the time are not part of an exposition.
///
/// Unplaced samples that no exposition can hold are left out with a warning: without a name, with an unnamed label, with
/// a label twice, or of a series that is already written. Snapshots that were read from an exposition have none. A label
/// `__name__` is written as `exported___name__`.
pub fn encode(snapshot: &Snapshot, format: Format) -> Exposition {
    if format == Format::Protobuf {
        let families = families([(snapshot, &[][..])]);
        return match families.map(|families| encode_families(&families, format)) {
            Ok(Ok(exposition)) => exposition,
            Ok(Err(error)) => unreachable!("the format has gauges with any labels: {error}"),
            Err(error) => unreachable!("there are no constant labels: {error}"),
        };
    }
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
    for family in Family::ALL {
        if family.is_in(&parts) {
            encoder.family(family.name(), MetricType::Gauge, family.help(), "")?;
        }
        let mut samples = EncodedSamples::new(encoder, family.name());
        family.walk(&parts, &mut samples)?;
        unplaced.walk(family.name(), &mut samples)?;
    }
    let others: Vec<&str> = unplaced.names().collect();
    for name in others {
        unplaced.walk(name, &mut EncodedSamples::new(encoder, name))?;
    }
    Ok(())
}

/// Returns about as many bytes as the exposition will have.
fn capacity(snapshot: &Snapshot) -> usize {
    const LINE: usize = 128;
    let lines = |stream: &Stream| 5 + 2 * stream.policies().len();
    let streams: usize = snapshot.streams().iter().map(lines).sum();
    LINE * (6 + streams + snapshot.anomalies().len())
}

/// Writes the samples of a family.
struct EncodedSamples<'e, W> {
    encoder: &'e mut Encoder<W>,
    family: &'e str,
    starts: Vec<SeriesStart>,
    ends: Vec<SeriesEnd>,
}

impl<'e, W> EncodedSamples<'e, W> {
    fn new(encoder: &'e mut Encoder<W>, family: &'e str) -> Self {
        Self {
            encoder,
            family,
            starts: Vec::new(),
            ends: Vec::new(),
        }
    }
}

impl<'a, W: Write> Samples<'a> for EncodedSamples<'_, W> {
    type Error = EncodeError;

    fn start(
        &mut self,
        place: usize,
        labels: impl Iterator<Item = (Text<'a>, Text<'a>)>,
        last_label: Text<'a>,
    ) -> Result<(), EncodeError> {
        let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
        let start = at(&mut self.starts, place);
        start.set(self.encoder, self.family, labels, last_label.as_str())
    }

    fn end(&mut self, place: usize, value: Text<'a>) -> Result<(), EncodeError> {
        Ok(at(&mut self.ends, place).set(value.as_str())?)
    }

    #[inline]
    fn count(&mut self, start: usize, end: usize, count: u64) -> Result<(), EncodeError> {
        let (start, end) = (&self.starts[start], &self.ends[end]);
        Ok(self.encoder.count(start, end, count)?)
    }

    fn unplaced(
        &mut self,
        labels: &[(Cow<'a, str>, &'a str)],
        value: f64,
    ) -> Result<(), EncodeError> {
        let labels = labels.iter().map(|(name, value)| (&**name, *value));
        self.encoder.sample(self.family, labels, value)?;
        Ok(())
    }
}
