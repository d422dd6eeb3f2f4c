//! How large is a report of 90 days of an organization with 5 to 2,000 streams, how long does reading the history take,
//! and how long writing the file?

use std::{
    hint::black_box,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use criterion::{Criterion, criterion_group, criterion_main};
use fastrand::Rng;
use scout_metrics_core::{
    MemoryHistory, Organization, Policy, PolicyResult, RecordHistory, Result, Snapshot, Stream,
};
use scout_metrics_http::html::Report;
use tokio::runtime::Builder;

const DAY: Duration = Duration::from_secs(24 * 3600);
const DAYS: u32 = 90;
const POLICIES: [&str; 5] = [
    "No fixable critical or high vulnerabilities",
    "Default non-root user",
    "Supply chain attestations",
    "No stale base images",
    "No copyleft licenses",
];

fn day(n: u32) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_737_600) + n * DAY
}

fn organization() -> Result<Organization> {
    Organization::new("acme")
}

fn snapshot(rng: &mut Rng, streams: usize, n: u32) -> Result<Snapshot> {
    let streams: Result<Vec<Stream>> = (0..streams).map(|number| stream(rng, number)).collect();
    Ok(Snapshot::new(organization()?, streams?)?.with_scraped_at(day(n)))
}

/// A stream whose counts are other ones each day, which makes the longest lines.
fn stream(rng: &mut Rng, number: usize) -> Result<Stream> {
    let counts = [4, 37, 130, 310, 6].map(|most| rng.u64(0..most));
    let [critical, high, medium, low, unspecified] = counts;
    let counts = format!("{critical}C {high}H {medium}M {low}L {unspecified}?").parse()?;
    let stream = Stream::new(format!("environment-{number}")).with_vulnerabilities(counts);
    POLICIES.iter().try_fold(stream, |stream, name| {
        let result = PolicyResult::new(Policy::new(*name, name), rng.u64(16..=20), 20)?;
        Ok(stream.with_policy(result))
    })
}

async fn history(streams: usize) -> Result<MemoryHistory> {
    let mut rng = Rng::with_seed(1);
    let history = MemoryHistory::new();
    for n in 0..=DAYS {
        history.record(&snapshot(&mut rng, streams, n)?).await?;
    }
    Ok(history)
}

async fn report(history: &MemoryHistory) -> Result<Report> {
    let mut report = Report::new().with_created(day(DAYS));
    report
        .add_history(history, &organization()?, DAY * DAYS)
        .await?;
    Ok(report)
}

fn reports(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread()
        .build()
        .expect("a runtime needs no I/O");
    let mut group = criterion.benchmark_group("report");
    for streams in [5, 50, 200, 2000] {
        let history = runtime
            .block_on(history(streams))
            .expect("the data is valid");
        let read = || {
            runtime
                .block_on(report(&history))
                .expect("the history has snapshots")
        };
        let finished = read();
        let html = finished.to_string();
        assert_eq!(html.matches("<td class=\"spark\">").count(), streams);
        assert!(streams > 50 || html.len() < 300_000, "{}", html.len());
        println!("report/{streams}: {} bytes", html.len());
        group.bench_function(format!("read/{streams}"), |bencher| bencher.iter(&read));
        group.bench_function(format!("write/{streams}"), |bencher| {
            bencher.iter(|| black_box(finished.to_string()));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = reports
}
criterion_main!(benches);
