//! How large is a year of hourly snapshots in a SQLite file, how long does recording one take, and how long finding one?

use std::{
    hint::black_box,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use fastrand::Rng;
use scout_metrics_benches::scout;
use scout_metrics_core::{
    History, Organization, PolicyResult, RecordHistory, Severity, Snapshot, SqliteHistory, Stream,
    VulnerabilityCounts,
};
use scout_metrics_openmetrics::scout::SnapshotReader;
use tokio::runtime::{Builder, Runtime};

const HOUR: Duration = Duration::from_secs(3600);
const YEAR: u32 = 365 * 24;
const SAMPLES: usize = 236;

fn hour(n: u32) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000) + n * HOUR
}

fn organization() -> Organization {
    Organization::new("acme").expect("the name is valid")
}

/// An organization over time: each count changes with this probability from one hour to the next.
struct Hours {
    rng: Rng,
    probability: f64,
    snapshot: Snapshot,
    hour: u32,
}

impl Hours {
    fn new(probability: f64) -> Self {
        let reader = SnapshotReader::new(organization());
        let snapshot = reader.read(scout(SAMPLES).as_bytes());
        Self {
            rng: Rng::with_seed(1),
            probability,
            snapshot: snapshot.expect("the input is good"),
            hour: 0,
        }
    }

    fn next(&mut self) -> Snapshot {
        let before = self.snapshot.clone();
        let streams = before.streams().iter().map(|stream| self.change(stream));
        let streams: Vec<Stream> = streams.collect();
        let snapshot = Snapshot::new(organization(), streams).expect("the names are good");
        self.snapshot = snapshot.with_scraped_at(hour(self.hour));
        self.hour += 1;
        self.snapshot.clone()
    }

    fn change(&mut self, stream: &Stream) -> Stream {
        let mut counts = VulnerabilityCounts::new();
        for severity in Severity::ALL {
            if let Some(count) = stream.vulnerabilities().get(severity) {
                let count = self.step(count);
                counts = counts.with(severity, count).expect("the count is small");
            }
        }
        let mut changed = Stream::new(stream.name().clone()).with_vulnerabilities(counts);
        for result in stream.policies() {
            let compliant = self.step(result.compliant());
            let result = PolicyResult::new(result.policy().clone(), compliant, result.evaluated());
            changed = changed.with_policy(result.expect("the counts are small"));
        }
        changed
    }

    fn step(&mut self, count: u64) -> u64 {
        match self.rng.f64() < self.probability {
            true => (count + self.rng.u64(0..3)).saturating_sub(1),
            false => count,
        }
    }
}

fn bench_year(criterion: &mut Criterion, runtime: &Runtime, probability: f64) {
    let directory = tempfile::tempdir().expect("the directory can be created");
    let path = directory.path().join("scout.db");
    let opened = runtime.block_on(SqliteHistory::open(&path));
    let history = opened.expect("the file can be created");
    let mut hours = Hours::new(probability);
    let mut samples = Vec::new();
    for n in 0..YEAR {
        let snapshot = hours.next();
        let recorded = runtime.block_on(history.record(&snapshot));
        recorded.expect("the snapshot can be recorded");
        if n % 97 == 0 {
            samples.push(snapshot);
        }
    }
    let bytes = std::fs::metadata(&path).expect("the file exists").len();
    let percent = probability * 100.0;
    println!("a year, {percent} % of the counts changing each hour: {bytes} bytes");

    let mut group = criterion.benchmark_group(format!("history/{percent} % change"));
    group.bench_function("at", |b| {
        let mut rng = Rng::with_seed(2);
        b.iter(|| {
            let expected = rng.choice(&samples).expect("there are samples");
            let time = expected.scraped_at() + HOUR / 2;
            let found = runtime.block_on(history.at(&organization(), time, HOUR));
            let found = found.expect("the file is good");
            assert_eq!(black_box(found).as_ref(), Some(expected));
        });
    });
    group.bench_function("record", |b| {
        b.iter_batched(
            || hours.next(),
            |snapshot| {
                let recorded = runtime.block_on(history.record(&snapshot));
                recorded.expect("the snapshot can be recorded");
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn bench_history(criterion: &mut Criterion) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("threads can be started");
    for probability in [0.02, 0.2] {
        bench_year(criterion, &runtime, probability);
    }
}

criterion_group!(benches, bench_history);
criterion_main!(benches);
