//! Every sample that a source received is served.

use super::*;

use std::collections::BTreeMap;

use proptest::prelude::*;
use scout_metrics_openmetrics::{Format, ParseOptions, parse_families, scout::SnapshotReader};

type Sample = (String, BTreeMap<String, String>);

/// The names of metrics: Scout's, one that is unknown, and one of the exporter's own.
const NAMES: [&str; 5] = [
    "scout_stream_vulnerabilities",
    "scout_policy_compliant_images",
    "scout_policy_evaluated_images",
    "scout_later",
    "scout_exporter_up",
];

/// The labels: Scout's, and others that are unknown or renamed by the exporter.
const LABELS: [&str; 7] = [
    "streamName",
    "severity",
    "id",
    "displayName",
    "packageType",
    "org",
    "exported_org",
];

const VALUES: [&str; 6] = ["", "a", "b", "CRITICAL", "HIGH", "BLOCKER"];

/// Series in the form of Scout's, mostly with the labels that belong together and sometimes with others.
fn series() -> impl Strategy<Value = Sample> {
    let label = (0..LABELS.len(), 0..VALUES.len());
    let labels = proptest::collection::vec(label, 0..5);
    (0..NAMES.len(), labels, any::<bool>()).prop_map(|(name, labels, is_complete)| {
        let value = |place: usize| VALUES[1 + place % 2].to_owned();
        let mut all = BTreeMap::new();
        if is_complete {
            all.insert("streamName".to_owned(), value(name));
            let (label, text) = if name == 0 {
                ("severity", VALUES[3 + labels.len() % 3].to_owned())
            } else {
                ("id", value(labels.len()))
            };
            all.insert(label.to_owned(), text);
        }
        for (label, value) in labels {
            all.insert(LABELS[label].to_owned(), VALUES[value].to_owned());
        }
        // An empty label is the same as none.
        all.retain(|_, value| !value.is_empty());
        (NAMES[name].to_owned(), all)
    })
}

fn write(samples: &BTreeMap<Sample, u64>) -> String {
    let mut text = String::new();
    for name in NAMES {
        text += &format!("# TYPE {name} gauge\n");
        for ((_, labels), value) in samples.iter().filter(|((of, _), _)| of == name) {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{value}\""))
                .collect();
            text += &format!("{name}{{{}}} {value}\n", labels.join(","));
        }
    }
    text
}

async fn served(router: &Router, path: &str) -> Vec<(Sample, f64)> {
    let answer = get(router, path).await;
    assert_eq!(answer.status, StatusCode::OK);
    let options = ParseOptions::new(Format::Prometheus);
    let families = parse_families(answer.body.as_bytes(), &options).unwrap();
    let mut samples = Vec::new();
    for family in families.into_vec() {
        for sample in family.samples() {
            let labels = sample.labels().iter();
            let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let labels = labels.filter(|(_, value)| !value.is_empty()).collect();
            let name = format!("{}{}", family.name(), sample.suffix().as_str());
            samples.push(((name, labels), sample.value()));
        }
    }
    samples
}

/// Returns the series as `/metrics` shows it.
fn with_organization((name, labels): &Sample) -> Sample {
    let name = if name.starts_with("scout_exporter") {
        format!("exported_{name}")
    } else {
        name.clone()
    };
    let mut renamed = labels.clone();
    if let Some(value) = renamed.remove("org") {
        let mut label = "exported_org".to_owned();
        while labels.contains_key(&label) {
            label.insert_str(0, "exported_");
        }
        renamed.insert(label, value);
    }
    renamed.insert("org".to_owned(), "acme".to_owned());
    (name, renamed)
}

fn assert_all_are_served(samples: &BTreeMap<Sample, u64>) {
    let reader = SnapshotReader::new(organization("acme"));
    let text = write(samples);
    let snapshot = reader.read(text.as_bytes()).unwrap();
    let exporter = Exporter::new().with_source(MemorySource::new(snapshot));
    let router = exporter.into_router().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (one, all) = runtime.block_on(async {
        (
            served(&router, PATH).await,
            served(&router, "/metrics").await,
        )
    });
    for (series, value) in samples {
        let expected = (series.clone(), *value as f64);
        assert!(is_served(&one, &expected), "{expected:?}\n{text}\n{one:#?}");
        let expected = (with_organization(series), *value as f64);
        assert!(is_served(&all, &expected), "{expected:?}\n{text}\n{all:#?}");
    }
}

/// Returns whether a sample is served. A policy without a display name is shown by its identifier.
fn is_served(served: &[(Sample, f64)], (series, value): &(Sample, f64)) -> bool {
    served.iter().any(|(found, of)| {
        let mut found = found.clone();
        if !series.1.contains_key("displayName") {
            found.1.remove("displayName");
        }
        found == *series && of == value
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_sample_received_is_served(
        series in proptest::collection::btree_map(series(), 0_u64..10, 0..12)
    ) {
        assert_all_are_served(&series);
    }
}

#[test]
fn series_that_differ_in_an_unknown_label_are_both_served() {
    let series = |package: &str| {
        let labels = [
            ("streamName", "a"),
            ("severity", "CRITICAL"),
            ("packageType", package),
        ];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        (NAMES[0].to_owned(), BTreeMap::from(labels))
    };
    assert_all_are_served(&BTreeMap::from([(series("npm"), 0), (series("pypi"), 5)]));
}
