//! `LocalScans` counts what the reports of scanners say, and fails if they cannot be relied on.

#![cfg(feature = "local")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod refusals;
mod reports;
mod time;

use std::{fs, path::Path};

use scout_metrics_core::{
    Error, LocalScans, MetricsSource, MetricsSourceExt, Organization, Snapshot, Stream, conformance,
};
use tempfile::TempDir;

/// A directory of scans.
struct Scans(TempDir);

impl Scans {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn with_stream(self, name: &str) -> Self {
        fs::create_dir_all(self.0.path().join(name)).unwrap();
        self
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn source(&self) -> LocalScans {
        LocalScans::new(Organization::new("acme").unwrap(), self.path())
    }

    async fn snapshot(&self) -> Snapshot {
        let answer = self.source().scrape().await;
        answer.unwrap_or_else(|error| panic!("{}", error.chain()))
    }

    async fn error(&self) -> Error {
        self.source().scrape().await.unwrap_err()
    }

    /// Returns the text of the error with its causes, without the directory of the scans.
    async fn fault(&self) -> String {
        let directory = format!("{}/", self.path().display());
        self.error()
            .await
            .chain()
            .to_string()
            .replace(&directory, "")
    }
}

/// A report of an unknown scanner with these results.
fn report(results: &str) -> String {
    format!(
        r#"{{"version": "2.1.0", "runs": [{{"tool": {{"driver": {{"name": "x"}}}}, "results": {results}}}]}}"#
    )
}

/// A result with a score.
fn result(score: &str) -> String {
    format!(r#"{{"ruleId": "CVE-1", "properties": {{"security-severity": "{score}"}}}}"#)
}

fn counts(stream: &Stream) -> String {
    stream.vulnerabilities().to_string()
}

#[tokio::test]
async fn each_directory_is_a_stream_and_each_report_an_image() {
    let high = report(&format!("[{}]", result("7.5")));
    let scans = Scans::new()
        .with("production/a.sarif", &high)
        .with("production/b.sarif.json", &high)
        .with("production/c.sarif", report("[]"))
        .with("production/.d.sarif", "half of a rep")
        .with("staging/a.sarif", report("[]"))
        .with(".git/config", "")
        .with_stream("empty");
    let snapshot = scans.snapshot().await;
    let streams: Vec<_> = snapshot
        .streams()
        .iter()
        .map(|stream| (stream.name().as_str(), counts(stream)))
        .collect();
    let expected = [
        ("empty", "-"),
        ("production", "0C 2H 0M 0L"),
        ("staging", "0C 0H 0M 0L"),
    ];
    assert_eq!(
        streams,
        expected.map(|(name, counts)| (name, counts.to_owned()))
    );
    assert!(snapshot.anomalies().is_empty());
}

#[tokio::test]
async fn policies_of_images_are_joined_by_their_identifiers() {
    let scans = Scans::new()
        .with("production/a.sarif", report("[]"))
        .with(
            "production/a.policy.json",
            r#"{"no-root": {"pass": true, "violations": [], "metrics": {"timer": 1}},
                "fresh": {"pass": false, "violations": [{"msg": "old"}], "bindings": {}}}"#,
        )
        .with("production/b.sarif", report("[]"))
        .with("production/b.policy.json", r#"{"no-root": {"pass": true}}"#)
        .with("production/c.sarif", report("[]"));
    let source = scans.source().with_display_name("no-root", "Non-root user");
    let snapshot = source.scrape().await.unwrap();
    let policies: Vec<_> = snapshot.streams()[0]
        .policies()
        .iter()
        .map(|result| {
            let policy = result.policy();
            let (id, name) = (policy.id().as_str(), policy.display_name());
            (id, name, result.compliant(), result.evaluated())
        })
        .collect();
    assert_eq!(
        policies,
        [("fresh", "fresh", 0, 1), ("no-root", "Non-root user", 2, 2)]
    );
}

#[tokio::test]
async fn local_scans_and_their_decorators_conform() {
    let good = Scans::new()
        .with(
            "production/a.sarif",
            report(&format!("[{}]", result("9.9"))),
        )
        .with_stream("staging");
    let source = good.source();
    conformance::check(&source).await;
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    conformance::check(&source.clone().cached(day)).await;
    conformance::check(&source.clone().timeout(day)).await;
    conformance::check(&source.clone().max_age(day)).await;
    conformance::check(&source.clone().observed(|_| ())).await;
    conformance::check(&source.clone().or_else(source.clone())).await;
    conformance::check(
        &source
            .clone()
            .recorded(scout_metrics_core::MemoryHistory::new()),
    )
    .await;
    conformance::check(&scout_metrics_core::Poller::builder(source.clone()).spawn()).await;
    conformance::check_wrapper(&source.clone().cached(day), &source);

    let damaged = Scans::new().with("production/a.sarif", "{");
    conformance::check_failing(&damaged.source(), scout_metrics_core::ErrorKind::Decode).await;
    let fallback = damaged.source().or_else(good.source());
    conformance::check(&fallback).await;
}

#[test]
fn shows_where_it_reads() {
    let source = LocalScans::new(Organization::new("acme").unwrap(), "all\nscans");
    assert_eq!(source.to_string(), r"LocalScans(acme, all\nscans)");
}
