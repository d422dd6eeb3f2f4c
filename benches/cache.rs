//! How long does a read from memory take, with one reader and with several?

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use scout_metrics_benches::scout;
use scout_metrics_core::{
    MemorySource, MetricsSource, MetricsSourceExt, Organization, Poller, Snapshot,
};
use scout_metrics_openmetrics::scout::SnapshotReader;
use tokio::runtime::{Builder, Runtime};

const HOUR: Duration = Duration::from_secs(3600);

const SAMPLES: usize = 236;

fn memory() -> MemorySource {
    let reader = SnapshotReader::new(Organization::new("acme").expect("the name is valid"));
    let snapshot = reader.read(scout(SAMPLES).as_bytes());
    MemorySource::new(snapshot.expect("the input is good"))
}

/// One thread for each of so many readers.
fn runtime(readers: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(readers)
        .enable_time()
        .build()
        .expect("threads can be started")
}

/// Scrapes so often, and returns how long that took.
async fn scrapes(source: impl MetricsSource, number: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..number {
        black_box(read(&source).await);
    }
    start.elapsed()
}

async fn read(source: &impl MetricsSource) -> Snapshot {
    source.scrape().await.expect("the source answers")
}

/// Scrapes so often in each of several tasks, and returns how long the slowest took.
async fn scrapes_beside(
    source: &(impl MetricsSource + Clone),
    tasks: usize,
    each: u64,
) -> Duration {
    let tasks: Vec<_> = (0..tasks)
        .map(|_| tokio::spawn(scrapes(source.clone(), each)))
        .collect();
    let mut slowest = Duration::ZERO;
    for task in tasks {
        slowest = slowest.max(task.await.expect("the task does not panic"));
    }
    slowest
}

fn bench_scrape(criterion: &mut Criterion, name: &str, source: &(impl MetricsSource + Clone)) {
    let mut group = criterion.benchmark_group(name);
    for readers in [1, 2] {
        let runtime = runtime(readers);
        let snapshot = runtime.block_on(read(source));
        assert!(runtime.block_on(read(source)).is_same(&snapshot));
        group.bench_function(format!("{readers} readers"), |b| {
            b.iter_custom(|each| runtime.block_on(scrapes_beside(source, readers, each)));
        });
    }
    group.finish();
}

fn bench_reads(criterion: &mut Criterion) {
    bench_scrape(criterion, "memory", &memory());
    bench_scrape(criterion, "cached", &memory().cached(HOUR));

    let background = runtime(1);
    let poller = background.block_on(async { Poller::builder(memory()).spawn() });
    bench_scrape(criterion, "poller", &poller);
    let snapshot = background.block_on(read(&poller));
    criterion.bench_function("poller/current", |b| {
        b.iter(|| {
            let current = black_box(&poller).current();
            assert!(current.is_some_and(|current| current.is_same(&snapshot)));
        });
    });
}

criterion_group!(benches, bench_reads);
criterion_main!(benches);
