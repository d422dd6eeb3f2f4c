//! How long does the first byte of the wall page take, and how large is the page?
//!
//! The time is that of the router alone, without a network: sources are in memory, and the past of the streams has been
//! read before, as it is once for each snapshot.

use std::{
    hint::black_box,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use scout_metrics_benches::scout;
use scout_metrics_core::{
    MemoryHistory, MemorySource, Organization, RecordHistory, Severity, Snapshot, Stream,
};
use scout_metrics_http::exporter::Exporter;
use scout_metrics_openmetrics::scout::SnapshotReader;
use tokio::runtime::Runtime;
use tower::ServiceExt;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Five severities, and seven policies with two counts each.
const SAMPLES_PER_STREAM: usize = 5 + 2 * 7;

fn snapshot(streams: usize) -> Snapshot {
    let organization = Organization::new("acme").expect("the name is valid");
    let text = scout(streams * SAMPLES_PER_STREAM);
    let read = SnapshotReader::new(organization).read(text.as_bytes());
    let snapshot = read.expect("the input is good");
    assert_eq!(snapshot.streams().len(), streams);
    snapshot
}

/// Returns the snapshot of an earlier day, with high vulnerabilities that came and went.
fn earlier(snapshot: &Snapshot, days: u32) -> Snapshot {
    let streams = snapshot.streams().iter().enumerate();
    let streams = streams.map(|(place, stream)| moved(stream, place as u64 + u64::from(days)));
    let earlier = Snapshot::new(snapshot.organization().clone(), streams);
    let earlier = earlier.expect("the names are good");
    earlier.with_scraped_at(SystemTime::now() - DAY * days)
}

fn moved(stream: &Stream, phase: u64) -> Stream {
    let counts = stream.vulnerabilities().clone();
    let high = counts[Severity::High] + phase * phase % 17;
    let counts = counts.with(Severity::High, high);
    let counts = counts.expect("the count is small");
    stream.clone().with_vulnerabilities(counts)
}

/// Returns the router of an organization with a history of 90 days.
async fn router(streams: usize) -> Router {
    let now = snapshot(streams);
    let history = MemoryHistory::new();
    for days in 1..=90 {
        let recorded = history.record(&earlier(&now, days)).await;
        recorded.expect("memory accepts every snapshot");
    }
    let exporter = Exporter::new().with_history(history);
    let exporter = exporter.with_source(MemorySource::new(now));
    exporter.into_router().expect("the exporter is configured")
}

/// Requests a page.
async fn page(router: &Router, path: &str, coding: &str) -> Bytes {
    let request = Request::get(path).header("accept-encoding", coding);
    let request = request.body(Body::empty()).expect("the request is valid");
    let response = router.clone().oneshot(request).await;
    let response = response.expect("the router never fails");
    assert_eq!(response.status(), 200, "{path}");
    let body = to_bytes(response.into_body(), usize::MAX).await;
    body.expect("the body is in memory")
}

/// Waits until the past of the streams has been read: then the page has trend lines.
async fn until_read(router: &Router) {
    let has_trends = async || {
        let page = page(router, "/", "identity").await;
        page.windows(11).any(|part| part == b"chart-spark")
    };
    while !has_trends().await {}
}

fn bench_page(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("the system starts a few threads");
    let mut group = criterion.benchmark_group("page");
    for streams in [5, 50, 200, 2000] {
        let router = runtime.block_on(router(streams));
        runtime.block_on(until_read(&router));
        for path in ["/", "/organizations/acme"] {
            for (coding, max) in [("identity", 80_000), ("gzip", 12_000)] {
                let size = runtime.block_on(page(&router, path, coding)).len();
                println!("{streams} streams, {path}, {coding}: {size} bytes");
                assert!(size < max, "{path} {coding}: {size} bytes");
                group.bench_function(format!("{streams} streams, {path}, {coding}"), |b| {
                    b.iter(|| {
                        let page = runtime.block_on(page(black_box(&router), path, coding));
                        // The age of the data grows meanwhile.
                        assert!(page.len().abs_diff(size) < 200);
                    });
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, bench_page);
criterion_main!(benches);
