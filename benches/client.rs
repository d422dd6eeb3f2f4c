//! How much does the client cost, compared with a plain GET and reading the body?

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scout_metrics_benches::scout;
use scout_metrics_core::{MetricsSource, Organization, Snapshot};
use scout_metrics_http::ScoutClient;
use scout_metrics_openmetrics::scout::SnapshotReader;
use tokio::runtime::Builder;

mod server;

/// Returns a client with the defaults, which requires a TLS provider even for plain HTTP.
fn bare_client() -> reqwest::Client {
    // Fails if it was done before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Fetches with nothing but an HTTP client and our reader.
async fn bare_get(http: &reqwest::Client, url: &str, reader: &SnapshotReader) -> Snapshot {
    let answer = http.get(url).bearer_auth("dckr_pat_bench").send().await;
    let answer = answer.and_then(reqwest::Response::error_for_status);
    let body = answer.expect("the server answers").bytes().await;
    let body = body.expect("the body is whole");
    reader.read(&body).expect("the input is good")
}

fn bench_fetch(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system has sockets and timers");
    let acme = Organization::new("acme").expect("the name is valid");
    for samples in [236, 20_000] {
        let text = scout(samples);
        let answer = server::answer("text/plain; version=0.0.4; charset=utf-8", &text);
        let url = server::serve(move |_| Arc::clone(&answer));
        let client = ScoutClient::builder()
            .with_base_url(&url)
            .with_token("dckr_pat_bench")
            .build()
            .expect("the options are good");
        let source = client.organization(&acme).expect("the name is valid");
        let (http, reader) = (bare_client(), SnapshotReader::new(acme.clone()));
        let scrape = async || source.scrape().await.expect("the server answers");
        let bare = async || bare_get(&http, &url, &reader).await;
        let both = runtime.block_on(async { (scrape().await, bare().await) });
        assert_eq!(both.0.streams(), both.1.streams());

        let mut group = criterion.benchmark_group(format!("fetch-{samples}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("client", |b| {
            b.iter(|| black_box(runtime.block_on(scrape())));
        });
        group.bench_function("peer: reqwest and our reader", |b| {
            b.iter(|| black_box(runtime.block_on(bare())));
        });
        group.finish();
    }
}

criterion_group!(benches, bench_fetch);
criterion_main!(benches);
