//! The crate prometheus-parse reads the same as we read and convert, wherever it reads correctly.

use prometheus_parse::Scrape;
use proptest::prelude::*;
use scout_metrics_openmetrics::{
    Exemplar, Format, LabelSet, MetricFamily, MetricType, ParseOptions, Sample, Suffix, Timestamp,
    bridge::prometheus_parse::{from_scrape, to_scrape},
    encode_families, parse_families,
};

const SCRAPED_AT: Timestamp = Timestamp::from_millis(1_700_000_000_123);

const ALL_TYPES: &str = r#"# HELP requests_total Requests served.
# TYPE requests_total counter
requests_total{code="200",method="get"} 1027 1395066363000
requests_total{code="500",method="get"} 3
# HELP temperature Of the room.
# TYPE temperature gauge
temperature -3.5e-2
# no type and no help
load1{host="a b"} +Inf
load1{host=""} NaN
# HELP latency_seconds Latencies.
# TYPE latency_seconds histogram
latency_seconds_bucket{path="/a",le="0.5"} 1
latency_seconds_bucket{path="/a",le="+Inf"} 4
latency_seconds_sum{path="/a"} 3.25
latency_seconds_count{path="/a"} 4
latency_seconds_bucket{path="/b",le="0.5"} 0
latency_seconds_bucket{path="/b",le="+Inf"} 0
latency_seconds_sum{path="/b"} 0
latency_seconds_count{path="/b"} 0
# TYPE pause_seconds summary
pause_seconds{quantile="0"} 0.25
pause_seconds{quantile="0.5"} 0.5
pause_seconds_sum 10
pause_seconds_count 12
"#;

fn families(text: &str) -> Vec<MetricFamily> {
    let families = parse_families(text.as_bytes(), &ParseOptions::new(Format::Prometheus));
    families.expect("the text is good").into_vec()
}

fn read_by_peer(text: &str) -> Scrape {
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scraped_at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_700_000_000_123);
    Scrape::parse_at(lines, scraped_at.into()).expect("lines in memory can be read")
}

/// Returns samples as text in one order, because prometheus-parse has none; NaN equals NaN in it.
fn samples(scrape: &Scrape) -> Vec<String> {
    let shown = |sample: &prometheus_parse::Sample| {
        let (name, labels) = (&sample.metric, sample.labels.to_string());
        format!(
            "{name}{{{labels}}} {:?} {:?}",
            sample.value, sample.timestamp
        )
    };
    let mut samples: Vec<String> = scrape.samples.iter().map(shown).collect();
    samples.sort();
    samples
}

#[test]
fn both_read_the_same_samples_types_and_docs() {
    let (ours, theirs) = (
        to_scrape(&families(ALL_TYPES), SCRAPED_AT).unwrap(),
        read_by_peer(ALL_TYPES),
    );
    assert_eq!(samples(&ours), samples(&theirs));
    assert_eq!(ours.docs, theirs.docs);
    assert_eq!(ours.samples.len(), 14);
}

#[test]
fn families_come_back_sorted_by_name_with_their_series_together() {
    let scrape = read_by_peer(ALL_TYPES);
    let mut expected = families(ALL_TYPES);
    expected.sort_by(|a, b| a.name().cmp(b.name()));
    for (family, expected) in from_scrape(&scrape, SCRAPED_AT).iter().zip(&expected) {
        assert_eq!(family.name(), expected.name());
        assert_eq!(family.kind(), expected.kind());
        assert_eq!(family.help(), expected.help());
        assert_eq!(sorted(family), sorted(expected));
    }
    assert_eq!(from_scrape(&scrape, SCRAPED_AT).len(), expected.len());
}

fn sorted(family: &MetricFamily) -> Vec<String> {
    let mut samples: Vec<String> = family
        .samples()
        .iter()
        .map(|sample| format!("{sample:?}"))
        .collect();
    samples.sort();
    samples
}

#[test]
fn composite_values_are_converted_as_their_series_are() {
    let series = families(ALL_TYPES);
    let composite: Vec<_> = series
        .iter()
        .map(|family| family.to_composite().expect("the text is good"))
        .collect();
    let [series, composite] =
        [series, composite].map(|families| to_scrape(&families, SCRAPED_AT).unwrap());
    assert_eq!(samples(&composite), samples(&series));
    assert_eq!(composite.docs, series.docs);
}

#[test]
fn a_label_that_would_be_cut_is_an_error() {
    for value in ["a,b", "a=b", "a}b", "\""] {
        let labels = LabelSet::from([("name", value)]);
        let family = MetricFamily::new("up", MetricType::Gauge).with_sample(Sample::new(
            Suffix::None,
            labels,
            1.0,
        ));
        assert_eq!(
            to_scrape(&[family], SCRAPED_AT).unwrap_err().to_string(),
            "prometheus-parse cannot hold a sample of the family `up`: a label is not what it would read",
            "{value:?}"
        );
    }
}

#[test]
fn a_timestamp_beyond_the_calendar_is_an_error() {
    for seconds in [i64::MAX, i64::MIN, 9_000_000_000_000] {
        let sample = Sample::new(Suffix::None, LabelSet::new(), 1.0);
        let sample = sample.with_timestamp(Timestamp::new(seconds, 0).unwrap());
        let family = MetricFamily::new("up", MetricType::Gauge).with_sample(sample);
        assert_eq!(
            to_scrape(&[family], SCRAPED_AT).unwrap_err().to_string(),
            "prometheus-parse cannot hold a sample of the family `up`: the timestamp is beyond its calendar"
        );
    }
}

#[test]
fn the_losses_are_those_that_are_documented() {
    let sample = |suffix| Sample::new(suffix, LabelSet::from([("b", "1"), ("a", "2")]), 1.0);
    let exemplar = Exemplar::new(LabelSet::new(), 1.0);
    let families = [
        MetricFamily::new("x_seconds", MetricType::Counter)
            .with_unit("seconds")
            .with_sample(sample(Suffix::Total).with_exemplar(exemplar))
            .with_sample(sample(Suffix::Created)),
        MetricFamily::new("build", MetricType::Info).with_sample(sample(Suffix::Info)),
        MetricFamily::new("empty", MetricType::Gauge).with_help("Nothing."),
    ];
    let scrape = to_scrape(&families, SCRAPED_AT).unwrap();
    assert_eq!(
        samples(&scrape),
        [
            "build_info{a=\"2\",b=\"1\"} Untyped(1.0) 2023-11-14T22:13:20.123Z",
            "x_seconds_created{a=\"2\",b=\"1\"} Untyped(1.0) 2023-11-14T22:13:20.123Z",
            "x_seconds_total{a=\"2\",b=\"1\"} Counter(1.0) 2023-11-14T22:13:20.123Z",
        ]
    );
    assert_eq!(scrape.docs["empty"], "Nothing.");
    let back = from_scrape(&scrape, SCRAPED_AT);
    let names: Vec<_> = back
        .iter()
        .map(|family| (family.name(), family.kind()))
        .collect();
    assert_eq!(
        names,
        [
            ("build_info", MetricType::Unknown),
            ("x_seconds_created", MetricType::Unknown),
            ("x_seconds_total", MetricType::Counter),
        ]
    );
}

fn gauges() -> impl Strategy<Value = Vec<MetricFamily>> {
    let labels =
        prop::collection::btree_map("[a-z_][a-z0-9_]{0,5}", "[a-zA-Z0-9 /:.é-]{0,9}", 0..4);
    let sample = (
        labels,
        any::<f64>(),
        prop::option::of(0..4_000_000_000_000i64),
    );
    let samples = prop::collection::vec(sample, 1..5);
    prop::collection::btree_map("m[a-z]{1,5}", samples, 0..5).prop_map(|families| {
        let family = |(name, samples): (String, Vec<_>)| {
            let family = MetricFamily::new(name, MetricType::Gauge).with_help("Help.");
            samples
                .into_iter()
                .enumerate()
                .fold(family, |family, (index, sample)| {
                    let (mut labels, value, millis): (std::collections::BTreeMap<_, _>, _, _) =
                        sample;
                    // No series occurs twice.
                    labels.insert("zz".to_owned(), index.to_string());
                    let sample = Sample::new(Suffix::None, labels.iter().collect(), value);
                    family.with_sample(match millis {
                        Some(millis) => sample.with_timestamp(Timestamp::from_millis(millis)),
                        None => sample,
                    })
                })
        };
        families.into_iter().map(family).collect()
    })
}

proptest! {
    #[test]
    fn both_read_the_same_gauges(families in gauges()) {
        let text = encode_families(&families, Format::Prometheus).unwrap();
        let theirs = read_by_peer(std::str::from_utf8(text.body()).unwrap());
        let ours = to_scrape(&families, SCRAPED_AT).unwrap();
        prop_assert_eq!(samples(&ours), samples(&theirs));
        prop_assert_eq!(&ours.docs, &theirs.docs);
        prop_assert_eq!(from_scrape(&ours, SCRAPED_AT), families);
    }
}
