//! Several organizations in one exposition, told apart by a label.

use std::{collections::HashMap, error::Error};

use scout_metrics_core::{Anomaly, Organization, Snapshot};
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
/// [exporter's own](crate::exporter#the-exporters-own-metrics) are left out: they are not Docker Scout's to report.
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
pub fn encode_merged(snapshots: &[Snapshot], format: Format) -> Exposition {
    let has_unplaced = |snapshot: &Snapshot| snapshot.anomalies().iter().any(Anomaly::is_unplaced);
    if !snapshots.iter().any(has_unplaced) {
        return encode_placed(snapshots, format);
    }
    encode_checked(snapshots, format).unwrap_or_else(|error| {
        tracing::warn!(
            error = &*error,
            "samples that stand in no stream cannot be written, so they are left out"
        );
        let placed: Vec<Snapshot> = snapshots
            .iter()
            .map(|snapshot| snapshot.clone().with_anomalies(Vec::new()))
            .collect();
        encode_placed(&placed, format)
    })
}

/// Writes streams and policies alone. Their families and labels are known, so another label in each line is all that it
/// takes, at a tenth of the time of [`encode_checked`].
fn encode_placed(snapshots: &[Snapshot], format: Format) -> Exposition {
    let mut families: Vec<(String, String)> = Vec::new();
    for snapshot in snapshots {
        let exposition = scout::encode(snapshot, format);
        let text = std::str::from_utf8(exposition.body()).expect("an exposition is text");
        append(&mut families, text, snapshot.organization());
    }
    let mut merged: String = families.into_iter().map(|(_, lines)| lines).collect();
    if format == Format::OpenMetrics {
        merged.push_str("# EOF\n");
    }
    Exposition::new(format, merged)
}

/// Appends each line to those of its family, and the metadata only where there is none yet.
fn append(families: &mut Vec<(String, String)>, text: &str, organization: &Organization) {
    let label = format!("{{{ORGANIZATION}=\"{organization}\",");
    let (mut place, mut is_new) = (0, false);
    for line in text.split_inclusive('\n') {
        if let Some(metadata) = line.strip_prefix("# ") {
            let Some(name) = metadata.split(' ').nth(1) else {
                break; // # EOF
            };
            if families.get(place).is_none_or(|(of, _)| of != name) {
                let found = families.iter().position(|(of, _)| of == name);
                is_new = found.is_none();
                place = found.unwrap_or(families.len());
                if is_new {
                    families.push((name.to_owned(), String::new()));
                }
            }
            if is_new {
                families[place].1.push_str(line);
            }
        } else {
            let (name, labels) = line.split_once('{').expect("each sample has labels");
            families[place].1.extend([name, &label, labels]);
        }
    }
}

/// Writes samples that may be called anything, and reads them back to be sure.
fn encode_checked(
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
    use scout_metrics_core::{AnomalyKind, Policy, PolicyResult, RawSample, Stream};

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
    fn streams_and_policies_are_written_as_if_they_were_checked() {
        let names = [
            "{",
            "} 1\n# HELP x y\n",
            "# EOF",
            "quote \" backslash \\",
            "日本\u{2028}\u{85}\r",
        ];
        let streams = names.map(|name| {
            let result = PolicyResult::new(Policy::new(name, name), 3, 4).unwrap();
            Stream::new(name)
                .with_vulnerabilities("5C 0H".parse().unwrap())
                .with_policy(result)
        });
        let snapshot = |name, streams: &[Stream]| {
            let organization = Organization::new(name).unwrap();
            Snapshot::new(organization, streams.iter().cloned()).unwrap()
        };
        let snapshots = [
            snapshot("empty", &[]),
            snapshot("one", &streams[..1]),
            snapshot("acme-labs", &streams),
        ];
        for format in [Format::OpenMetrics, Format::Prometheus] {
            for snapshots in [&[], &snapshots[..1], &snapshots[..]] {
                let checked = encode_checked(snapshots, format).unwrap();
                assert_eq!(encode_merged(snapshots, format), checked);
            }
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
        let anomaly = Anomaly::new(AnomalyKind::UnknownFamily, "unknown").with_unplaced(sample);
        let odd = read("acme", "").with_anomalies(vec![anomaly]);
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let text = text(&[odd.clone(), read("apex", "")], format);
            assert!(text.contains(r#"org="acme",streamName"#), "{text}");
            assert!(text.contains(r#"org="apex",streamName"#), "{text}");
            assert!(!text.contains("scout_later"), "{text}");
        }
    }
}
