//! How many bytes of the protobuf format are read a second, compared with prost into owned messages and with the text of the
//! same samples?

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prost::Message;
use scout_metrics_benches::{histograms, scout};
use scout_metrics_openmetrics::{
    ContentType, Event, Format, Limits, MetricFamily, ParseOptions, encode_families,
    parse_families,
    protobuf::{MetricValue, Parser},
    transcode_lossy,
};

/// `io.prometheus.client`, as far as the inputs have it.
mod messages {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Family {
        #[prost(string, optional, tag = "1")]
        pub(crate) name: Option<String>,
        #[prost(string, optional, tag = "2")]
        pub(crate) help: Option<String>,
        #[prost(int32, optional, tag = "3")]
        pub(crate) kind: Option<i32>,
        #[prost(message, repeated, tag = "4")]
        pub(crate) metric: Vec<Metric>,
        #[prost(string, optional, tag = "5")]
        pub(crate) unit: Option<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Metric {
        #[prost(message, repeated, tag = "1")]
        pub(crate) label: Vec<Label>,
        #[prost(message, optional, tag = "2")]
        pub(crate) gauge: Option<Number>,
        #[prost(message, optional, tag = "7")]
        pub(crate) histogram: Option<Histogram>,
        #[prost(int64, optional, tag = "6")]
        pub(crate) timestamp_ms: Option<i64>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Label {
        #[prost(string, optional, tag = "1")]
        pub(crate) name: Option<String>,
        #[prost(string, optional, tag = "2")]
        pub(crate) value: Option<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Number {
        #[prost(double, optional, tag = "1")]
        pub(crate) value: Option<f64>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Histogram {
        #[prost(uint64, optional, tag = "1")]
        pub(crate) sample_count: Option<u64>,
        #[prost(double, optional, tag = "2")]
        pub(crate) sample_sum: Option<f64>,
        #[prost(message, repeated, tag = "3")]
        pub(crate) bucket: Vec<Bucket>,
        #[prost(message, optional, tag = "15")]
        pub(crate) created: Option<Timestamp>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Bucket {
        #[prost(uint64, optional, tag = "1")]
        pub(crate) cumulative_count: Option<u64>,
        #[prost(double, optional, tag = "2")]
        pub(crate) upper_bound: Option<f64>,
        #[prost(message, optional, tag = "3")]
        pub(crate) exemplar: Option<Exemplar>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Exemplar {
        #[prost(message, repeated, tag = "1")]
        pub(crate) label: Vec<Label>,
        #[prost(double, optional, tag = "2")]
        pub(crate) value: Option<f64>,
        #[prost(message, optional, tag = "3")]
        pub(crate) timestamp: Option<Timestamp>,
    }

    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub(crate) struct Timestamp {
        #[prost(int64, optional, tag = "1")]
        pub(crate) seconds: Option<i64>,
        #[prost(int32, optional, tag = "2")]
        pub(crate) nanos: Option<i32>,
    }
}

/// The number of numbers that a reader finds, and of bytes of labels.
type Found = (usize, usize);

fn pull(exposition: &[u8]) -> Found {
    let (mut numbers, mut bytes) = (0, 0);
    let mut length = |labels: &[(&str, &str)]| -> () {
        bytes += labels
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum::<usize>();
    };
    let mut parser = Parser::with_limits(exposition, &Limits::unlimited());
    while let Some(mut family) = parser.next_family().expect("the input is good") {
        while let Some(metric) = family.next_metric().expect("the input is good") {
            length(metric.labels());
            match metric.value() {
                MetricValue::Histogram(histogram) => {
                    for bucket in histogram.buckets() {
                        numbers += 1;
                        if let Some(exemplar) = bucket.exemplar {
                            length(exemplar.labels());
                        }
                    }
                }
                _ => numbers += 1,
            }
        }
    }
    (numbers, bytes)
}

fn prost_families(mut exposition: &[u8]) -> Vec<messages::Family> {
    let mut families = Vec::new();
    while !exposition.is_empty() {
        let family = messages::Family::decode_length_delimited(&mut exposition);
        families.push(family.expect("the input is good"));
    }
    families
}

fn find_in_prost(families: &[messages::Family]) -> Found {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let length = |labels: &[messages::Label]| -> usize {
        labels
            .iter()
            .map(|label| text(&label.name) + text(&label.value))
            .sum()
    };
    let (mut numbers, mut bytes) = (0, 0);
    for metric in families.iter().flat_map(|family| &family.metric) {
        bytes += length(&metric.label);
        let buckets = metric
            .histogram
            .iter()
            .flat_map(|histogram| &histogram.bucket);
        numbers += usize::from(metric.gauge.is_some());
        for bucket in buckets {
            numbers += 1;
            bytes += bucket
                .exemplar
                .as_ref()
                .map_or(0, |exemplar| length(&exemplar.label));
        }
    }
    (numbers, bytes)
}

fn pull_text(text: &str, options: &ParseOptions) -> usize {
    let mut parser = scout_metrics_openmetrics::Parser::from_text(text, options);
    let mut samples = 0;
    while let Some(event) = parser.next_event().expect("the input is good") {
        samples += usize::from(matches!(event, Event::Sample(_)));
    }
    samples
}

fn protobuf(criterion: &mut Criterion) {
    for (name, format, text) in [
        ("scout-20k", Format::Prometheus, scout(20_000)),
        ("histograms", Format::OpenMetrics, histograms(1 << 20)),
    ] {
        let options = ParseOptions::new(format).with_limits(Limits::unlimited());
        let families = parse_families(text.as_bytes(), &options);
        let families = families.expect("the input is good").into_vec();
        let (exposition, _) =
            transcode_lossy(&families, ContentType::PROTOBUF).expect("names are not empty");
        let body = exposition.body();
        let binary = ParseOptions::new(Format::Protobuf).with_limits(Limits::unlimited());
        let read = parse_families(body, &binary)
            .expect("it was written by us")
            .into_vec();
        assert_eq!(pull(body), find_in_prost(&prost_families(body)));

        let mut group = criterion.benchmark_group(format!("protobuf/{name}"));
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function("pull", |bencher| bencher.iter(|| pull(black_box(body))));
        group.bench_function("prost", |bencher| {
            bencher.iter(|| prost_families(black_box(body)))
        });
        group.bench_function("families", |bencher| {
            bencher
                .iter(|| parse_families(black_box(body), &binary).expect("it was written by us"));
        });
        group.bench_function("encode", |bencher| {
            bencher.iter(|| encode(black_box(&read)))
        });
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("text-pull", |bencher| {
            bencher.iter(|| pull_text(black_box(&text), &options));
        });
        group.finish();
    }
}

fn encode(families: &[MetricFamily]) -> usize {
    let exposition = encode_families(families, ContentType::PROTOBUF);
    exposition
        .expect("it was read from the format")
        .body()
        .len()
}

criterion_group!(benches, protobuf);
criterion_main!(benches);
