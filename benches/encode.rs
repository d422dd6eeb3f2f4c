//! How many bytes a second are written, by us and by the peers, of the same samples?

use std::{fmt::Write, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prometheus::{IntGaugeVec, Opts, TextEncoder};
use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use scout_metrics_benches::scout;
use scout_metrics_core::{Organization, Snapshot};
use scout_metrics_openmetrics::{
    Encoder, Format, Limits, MetricFamily, ParseOptions, Sample, encode_families, parse_families,
    scout::{SnapshotReader, encode},
};

fn snapshot(text: &str) -> Snapshot {
    let reader = SnapshotReader::new(Organization::new("acme").expect("the name is valid"));
    let reader = reader.with_limits(Limits::unlimited());
    reader.read(text.as_bytes()).expect("the input is good")
}

fn families(text: &str) -> Vec<MetricFamily> {
    let options = ParseOptions::new(Format::Prometheus).with_limits(Limits::unlimited());
    let families = parse_families(text.as_bytes(), &options);
    families.expect("the input is good").into_vec()
}

fn encode_by_parts<W: Write>(families: &[MetricFamily], out: W) -> W {
    let mut encoder = Encoder::new(out, Format::Prometheus);
    for family in families {
        let (name, help) = (family.name(), family.help());
        let written = encoder.family(name, family.kind(), help, family.unit());
        written.expect("the format has gauges");
        for sample in family.samples() {
            let written = encoder.sample(name, sample.labels().iter(), sample.value());
            written.expect("the names are plain");
        }
    }
    encoder.finish().expect("there is memory")
}

fn labels<'s>(sample: &'s Sample, names: &[&'static str]) -> Vec<(&'static str, &'s str)> {
    let value = |name| {
        let value = sample.labels().get(name);
        (name, value.expect("each sample has each label"))
    };
    names.iter().copied().map(value).collect()
}

const LABELS: [(&str, &[&str]); 3] = [
    ("scout_stream_vulnerabilities", &["streamName", "severity"]),
    (
        "scout_policy_compliant_images",
        &["id", "displayName", "streamName"],
    ),
    (
        "scout_policy_evaluated_images",
        &["id", "displayName", "streamName"],
    ),
];

fn names_of(family: &MetricFamily) -> &'static [&'static str] {
    let known = LABELS.iter().find(|(name, _)| *name == family.name());
    known.expect("the family is one of Docker Scout's").1
}

fn prometheus_client_registry(families: &[MetricFamily]) -> Registry {
    let mut registry = Registry::default();
    for family in families {
        let gauges = Family::<Vec<(&str, String)>, Gauge>::default();
        for sample in family.samples() {
            let labels = labels(sample, names_of(family));
            let owned = labels.iter().map(|(name, value)| (*name, (*value).into()));
            let gauge = gauges.get_or_create_owned(&owned.collect());
            gauge.set(sample.value() as i64);
        }
        registry.register(family.name(), family.help().trim_end_matches('.'), gauges);
    }
    registry
}

fn prometheus_client_encode(registry: &Registry) -> String {
    let mut out = String::new();
    prometheus_client::encoding::text::encode(&mut out, registry).expect("there is memory");
    out
}

fn prometheus_registry(families: &[MetricFamily]) -> prometheus::Registry {
    let registry = prometheus::Registry::new();
    for family in families {
        let names = names_of(family);
        let gauges = IntGaugeVec::new(Opts::new(family.name(), family.help()), names)
            .expect("the names are plain");
        for sample in family.samples() {
            let values: Vec<&str> = labels(sample, names).iter().map(|label| label.1).collect();
            gauges.with_label_values(&values).set(sample.value() as i64);
        }
        let registered = registry.register(Box::new(gauges));
        registered.expect("each family is registered once");
    }
    registry
}

/// Gathering is part of it: there is no other way to the text.
fn prometheus_encode(registry: &prometheus::Registry) -> String {
    let encoded = TextEncoder::new().encode_to_string(&registry.gather());
    encoded.expect("there is memory")
}

/// Returns the samples that a text holds, in one order.
fn samples(text: &str) -> Vec<String> {
    let sample = |line: &str| (!line.starts_with('#')).then(|| sorted_labels(line));
    let mut samples: Vec<String> = text.lines().filter_map(sample).collect();
    samples.sort();
    samples
}

/// Puts the labels of a line in order; the peers sort them, each in its way. No value here has `",` or `}` in it.
fn sorted_labels(line: &str) -> String {
    let (name, rest) = line.split_once('{').expect("each sample has labels");
    let (labels, value) = rest.split_once('}').expect("the labels end");
    let mut labels: Vec<&str> = labels.trim_end_matches('"').split("\",").collect();
    labels.sort_unstable();
    format!("{name}{labels:?}{value}")
}

fn bench(criterion: &mut Criterion) {
    for count in [145, 20_000, 200_000] {
        let text = scout(count);
        let (snapshot, families) = (snapshot(&text), families(&text));
        let client = prometheus_client_registry(&families);
        let registry = prometheus_registry(&families);
        let whole = encode_families(&families, Format::Prometheus).expect("all are gauges");
        let by_parts = encode_by_parts(&families, String::new());
        assert_eq!(by_parts, text);
        assert_eq!(whole.body(), text.as_bytes());
        let expected = samples(&text);
        assert_eq!(expected.len(), count);
        let encoded = encode(&snapshot, Format::Prometheus).into_body();
        let encoded = std::str::from_utf8(&encoded).expect("an exposition is UTF-8");
        assert_eq!(samples(encoded), expected);
        assert_eq!(samples(&prometheus_client_encode(&client)), expected);
        assert_eq!(samples(&prometheus_encode(&registry)), expected);

        let mut group = criterion.benchmark_group(format!("encode-scout-{count}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.sample_size(10);
        group.bench_function("snapshot", |b| {
            b.iter(|| encode(black_box(&snapshot), Format::Prometheus))
        });
        group.bench_function("encoder", |b| {
            b.iter(|| encode_by_parts(black_box(&families), String::new()))
        });
        let mut buffer = by_parts;
        group.bench_function("encoder, reused memory", |b| {
            b.iter(|| {
                buffer.clear();
                encode_by_parts(black_box(&families), &mut buffer).len()
            })
        });
        group.bench_function("families, checked", |b| {
            b.iter(|| encode_families(black_box(&families), Format::Prometheus))
        });
        group.bench_function("peer: prometheus-client", |b| {
            b.iter(|| prometheus_client_encode(black_box(&client)))
        });
        group.bench_function("peer: prometheus", |b| {
            b.iter(|| prometheus_encode(black_box(&registry)))
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
