//! How long does it take to make a write request of families, compared with prost's own encoding of the finished message?

use std::{hint::black_box, time::SystemTime};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prost::Message;
use scout_metrics_benches::scout;
use scout_metrics_http::remote_write::{ProtocolVersion, encode};
use scout_metrics_openmetrics::{Format, Limits, MetricFamily, ParseOptions, parse_families};

/// `prometheus.WriteRequest`, as far as our messages have it.
mod v1 {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Request {
        #[prost(message, repeated, tag = "1")]
        pub(crate) timeseries: Vec<Series>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Series {
        #[prost(message, repeated, tag = "1")]
        pub(crate) labels: Vec<Label>,
        #[prost(message, repeated, tag = "2")]
        pub(crate) samples: Vec<Sample>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Label {
        #[prost(string, tag = "1")]
        pub(crate) name: String,
        #[prost(string, tag = "2")]
        pub(crate) value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Sample {
        #[prost(double, tag = "1")]
        pub(crate) value: f64,
        #[prost(int64, tag = "2")]
        pub(crate) timestamp: i64,
    }
}

/// `io.prometheus.write.v2.Request`, as far as our messages have it.
mod v2 {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Request {
        #[prost(string, repeated, tag = "4")]
        pub(crate) symbols: Vec<String>,
        #[prost(message, repeated, tag = "5")]
        pub(crate) timeseries: Vec<Series>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Series {
        #[prost(uint32, repeated, tag = "1")]
        pub(crate) labels: Vec<u32>,
        #[prost(message, repeated, tag = "2")]
        pub(crate) samples: Vec<super::v1::Sample>,
        #[prost(message, optional, tag = "5")]
        pub(crate) metadata: Option<Metadata>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Metadata {
        #[prost(int32, tag = "1")]
        pub(crate) kind: i32,
        #[prost(uint32, tag = "3")]
        pub(crate) help: u32,
        #[prost(uint32, tag = "4")]
        pub(crate) unit: u32,
    }
}

fn families(text: &str) -> Vec<MetricFamily> {
    let options = ParseOptions::new(Format::Prometheus).with_limits(Limits::unlimited());
    let families = parse_families(text.as_bytes(), &options);
    families.expect("the input is good").into_vec()
}

fn bench_version<M: Message + Default>(
    criterion: &mut Criterion,
    version: ProtocolVersion,
    samples: usize,
    series: impl Fn(&M) -> usize,
) {
    let families = families(&scout(samples));
    let ours = || encode(black_box(&families), version, SystemTime::UNIX_EPOCH);
    let encoded = ours().expect("all names are good");
    let message = M::decode(&*encoded).expect("the message is good");
    assert_eq!(series(&message), samples);
    assert_eq!(message.encode_to_vec(), encoded);

    let mut group = criterion.benchmark_group(format!("remote-write-{version}-{samples}"));
    group.throughput(Throughput::Elements(samples as u64));
    group.sample_size(10);
    group.bench_function("families to bytes", |b| b.iter(ours));
    group.bench_function("peer: prost, message to bytes", |b| {
        b.iter(|| black_box(&message).encode_to_vec())
    });
    group.bench_function("snappy", |b| {
        b.iter(|| snap::raw::Encoder::new().compress_vec(black_box(&encoded)))
    });
    group.finish();
    let compressed = snap::raw::Encoder::new().compress_vec(&encoded);
    let compressed = compressed.expect("the message is small").len();
    println!(
        "{version}, {samples} samples: {} bytes, compressed {compressed}",
        encoded.len()
    );
}

fn bench(criterion: &mut Criterion) {
    for samples in [236, 20_000] {
        bench_version(
            criterion,
            ProtocolVersion::V1,
            samples,
            |request: &v1::Request| request.timeseries.len(),
        );
        bench_version(
            criterion,
            ProtocolVersion::V2,
            samples,
            |request: &v2::Request| request.timeseries.len(),
        );
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
