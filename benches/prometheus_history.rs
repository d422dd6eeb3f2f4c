//! How much does a month of snapshots cost through Prometheus' query API, compared with fetching the same answers?

use std::{
    collections::BTreeMap,
    fmt::Write,
    hint::black_box,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scout_metrics_benches::scout;
use scout_metrics_core::{History, Organization, Snapshot};
use scout_metrics_http::PrometheusHistory;
use scout_metrics_openmetrics::{ParseOptions, parse_families, scout::SnapshotReader};
use tokio::runtime::Builder;

mod server;

const HOUR: Duration = Duration::from_secs(3600);

/// Hourly snapshots of 31 days.
const HOURS: u32 = 31 * 24;

const SAMPLES: usize = 236;

/// The names of the families, and one that no snapshot has.
const FAMILIES: [&str; 4] = [
    "scout_stream_vulnerabilities",
    "scout_policy_compliant_images",
    "scout_policy_evaluated_images",
    "scout_stream_empty",
];

fn start() -> SystemTime {
    UNIX_EPOCH + 1_700_000_000 * Duration::from_secs(1)
}

/// Returns the answers of a server that has the same exposition at each hour, by family.
fn answers(text: &str) -> BTreeMap<&'static str, String> {
    let families = parse_families(text.as_bytes(), &ParseOptions::default());
    let families = families.expect("the input is good");
    let of_family = |name: &'static str| {
        let samples = families
            .get(name)
            .map_or(&[][..], |family| family.samples());
        let mut series: Vec<String> = samples
            .iter()
            .map(|sample| {
                let mut labels =
                    format!("\"__name__\":\"{name}\",\"org\":\"acme\",\"job\":\"scout\"");
                for (name, value) in sample.labels() {
                    // Debug escapes as JSON does what the input has.
                    write!(labels, ",\"{name}\":{value:?}").expect("a string takes any text");
                }
                one_series(&labels, |_| sample.value().to_string())
            })
            .collect();
        if !series.is_empty() {
            series.push(one_series("", |second| second.to_string()));
        }
        let series = series.join(",");
        let answer = format!(
            "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{series}]}}}}"
        );
        (name, answer)
    };
    FAMILIES.map(of_family).into()
}

fn one_series(labels: &str, value: impl Fn(u64) -> String) -> String {
    let first = start().duration_since(UNIX_EPOCH).expect("it is later");
    let points = (0..HOURS).map(|hour| {
        let second = (first + hour * HOUR).as_secs();
        format!("[{second},\"{}\"]", value(second))
    });
    let points: Vec<String> = points.collect();
    format!(
        "{{\"metric\":{{{labels}}},\"values\":[{}]}}",
        points.join(",")
    )
}

/// Fetches the answers with nothing but an HTTP client, all at once.
async fn bare(http: &reqwest::Client, url: &str) -> usize {
    let get = async |family: &str| {
        let answer = http.get(format!("{url}/{family}")).send().await;
        let body = answer.expect("the server answers").bytes().await;
        body.expect("the body is whole").len()
    };
    let [a, b, c, d] = FAMILIES;
    let lengths = tokio::join!(get(a), get(b), get(c), get(d));
    lengths.0 + lengths.1 + lengths.2 + lengths.3
}

fn bench_month(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system has sockets and timers");
    let acme = Organization::new("acme").expect("the name is valid");
    let text = scout(SAMPLES);
    let expected = SnapshotReader::new(acme.clone()).read(text.as_bytes());
    let expected = expected.expect("the input is good");

    let answers = answers(&text);
    let bytes: usize = answers.values().map(String::len).sum();
    let answers: Vec<(&str, Arc<[u8]>)> = answers
        .into_iter()
        .map(|(family, text)| (family, server::answer("application/json", &text)))
        .collect();
    let url = server::serve(move |line| {
        let mut answers = answers.iter();
        let found = answers.find(|(family, _)| line.contains(family));
        Arc::clone(&found.expect("each request is about a family").1)
    });

    let history = PrometheusHistory::builder(&url).build();
    let history = history.expect("the options are good");
    let end = start() + (HOURS - 1) * HOUR;
    let range = async || -> Vec<Snapshot> {
        let found = history.range(&acme, start(), end, HOUR).await;
        found.expect("the server answers")
    };
    // Fails if it was done before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::new();
    let snapshots = runtime.block_on(range());
    assert_eq!(snapshots.len(), HOURS as usize);
    let names = |snapshot: &Snapshot| snapshot.streams().len();
    assert!(
        snapshots
            .iter()
            .all(|found| names(found) == names(&expected))
    );
    assert_eq!(runtime.block_on(bare(&http, &url)), bytes);

    let mut group = criterion.benchmark_group("month-of-236");
    group
        .throughput(Throughput::Bytes(bytes as u64))
        .sample_size(20);
    group.bench_function("PrometheusHistory::range", |b| {
        b.iter(|| black_box(runtime.block_on(range())));
    });
    group.bench_function("peer: reqwest, answers not read", |b| {
        b.iter(|| black_box(runtime.block_on(bare(&http, &url))));
    });
    group.finish();
}

criterion_group!(benches, bench_month);
criterion_main!(benches);
