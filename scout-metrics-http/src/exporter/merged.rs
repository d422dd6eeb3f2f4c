//! Several organizations in one exposition, told apart by a label.

use std::{collections::HashMap, error::Error};

use scout_metrics_core::Snapshot;
use scout_metrics_openmetrics::{
    Exposition, Format, LabelSet, Limits, MetricFamily, ParseError, ParseOptions, Sample,
    encode_families, parse_families, scout,
};

use super::telemetry;

/// The label that names the organization.
pub(super) const ORGANIZATION: &str = "org";

/// Writes the metrics of several organizations as the route `/metrics` serves them: each family once, and each sample
/// with a label `org` in front.
///
/// A label that is called so already is kept as `exported_org`, as Prometheus does it. Families that are called as the
/// [exporter's own](self#the-exporters-own-metrics) are left out: they are not Docker Scout's to report.
///
/// ```
/// use scout_metrics_core::{Organization, Snapshot, Stream};
/// use scout_metrics_http::exporter::encode_merged;
/// use scout_metrics_openmetrics::Format;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let snapshot = |name| {
///     let stream = Stream::new("production").with_vulnerabilities("5C".parse()?);
///     Snapshot::new(Organization::new(name)?, [stream])
/// };
/// let exposition = encode_merged(&[snapshot("acme")?, snapshot("apex")?], Format::Prometheus);
/// let text = std::str::from_utf8(exposition.body())?;
/// assert!(text.contains(r#"{org="acme",streamName="production",severity="CRITICAL"} 5"#));
/// assert!(text.contains(r#"{org="apex",streamName="production",severity="CRITICAL"} 5"#));
/// # Ok(())
/// # }
/// ```
#[expect(
    clippy::missing_panics_doc,
    reason = "a snapshot that exists can be written"
)]
pub fn encode_merged(snapshots: &[Snapshot], format: Format) -> Exposition {
    try_encode(snapshots, format).unwrap_or_else(|error| {
        tracing::warn!(
            error = &*error,
            "samples that stand in no stream cannot be written, so they are left out"
        );
        let placed: Vec<Snapshot> = snapshots
            .iter()
            .map(|snapshot| snapshot.clone().with_anomalies(Vec::new()))
            .collect();
        try_encode(&placed, format).expect("streams and policies have names of their own")
    })
}

fn try_encode(
    snapshots: &[Snapshot],
    format: Format,
) -> Result<Exposition, Box<dyn Error + 'static>> {
    let mut families: Vec<MetricFamily> = Vec::new();
    let mut places = HashMap::new();
    for snapshot in snapshots {
        let organization = snapshot.organization().as_str();
        for family in families_of(snapshot, format)? {
            let place = *places.entry(family.name().to_owned()).or_insert_with(|| {
                let empty = MetricFamily::new(family.name(), family.kind());
                families.push(empty.with_help(family.help()));
                families.len() - 1
            });
            for sample in family.samples() {
                families[place].push(labelled(sample, organization));
            }
        }
    }
    Ok(encode_families(&families, format)?)
}

fn families_of(snapshot: &Snapshot, format: Format) -> Result<Vec<MetricFamily>, ParseError> {
    let exposition = scout::encode(snapshot, format);
    let options = ParseOptions::new(format).with_limits(Limits::unlimited());
    let mut families = parse_families(exposition.body(), &options)?.into_vec();
    families.retain(|family| !family.name().starts_with(telemetry::PREFIX));
    Ok(families)
}

fn labelled(sample: &Sample, organization: &str) -> Sample {
    let labels = sample.labels();
    let mut exported = format!("exported_{ORGANIZATION}");
    while labels.get(&exported).is_some() {
        exported.insert_str(0, "exported_");
    }
    let others = labels.iter().map(|(name, value)| {
        let name = if name == ORGANIZATION {
            &exported
        } else {
            name
        };
        (name, value)
    });
    let own = (ORGANIZATION, organization);
    let labels: LabelSet = std::iter::once(own).chain(others).collect();
    Sample::new(sample.suffix(), labels, sample.value())
}

#[cfg(test)]
mod tests {
    use super::*;
    use scout_metrics_core::{Anomaly, AnomalyKind, Organization, RawSample};

    const STREAMS: &str = "# TYPE scout_stream_vulnerabilities gauge
scout_stream_vulnerabilities{streamName=\"production\",severity=\"HIGH\"} 3
";

    fn read(name: &str, more: &str) -> Snapshot {
        let organization = Organization::new(name).unwrap();
        let reader = scout::SnapshotReader::new(organization);
        reader.read(format!("{STREAMS}{more}").as_bytes()).unwrap()
    }

    fn text(snapshots: &[Snapshot], format: Format) -> String {
        String::from_utf8(encode_merged(snapshots, format).into_body().to_vec()).unwrap()
    }

    #[test]
    fn each_family_stands_once_with_the_samples_of_all() {
        let snapshots = [read("acme", ""), read("apex", "")];
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let text = text(&snapshots, format);
            let samples = r#"scout_stream_vulnerabilities{org="acme",streamName="production",severity="HIGH"} 3
scout_stream_vulnerabilities{org="apex",streamName="production",severity="HIGH"} 3
"#;
            assert!(text.contains(samples), "{text}");
            assert_eq!(
                text.matches("# TYPE scout_stream_vulnerabilities gauge")
                    .count(),
                1
            );
            assert_eq!(
                text.matches("# HELP scout_stream_vulnerabilities ").count(),
                1
            );
        }
    }

    #[test]
    fn nothing_is_lost_and_nothing_passes_for_ours() {
        let more = "scout_later{org=\"x\",exported_org=\"y\"} 1
scout_exporter_up{org=\"acme\"} 1
";
        let text = text(&[read("acme", more), read("apex", "")], Format::Prometheus);
        let kept = r#"scout_later{org="acme",exported_exported_org="x",exported_org="y"} 1"#;
        assert!(text.contains(kept), "{text}");
        assert!(!text.contains("scout_exporter_up"), "{text}");
    }

    #[test]
    fn what_cannot_be_written_is_left_out_alone() {
        let label = ("a".to_owned(), String::new());
        let sample = RawSample::new("scout_later", vec![label.clone(), label], 1.0);
        let anomaly = Anomaly::new(AnomalyKind::UnknownFamily, "unknown").with_sample(sample);
        let odd = read("acme", "").with_anomalies(vec![anomaly]);
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let text = text(&[odd.clone(), read("apex", "")], format);
            assert!(text.contains(r#"org="acme",streamName"#), "{text}");
            assert!(text.contains(r#"org="apex",streamName"#), "{text}");
            assert!(!text.contains("scout_later"), "{text}");
        }
    }
}
