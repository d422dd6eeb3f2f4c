//! Snapshots, files and runs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    time::{Duration, SystemTime},
};

use scout_metrics_core::{Organization, Policy, PolicyResult, Snapshot, Stream};

use crate::program::{example, stderr, stdout};

/// Runs `scout`, which must exit with a status, and returns what it wrote to standard output and standard error.
pub(crate) fn scout(status: i32, arguments: &[&str]) -> (String, String) {
    texts(status, &example("scout").args(arguments).output().unwrap())
}

pub(crate) fn texts(status: i32, output: &Output) -> (String, String) {
    let (out, err) = (stdout(output).to_owned(), stderr(output).to_owned());
    assert_eq!(output.status.code(), Some(status), "{out}\n{err}");
    (out, err)
}

/// Returns a snapshot of some hours ago.
pub(crate) fn snapshot(organization: &str, hours: u64, streams: Vec<Stream>) -> Snapshot {
    let organization = Organization::new(organization).unwrap();
    let ago = Duration::from_secs(3600 * hours);
    let snapshot = Snapshot::new(organization, streams).unwrap();
    snapshot.with_scraped_at(SystemTime::now() - ago)
}

pub(crate) fn stream(name: &str, counts: &str) -> Stream {
    Stream::new(name).with_vulnerabilities(counts.parse().unwrap())
}

pub(crate) fn result(id: &str, compliant: u64, evaluated: u64) -> PolicyResult {
    let policy = Policy::new(id, format!("Policy {id}"));
    PolicyResult::new(policy, compliant, evaluated).unwrap()
}

/// Writes a snapshot as JSON and returns the path.
pub(crate) fn write(directory: &Path, name: &str, snapshot: &Snapshot) -> String {
    let path: PathBuf = directory.join(name);
    fs::write(&path, serde_json::to_vec(snapshot).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}
