//! How long does a decision about an organization with 2,000 streams take, and how long finding what changed?

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use scout_metrics_benches::scout;
use scout_metrics_core::{
    Organization, Severity, Snapshot, Stream,
    gate::{Gate, Outcome, Rule},
};
use scout_metrics_openmetrics::scout::SnapshotReader;

const STREAMS: usize = 2000;

/// Five severities, and seven policies with two counts each.
const SAMPLES_PER_STREAM: usize = 5 + 2 * 7;

/// No count of the input is as large.
const ANY: u64 = 1_000_000;

fn snapshot() -> Snapshot {
    let organization = Organization::new("acme").expect("the name is valid");
    let reader = SnapshotReader::new(organization);
    let text = scout(STREAMS * SAMPLES_PER_STREAM);
    let snapshot = reader.read(text.as_bytes()).expect("the input is good");
    assert_eq!(snapshot.streams().len(), STREAMS);
    snapshot
}

/// Returns an earlier snapshot, in which one stream in fifty has one critical vulnerability fewer or more.
fn earlier(snapshot: &Snapshot) -> Snapshot {
    let streams = snapshot.streams().iter().enumerate();
    let streams = streams.map(|(place, stream)| match place % 50 {
        0 => changed(stream),
        _ => stream.clone(),
    });
    let earlier = Snapshot::new(snapshot.organization().clone(), streams);
    let day = Duration::from_secs(24 * 60 * 60);
    let time = snapshot.scraped_at() - day;
    earlier.expect("the names are good").with_scraped_at(time)
}

fn changed(stream: &Stream) -> Stream {
    let counts = stream.vulnerabilities().clone();
    let count = counts[Severity::Critical] ^ 1;
    let counts = counts.with(Severity::Critical, count);
    stream
        .clone()
        .with_vulnerabilities(counts.expect("the count is small"))
}

fn bench_gate(criterion: &mut Criterion) {
    let snapshot = snapshot();
    let earlier = earlier(&snapshot);
    let mut group = criterion.benchmark_group("gate/2000 streams");
    for (name, rule, expected) in [
        (
            "max passed",
            Rule::max_at_least(Severity::High, ANY),
            Outcome::Passed,
        ),
        (
            "max violated by four streams in five",
            Rule::max(Severity::Critical, 0),
            Outcome::Violated,
        ),
        (
            "compliance passed",
            Rule::min_compliance(0.0),
            Outcome::Passed,
        ),
        (
            "no worse",
            Rule::no_worse_than(earlier.clone()),
            Outcome::Violated,
        ),
    ] {
        let gate = Gate::new([rule]).expect("the rule is good");
        group.bench_function(name, |b| {
            b.iter(|| {
                let verdict = gate.check(black_box(&snapshot));
                assert_eq!(verdict.outcome(), expected);
                verdict
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("changes/2000 streams");
    group.bench_function("2 % of the streams", |b| {
        b.iter(|| {
            let changes = snapshot.changes_since(black_box(&earlier));
            assert_eq!(changes.len(), STREAMS / 50);
            changes
        });
    });
    group.finish();
}

criterion_group!(benches, bench_gate);
criterion_main!(benches);
