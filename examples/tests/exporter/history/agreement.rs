//! Servers agree with SQLite on the same snapshots, and so do the decisions that are based on them.

use std::{
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use scout_metrics_core::{
    Error, History, HistoryExt, Organization, Policy, PolicyResult, RecordHistory, Severity,
    Snapshot, SqliteHistory, Stream, StreamName, VulnerabilityCounts, conformance,
    gate::{Baseline, Gate, Rule},
};
use tempfile::TempDir;

use super::servers::{Filled, filled};
use crate::support::example;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(flavor = "multi_thread")]
async fn every_server_conforms() {
    let snapshots = conformance::history::snapshots();
    for server in filled(&snapshots) {
        eprintln!("{}", server.name);
        conformance::history::check_filled(&server.history(), &snapshots).await;
    }
}

/// A month in SQLite, and the snapshots in it.
struct Month {
    directory: TempDir,
    history: SqliteHistory,
    snapshots: Vec<Snapshot>,
}

impl Month {
    /// Hourly snapshots of two organizations up to an hour ago, without those of a night in which the exporter was down.
    async fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let end = UNIX_EPOCH + Duration::from_millis(now.as_millis() as u64) - HOUR;
        let hours = (0..31 * 24).rev().filter(|ago| !(300..310).contains(ago));
        let of_hour = |ago: u32| {
            let at = end - ago * HOUR;
            ["acme", "apex"].map(|name| snapshot(name, ago).unwrap().with_scraped_at(at))
        };
        let snapshots: Vec<Snapshot> = hours.flat_map(of_hour).collect();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scout.db");
        let history = SqliteHistory::open(path).await.unwrap();
        for snapshot in &snapshots {
            history.record(snapshot).await.unwrap();
        }
        Self {
            directory,
            history,
            snapshots,
        }
    }

    fn path(&self) -> String {
        let path = self.directory.path().join("scout.db");
        path.to_str().unwrap().to_owned()
    }
}

/// A snapshot in which criticals come and go, a policy fails for some days, and a stream is new since three days.
fn snapshot(name: &str, ago: u32) -> Result<Snapshot, Error> {
    let stream = |name: &str, critical: u32, compliant: u32| -> Result<Stream, Error> {
        let counts = VulnerabilityCounts::new()
            .with(Severity::Critical, critical.into())?
            .with(Severity::High, u64::from(ago % 50))?
            .with(Severity::Unspecified, 1)?;
        let policy = Policy::new("fixable", "No fixable critical vulnerabilities");
        let result = PolicyResult::new(policy, compliant.into(), 20)?;
        Ok(Stream::new(name)
            .with_vulnerabilities(counts)
            .with_policy(result))
    };
    let is_acme = name == "acme";
    let critical = if is_acme && ago < 100 { 3 } else { ago / 400 };
    let mut streams = vec![stream("latest-indexed", critical, 20 - ago / 100)?];
    if ago < 72 {
        streams.push(stream("production", ago % 2, 20)?);
    }
    if is_acme {
        streams.push(stream("staging", 0, if ago < 60 { 19 } else { 20 })?);
    }
    Snapshot::new(Organization::new(name)?, streams)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_gives_the_same_answers_verdicts_and_reports() {
    let month = Month::new().await;
    for server in filled(&month.snapshots) {
        eprintln!("{}", server.name);
        let theirs = server.history();
        for name in ["acme", "apex"] {
            let organization = Organization::new(name).unwrap();
            answers_agree(&theirs, &month.history, &organization).await;
            verdicts_agree(&theirs, &month.history, &organization).await;
        }
        programs_agree(&month, &server);
    }
}

async fn answers_agree(theirs: &dyn History, ours: &dyn History, organization: &Organization) {
    assert_eq!(
        theirs.organizations().await.unwrap(),
        ours.organizations().await.unwrap()
    );
    let latest = theirs.latest(organization).await.unwrap().unwrap();
    assert_eq!(
        Some(&latest),
        ours.latest(organization).await.unwrap().as_ref()
    );
    let end = latest.scraped_at();
    let start = end - 31 * DAY;
    for step in [HOUR, DAY, HOUR / 7] {
        let end = if step < HOUR { start + 9 * DAY } else { end };
        let theirs = theirs.range(organization, start, end, step).await.unwrap();
        let ours = ours.range(organization, start, end, step).await.unwrap();
        assert!(!theirs.is_empty());
        assert!(theirs == ours, "{organization} with a step of {step:?}");
    }
    assert_eq!(
        theirs.since(organization, 31 * DAY).await.unwrap(),
        ours.since(organization, 31 * DAY).await.unwrap()
    );
    for ago in [DAY, 7 * DAY, 30 * DAY] {
        assert_eq!(
            theirs.compare(organization, ago).await.unwrap(),
            ours.compare(organization, ago).await.unwrap()
        );
    }
    assert_eq!(
        theirs.trend(organization, start, end, 100).await.unwrap(),
        ours.trend(organization, start, end, 100).await.unwrap()
    );
}

/// Compares verdicts that pass, that are violated, and that cannot be told.
async fn verdicts_agree(theirs: &dyn History, ours: &dyn History, organization: &Organization) {
    let baselines = [
        Baseline::ago(7 * DAY),
        Baseline::ago(2 * DAY),
        Baseline::ago(302 * HOUR).with_tolerance(HOUR),
        Baseline::ago(90 * DAY),
    ];
    let baselines = baselines.map(Rule::no_worse_than);
    let others = [
        Rule::max_at_least(Severity::High, 60),
        Rule::max(Severity::Critical, 0).with_streams(["production"].map(StreamName::new)),
        Rule::max(Severity::Critical, 0).with_streams(["staging"].map(StreamName::new)),
        Rule::min_compliance(0.99),
        Rule::max_age(30 * DAY),
    ];
    for rule in baselines.into_iter().chain(others) {
        let gate = Gate::new([rule]).unwrap();
        let mut verdicts = Vec::new();
        for history in [theirs, ours] {
            let latest = history.latest(organization).await.unwrap().unwrap();
            let verdict = gate.check_with(&latest, history).await;
            verdicts.push((
                verdict.to_string(),
                serde_json::to_string(&verdict).unwrap(),
            ));
        }
        assert_eq!(verdicts[0], verdicts[1], "{organization}");
    }
}

/// Compares what `scout` prints and how it exits with `--prometheus` and with `--history`.
fn programs_agree(month: &Month, server: &Filled) {
    let path = month.path();
    let commands: [(i32, &[&str]); 9] = [
        (2, &["check", "--fail-on", "critical", "--format", "json"]),
        (2, &["check", "--baseline", "7d", "--format", "text"]),
        (1, &["check", "--baseline", "90d", "--org", "acme"]),
        (0, &["overview", "--all"]),
        (0, &["report", "--format", "csv"]),
        (0, &["report", "--format", "markdown", "--org", "apex"]),
        (0, &["diff", "--baseline", "2d", "--json"]),
        (0, &["since", "--json", "--lookback", "31d"]),
        (0, &["history", "export", "--since", "4d", "--step", "6h"]),
    ];
    for (status, command) in commands {
        let with_history = [command, &["--history", &path]].concat();
        let with_prometheus = [command, &["--prometheus", &server.url]].concat();
        assert_eq!(
            run(status, &with_prometheus),
            run(status, &with_history),
            "{command:?}"
        );
    }
}

fn run(status: i32, arguments: &[&str]) -> String {
    let mut command: Command = example("scout");
    let output = command.args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let written = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}: {written}\n{said}"
    );
    assert!(!written.is_empty(), "{arguments:?}: {said}");
    written
}
