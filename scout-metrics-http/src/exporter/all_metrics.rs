//! The metrics of all organizations and of the exporter in one exposition.

use std::{
    borrow::Cow,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use scout_metrics_core::{Anomaly, Error, ErrorKind, RawSample, Result, Snapshot};
use scout_metrics_openmetrics::{
    ContentType, EncodeError, Encoder, EscapingScheme, Format, scout, transcode_lossy,
};

use super::{
    names,
    own_metrics::{ORGANIZATION, OwnMetrics, PREFIX},
};

/// The metrics of the organizations as they were written last. They change once an hour, and may be long: all responses
/// share them.
#[derive(Debug, Default)]
pub(super) struct AllMetrics(Mutex<Vec<Written>>);

/// A text whose names are not escaped.
#[derive(Debug)]
struct Written {
    snapshots: Vec<Snapshot>,
    format: Format,
    text: Bytes,
}

impl AllMetrics {
    /// Returns the exporter's own metrics, and then snapshots, each with a label for its organization.
    ///
    /// The long part comes last. hyper writes a short part together with the next one, but a part of more than 400 kB by
    /// itself. If a short part came after it, the kernel would hold it back until the client has acknowledged the long
    /// one, which takes 40 ms, unless the server sets `TCP_NODELAY`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Other`] if a snapshot cannot be written.
    pub(super) fn encode(
        &self,
        snapshots: &[Snapshot],
        own_metrics: &OwnMetrics,
        content_type: ContentType,
    ) -> Result<(ContentType, [Bytes; 2])> {
        if let Format::OpenMetrics2 | Format::Protobuf = content_type.format() {
            return encode_composite(snapshots, own_metrics, content_type);
        }
        let encode = |content_type| self.encode_as(content_type, snapshots, own_metrics);
        names::encode(content_type, encode).map_err(fault)
    }

    fn encode_as(
        &self,
        content_type: ContentType,
        snapshots: &[Snapshot],
        own_metrics: &OwnMetrics,
    ) -> std::result::Result<[Bytes; 2], EncodeError> {
        let mut encoder = Encoder::new(String::new(), content_type);
        own_metrics.encode_into(&mut encoder)?;
        let writes_all_names = content_type.escaping() == EscapingScheme::AllowUtf8;
        let are_plain = || snapshots.iter().all(names::are_plain);
        if writes_all_names || !encoder.has_escaped_names() && are_plain() {
            let organizations = self.text(snapshots, content_type.format())?;
            return Ok([encoder.finish_part()?.into(), organizations]);
        }
        // One encoder knows all names, and notices two that become the same.
        encode_snapshots(&mut encoder, snapshots)?;
        Ok([encoder.finish()?.into(), Bytes::new()])
    }

    /// Returns the text of snapshots. Remembers it in place of the last one in this format.
    fn text(
        &self,
        snapshots: &[Snapshot],
        format: Format,
    ) -> std::result::Result<Bytes, EncodeError> {
        if let Some(text) = self.written(snapshots, format) {
            return Ok(text);
        }
        let mut encoder = Encoder::new(String::new(), format);
        encode_snapshots(&mut encoder, snapshots)?;
        let text = Bytes::from(encoder.finish()?);
        let mut written = self.lock();
        written.retain(|written| written.format != format);
        written.push(Written {
            snapshots: snapshots.to_vec(),
            format,
            text: text.clone(),
        });
        Ok(text)
    }

    fn written(&self, snapshots: &[Snapshot], format: Format) -> Option<Bytes> {
        let written = self.lock();
        let found = written
            .iter()
            .find(|written| written.format == format && are_same(&written.snapshots, snapshots));
        found.map(|written| written.text.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Written>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fault(error: EncodeError) -> Error {
    Error::new(ErrorKind::Other, "the metrics cannot be encoded").with_source(error)
}

/// Writes a format that has histograms as one sample. Few ask for one, so it is written for each request.
fn encode_composite(
    snapshots: &[Snapshot],
    own_metrics: &OwnMetrics,
    content_type: ContentType,
) -> Result<(ContentType, [Bytes; 2])> {
    let mut families = own_metrics.families();
    families.extend(with_labels(snapshots, |snapshots| {
        scout::families(snapshots)
    })?);
    let encode = |content_type| transcode_lossy(&families, content_type);
    let (content_type, (exposition, losses)) =
        names::encode(content_type, encode).map_err(fault)?;
    for loss in losses {
        tracing::warn!(%loss, "a format cannot express all metrics");
    }
    Ok((content_type, [exposition.into_body(), Bytes::new()]))
}

fn are_same(a: &[Snapshot], b: &[Snapshot]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
}

fn encode_snapshots(
    encoder: &mut Encoder<String>,
    snapshots: &[Snapshot],
) -> std::result::Result<(), EncodeError> {
    with_labels(snapshots, |snapshots| {
        scout::encode_into(encoder, snapshots)
    })
}

/// Calls a function with snapshots and the labels that distinguish them.
fn with_labels<T>(
    snapshots: &[Snapshot],
    write: impl FnOnce(Vec<(&Snapshot, &[(&str, &str)])>) -> T,
) -> T {
    let snapshots: Vec<Cow<'_, Snapshot>> = snapshots.iter().map(with_own_names_free).collect();
    let labels: Vec<[(&str, &str); 1]> = snapshots
        .iter()
        .map(|snapshot| [(ORGANIZATION, snapshot.organization().as_str())])
        .collect();
    let labelled = snapshots.iter().zip(&labels);
    let labelled = labelled.map(|(snapshot, labels)| (&**snapshot, &labels[..]));
    write(labelled.collect())
}

/// Renames samples that have the name of one of the exporter's own metrics, also after escaping, as labels are renamed:
/// otherwise a family would occur twice, and a source could report itself as up.
fn with_own_names_free(snapshot: &Snapshot) -> Cow<'_, Snapshot> {
    let is_taken = |sample: &RawSample| {
        let name = EscapingScheme::Underscores.escape_metric_name(sample.name());
        name.starts_with(PREFIX)
    };
    let mut samples = snapshot.anomalies().iter().filter_map(Anomaly::sample);
    if !samples.any(is_taken) {
        return Cow::Borrowed(snapshot);
    }
    let rename = |anomaly: &Anomaly| match anomaly.sample() {
        Some(sample) if anomaly.is_unplaced() && is_taken(sample) => {
            let name = format!("exported_{}", sample.name());
            let renamed = RawSample::new(name, sample.labels().to_vec(), sample.value());
            Anomaly::new(anomaly.kind(), anomaly.message()).with_unplaced(renamed)
        }
        _ => anomaly.clone(),
    };
    let anomalies = snapshot.anomalies().iter().map(rename).collect();
    Cow::Owned(snapshot.clone().with_anomalies(anomalies))
}

#[cfg(test)]
mod tests {
    use super::*;
    use scout_metrics_core::Organization;
    use scout_metrics_openmetrics::scout::SnapshotReader;

    const STREAMS: &str = "# TYPE scout_stream_vulnerabilities gauge
scout_stream_vulnerabilities{streamName=\"production\",severity=\"HIGH\"} 3
";

    fn read(name: &str, more: &str) -> Snapshot {
        let reader = SnapshotReader::new(Organization::new(name).unwrap());
        reader.read(format!("{STREAMS}{more}").as_bytes()).unwrap()
    }

    fn text(snapshots: &[Snapshot], format: Format) -> String {
        let all = AllMetrics::default();
        let encoded = all.encode(snapshots, &OwnMetrics::default(), format.into());
        String::from_utf8(encoded.unwrap().1.concat()).unwrap()
    }

    #[test]
    fn each_family_occurs_once_with_the_samples_of_all() {
        let snapshots = [read("acme", ""), read("apex", "")];
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let text = text(&snapshots, format);
            let samples = r#"scout_stream_vulnerabilities{org="acme",streamName="production",severity="HIGH"} 3
scout_stream_vulnerabilities{org="apex",streamName="production",severity="HIGH"} 3
"#;
            assert!(text.contains(samples), "{text}");
            for line in [
                "# TYPE scout_stream_vulnerabilities gauge",
                "# TYPE scout_exporter_up gauge",
            ] {
                assert_eq!(text.matches(line).count(), 1, "{text}");
            }
        }
    }

    #[test]
    fn the_long_part_comes_last() {
        let all = AllMetrics::default();
        let metrics = OwnMetrics::default();
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let encoded = all.encode(&[read("acme", "")], &metrics, format.into());
            let (_, parts) = encoded.unwrap();
            let [own, organizations] = parts.map(|part| String::from_utf8(part.to_vec()).unwrap());
            assert!(own.contains("scout_exporter_build_info"), "{own}");
            assert!(organizations.contains("scout_stream_vulnerabilities"));
            assert_eq!(
                organizations.ends_with("# EOF\n"),
                format == Format::OpenMetrics
            );
        }
    }

    #[test]
    fn no_sample_is_lost_and_none_has_the_name_of_our_own_metrics() {
        let more = "scout_later{org=\"x\",exported_org=\"y\"} 1
scout_exporter_up{org=\"acme\"} 1
";
        let text = text(&[read("acme", more), read("apex", "")], Format::Prometheus);
        for kept in [
            r#"scout_later{org="acme",exported_exported_org="x",exported_org="y"} 1"#,
            r#"exported_scout_exporter_up{org="acme",exported_org="acme"} 1"#,
        ] {
            assert!(text.contains(kept), "{text}");
        }
        assert!(!text.contains("\nscout_exporter_up{"), "{text}");
    }

    #[test]
    fn the_metrics_of_organizations_are_shared_until_a_snapshot_changes() {
        let all = AllMetrics::default();
        let (acme, apex) = (read("acme", ""), read("apex", ""));
        let long_part = |snapshots: &[&Snapshot], format: Format| {
            let snapshots: Vec<Snapshot> = snapshots.iter().copied().cloned().collect();
            let encoded = all.encode(&snapshots, &OwnMetrics::default(), format.into());
            encoded.unwrap().1[1].clone()
        };
        let both = long_part(&[&acme, &apex], Format::Prometheus);
        assert_ne!(both, long_part(&[&acme, &apex], Format::OpenMetrics));
        let again = long_part(&[&acme, &apex], Format::Prometheus);
        assert_eq!(both.as_ptr(), again.as_ptr());

        let one = long_part(&[&acme], Format::Prometheus);
        assert!(one.len() < both.len());
        let new = long_part(&[&read("acme", ""), &apex], Format::Prometheus);
        assert_ne!(both.as_ptr(), new.as_ptr());
    }
}
