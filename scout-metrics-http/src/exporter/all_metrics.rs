//! The metrics of all organizations and of the exporter in one exposition.

use std::{
    borrow::Cow,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use scout_metrics_core::{Anomaly, Error, ErrorKind, RawSample, Result, Snapshot};
use scout_metrics_openmetrics::{ContentType, EncodeError, Encoder, scout};

use super::{
    own_metrics::{ORGANIZATION, OwnMetrics, PREFIX},
    payload::Payload,
};

/// The metrics of the organizations as they were written last. They change once an hour, and may be long: all responses
/// share them.
#[derive(Debug, Default)]
pub(super) struct AllMetrics(Mutex<Vec<Written>>);

#[derive(Debug)]
struct Written {
    snapshots: Vec<Snapshot>,
    content_type: ContentType,
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
        snapshots: Vec<Snapshot>,
        own_metrics: &OwnMetrics,
        content_type: ContentType,
    ) -> Result<Payload> {
        let encode = || {
            let organizations = match self.written(&snapshots, content_type) {
                Some(text) => text,
                None => self.write(snapshots, content_type)?,
            };
            let mut encoder = Encoder::new(String::new(), content_type);
            own_metrics.encode_into(&mut encoder)?;
            Ok([encoder.finish_part()?.into(), organizations])
        };
        let parts = encode().map_err(|error: EncodeError| {
            Error::new(ErrorKind::Other, "the metrics cannot be encoded").with_source(error)
        })?;
        Ok(Payload::of_parts(content_type.as_str(), parts))
    }

    fn written(&self, snapshots: &[Snapshot], content_type: ContentType) -> Option<Bytes> {
        let written = self.lock();
        let found = written.iter().find(|written| {
            written.content_type == content_type && are_same(&written.snapshots, snapshots)
        });
        found.map(|written| written.text.clone())
    }

    /// Writes snapshots, and remembers them in place of the last ones of this content type.
    fn write(
        &self,
        snapshots: Vec<Snapshot>,
        content_type: ContentType,
    ) -> std::result::Result<Bytes, EncodeError> {
        let text = Bytes::from(encode_text(&snapshots, content_type)?);
        let mut written = self.lock();
        written.retain(|written| written.content_type != content_type);
        written.push(Written {
            snapshots,
            content_type,
            text: text.clone(),
        });
        Ok(text)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Written>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn are_same(a: &[Snapshot], b: &[Snapshot]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
}

fn encode_text(
    snapshots: &[Snapshot],
    content_type: ContentType,
) -> std::result::Result<String, EncodeError> {
    let snapshots: Vec<Cow<'_, Snapshot>> = snapshots.iter().map(with_own_names_free).collect();
    let labels: Vec<[(&str, &str); 1]> = snapshots
        .iter()
        .map(|snapshot| [(ORGANIZATION, snapshot.organization().as_str())])
        .collect();
    let mut encoder = Encoder::new(String::new(), content_type);
    let snapshots = snapshots.iter().zip(&labels);
    scout::encode_into(
        &mut encoder,
        snapshots.map(|(snapshot, labels)| (&**snapshot, &labels[..])),
    )?;
    encoder.finish()
}

/// Renames samples that have the name of one of the exporter's own metrics, as labels are renamed: otherwise a family
/// would occur twice, and a source could report itself as up.
fn with_own_names_free(snapshot: &Snapshot) -> Cow<'_, Snapshot> {
    let is_taken = |sample: &RawSample| sample.name().starts_with(PREFIX);
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
    use scout_metrics_openmetrics::{Format, scout::SnapshotReader};

    const STREAMS: &str = "# TYPE scout_stream_vulnerabilities gauge
scout_stream_vulnerabilities{streamName=\"production\",severity=\"HIGH\"} 3
";

    fn read(name: &str, more: &str) -> Snapshot {
        let reader = SnapshotReader::new(Organization::new(name).unwrap());
        reader.read(format!("{STREAMS}{more}").as_bytes()).unwrap()
    }

    fn text(snapshots: &[Snapshot], format: Format) -> String {
        let all = AllMetrics::default();
        let payload = all.encode(snapshots.to_vec(), &OwnMetrics::default(), format.into());
        String::from_utf8(payload.unwrap().parts.concat()).unwrap()
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
            let payload = all
                .encode(vec![read("acme", "")], &metrics, format.into())
                .unwrap();
            let [own, organizations] = payload
                .parts
                .map(|part| String::from_utf8(part.to_vec()).unwrap());
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
            let snapshots = snapshots.iter().copied().cloned().collect();
            let payload = all.encode(snapshots, &OwnMetrics::default(), format.into());
            payload.unwrap().parts[1].clone()
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
