//! How long does a collection through each bridge take, without the work of the library itself, except prometheus-client, to
//! which a collection is writing the text? How long does our own encoder take for the same samples?

mod hosts;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scout_metrics_openmetrics::{Format, scout::encode};

use hosts::{hosts, snapshot};

fn bench(criterion: &mut Criterion) {
    for samples in [236, 20_000] {
        let snapshot = snapshot(samples);
        let mut group = criterion.benchmark_group(format!("collect-scout-{samples}"));
        group.throughput(Throughput::Elements(samples as u64));
        group.sample_size(10);
        for (name, mut collect) in hosts(&snapshot) {
            assert_eq!(collect(), samples, "{name}");
            group.bench_function(name, |b| b.iter(&mut collect));
        }
        group.bench_function("our encoder", |b| {
            b.iter(|| encode(black_box(&snapshot), Format::Prometheus))
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
