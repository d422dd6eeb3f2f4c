//! No sample of an exposition is lost: each series is in the snapshot, and in what is written of it, with its value.

#![cfg(feature = "scout")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

use std::{collections::BTreeMap, fmt::Write};

use proptest::prelude::*;
use scout_metrics_core::{Anomaly, AnomalyKind, Organization, RawSample, Snapshot, Stream};
use scout_metrics_openmetrics::{
    Encoder, Event, Format, ParseOptions, Parser,
    scout::{self, SnapshotReader},
};

/// Name and labels of a series, without empty labels, in order.
type Series = (String, Vec<(String, String)>);
type Values = BTreeMap<Series, u64>;

const FAMILIES: [&str; 6] = [
    scout::STREAM_VULNERABILITIES,
    scout::POLICY_COMPLIANT_IMAGES,
    scout::POLICY_EVALUATED_IMAGES,
    scout::STREAM_EMPTY,
    "scout_new",
    "scout_newer_total",
];

fn series<'a>(name: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Series {
    let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
    let mut labels: Vec<_> = labels
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    labels.sort();
    (name.to_owned(), labels)
}

fn series_of(sample: &RawSample) -> Series {
    let labels = sample.labels().iter();
    series(
        sample.name(),
        labels.map(|(name, value)| (name.as_str(), value.as_str())),
    )
}

/// Samples that are like Docker Scout's, or nearly, with few different values so that many of them collide.
fn samples() -> impl Strategy<Value = Vec<RawSample>> {
    let label = |name: &'static str, values: &'static [&'static str]| {
        let value = prop::sample::select(values);
        prop::option::weighted(0.85, value).prop_map(move |value| value.map(|value| (name, value)))
    };
    let rarely = |name: &'static str, values: &'static [&'static str]| {
        let value = prop::sample::select(values);
        prop::option::weighted(0.1, value).prop_map(move |value| value.map(|value| (name, value)))
    };
    let severities = &["CRITICAL", "HIGH", "UNSPECIFIED", "BLOCKER", "high", ""];
    let stream = || label("streamName", &["a", "b", "", "\"c\\\n,}"]);
    let vulnerabilities = (
        stream(),
        label("severity", severities),
        rarely("id", &["1", ""]),
    )
        .prop_map(|(a, b, c)| vec![a, b, c]);
    let policy = (
        label("id", &["1", "2", ""]),
        label("displayName", &["A", "B", ""]),
        stream(),
        rarely("severity", &["HIGH", ""]),
    )
        .prop_map(|(a, b, c, d)| vec![a, b, c, d]);
    let labels = prop_oneof![vulnerabilities, policy];
    let unknown = (
        rarely("packageType", &["npm", "pypi", ""]),
        rarely("org", &["x", ""]),
        rarely("exported_org", &["y"]),
    );
    let sample = (0..FAMILIES.len(), labels, unknown, 0u64..4);
    let sample = sample.prop_flat_map(|(family, mut labels, (a, b, c), value)| {
        labels.extend([a, b, c]);
        let labels: Vec<_> = labels.into_iter().flatten().collect();
        (Just(family), Just(labels).prop_shuffle(), Just(value))
    });
    let sample = sample.prop_map(|(family, labels, value)| {
        let is_empty_stream = FAMILIES[family] == scout::STREAM_EMPTY;
        let value = if is_empty_stream { 1 } else { value };
        let labels = labels
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        RawSample::new(FAMILIES[family], labels.collect(), value as f64)
    });
    prop::collection::vec(sample, 0..40)
}

fn text_of(samples: &[RawSample]) -> String {
    let mut text = String::new();
    for sample in samples {
        let labels = sample.labels().iter().map(|(name, value)| {
            let value = value
                .replace('\\', r"\\")
                .replace('"', "\\\"")
                .replace('\n', r"\n");
            format!("{name}=\"{value}\"")
        });
        let labels: Vec<_> = labels.collect();
        writeln!(
            text,
            "{}{{{}}} {}",
            sample.name(),
            labels.join(","),
            sample.value()
        )
        .unwrap();
    }
    text
}

/// Returns the first value of each series, and how many samples repeat one.
fn first_values(samples: &[RawSample]) -> (Values, usize) {
    let mut values = Values::new();
    for sample in samples {
        values
            .entry(series_of(sample))
            .or_insert(sample.value() as u64);
    }
    let repeats = samples.len() - values.len();
    (values, repeats)
}

fn insert(values: &mut Values, series: Series, value: u64) {
    assert_eq!(
        values.insert(series.clone(), value),
        None,
        "{series:?} occurs once"
    );
}

/// Returns the series of a snapshot: those of its streams and its unplaced samples.
fn values_of(snapshot: &Snapshot) -> Values {
    let mut values = Values::new();
    for stream in snapshot.streams() {
        add_stream(&mut values, stream);
    }
    let unplaced = snapshot
        .anomalies()
        .iter()
        .filter(|anomaly| anomaly.is_unplaced());
    for sample in unplaced.filter_map(Anomaly::sample) {
        insert(&mut values, series_of(sample), sample.value() as u64);
    }
    values
}

fn add_stream(values: &mut Values, stream: &Stream) {
    let name = ("streamName", stream.name().as_str());
    let counts = stream.vulnerabilities();
    let known = counts
        .iter()
        .map(|(severity, count)| (severity.as_str(), count));
    for (severity, count) in known.chain(counts.unrecognized()) {
        let labels = [name, ("severity", severity)];
        insert(values, series(scout::STREAM_VULNERABILITIES, labels), count);
    }
    for result in stream.policies() {
        let policy = result.policy();
        let labels = [
            ("id", policy.id().as_str()),
            ("displayName", policy.display_name()),
            name,
        ];
        let compliant = series(scout::POLICY_COMPLIANT_IMAGES, labels);
        insert(values, compliant, result.compliant());
        let evaluated = series(scout::POLICY_EVALUATED_IMAGES, labels);
        insert(values, evaluated, result.evaluated());
    }
    if counts.is_empty() && stream.policies().is_empty() {
        insert(values, series(scout::STREAM_EMPTY, [name]), 1);
    }
}

/// Returns the series of a text.
fn values_in(text: &[u8], format: Format) -> Values {
    let mut values = Values::new();
    let mut parser = Parser::new(text, &ParseOptions::new(format)).unwrap();
    while let Some(event) = parser.next_event().unwrap() {
        if let Event::Sample(sample) = event {
            let labels: Vec<_> = sample
                .labels()
                .map(|(name, value)| (name.decode(), value.decode()))
                .collect();
            let labels = labels.iter().map(|(name, value)| (&**name, &**value));
            let series = series(&sample.name().decode(), labels);
            insert(&mut values, series, sample.value() as u64);
        }
    }
    values
}

/// Returns the series with a constant label `org`, and their own label of that name renamed.
fn with_org(values: &Values, org: &str) -> Values {
    let with_org = |(name, labels): &Series| {
        let has_exported = labels.iter().any(|(name, _)| name == "exported_org");
        let renamed = if has_exported {
            "exported_exported_org"
        } else {
            "exported_org"
        };
        let labels = labels.iter().map(|(name, value)| match name.as_str() {
            "org" => (renamed, value.as_str()),
            name => (name, value.as_str()),
        });
        series(name, labels.chain([("org", org)]))
    };
    values
        .iter()
        .map(|(series, value)| (with_org(series), *value))
        .collect()
}

fn reader(format: Format) -> SnapshotReader {
    SnapshotReader::new(Organization::new("acme").unwrap()).with_format(format)
}

fn sorted(snapshot: &Snapshot) -> Vec<Stream> {
    let mut streams = snapshot.streams().to_vec();
    streams.sort_by(|a, b| a.name().cmp(b.name()));
    streams
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn each_sample_is_in_the_snapshot_and_in_what_is_written(samples in samples()) {
        let (expected, repeats) = first_values(&samples);
        let snapshot = reader(Format::Prometheus).read(text_of(&samples).as_bytes()).unwrap();
        prop_assert_eq!(&values_of(&snapshot), &expected);
        let is_duplicate = |anomaly: &&Anomaly| anomaly.kind() == AnomalyKind::DuplicateSample;
        prop_assert_eq!(snapshot.anomalies().iter().filter(is_duplicate).count(), repeats);

        for format in [Format::OpenMetrics, Format::Prometheus] {
            let written = scout::encode(&snapshot, format);
            prop_assert_eq!(&values_in(written.body(), format), &expected);
            let read = reader(format).read(written.body()).unwrap();
            prop_assert_eq!(sorted(&read), sorted(&snapshot));
            prop_assert_eq!(&values_of(&read), &expected);
        }
    }

    #[test]
    fn each_sample_of_several_snapshots_is_written(one in samples(), two in samples()) {
        let snapshots = [one, two].map(|samples| {
            reader(Format::Prometheus).read(text_of(&samples).as_bytes()).unwrap()
        });
        let labels = [[("org", "acme")], [("org", "apex")]];
        let mut expected = Values::new();
        for (snapshot, labels) in snapshots.iter().zip(&labels) {
            expected.extend(with_org(&values_of(snapshot), labels[0].1));
        }
        for format in [Format::OpenMetrics, Format::Prometheus] {
            let mut encoder = Encoder::new(String::new(), format);
            let parts = snapshots.iter().zip(labels.iter().map(<[_; 1]>::as_slice));
            scout::encode_into(&mut encoder, parts).unwrap();
            let written = encoder.finish().unwrap();
            prop_assert_eq!(&values_in(written.as_bytes(), format), &expected);
            for family in FAMILIES {
                let metadata = format!("# TYPE {family} ");
                prop_assert!(written.matches(&metadata).count() <= 1);
            }
        }
    }
}
