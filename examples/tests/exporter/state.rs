//! `--state-dir`: the last metrics survive a restart, and no fault of the disk stops the exporter from serving.

use std::{
    fs,
    io::{self, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, SystemTime},
};

use scout_metrics_core::{
    Error, ErrorKind, HistoryExt, Organization, RecordHistory, Snapshot, SqliteHistory, Stream,
};

use crate::support::{Running, Upstream, eventually, exporter, get, start_exporter, write};

const METRICS: &str = "/v1/exporter/org/acme/metrics";
const HOUR: Duration = Duration::from_secs(3600);

fn acme() -> Organization {
    Organization::new("acme").unwrap()
}

fn snapshot(stream: &str, age: Duration) -> Snapshot {
    let stream = Stream::new(stream).with_vulnerabilities("5C 3H".parse().unwrap());
    let snapshot = Snapshot::new(acme(), [stream]).unwrap();
    snapshot.with_scraped_at(SystemTime::now() - age)
}

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "down")
}

/// Records snapshots in the history of a state directory, as an earlier run would have done.
fn record(directory: &Path, snapshots: &[Snapshot]) {
    fs::create_dir_all(directory).unwrap();
    let path = directory.join("history.sqlite");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let history = SqliteHistory::open(path).await.unwrap();
        for snapshot in snapshots {
            history.record(snapshot).await.unwrap();
        }
    });
}

fn latest(directory: &Path) -> Snapshot {
    let path = directory.join("history.sqlite");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let latest = runtime.block_on(async {
        let history = SqliteHistory::open(path).await.unwrap();
        history.latest(&acme()).await.unwrap()
    });
    latest.unwrap()
}

fn start(upstream: &Upstream, state: &Path, more: &[&str]) -> (Running, String) {
    let mut command = upstream.exporter();
    command.args(["--org", "acme", "--timeout", "1s", "--state-dir"]);
    start_exporter(command.arg(state).args(more))
}

/// Returns the value of one of the exporter's own metrics.
fn value(address: &str, metric: &str) -> f64 {
    let (_, metrics) = get(address, "/metrics", None);
    let values = metrics.lines();
    let mut values = values.filter_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    values.next().unwrap().parse().unwrap()
}

fn recorded(address: &str) -> f64 {
    value(address, r#"scout_exporter_state_records_total{org="acme"}"#)
}

fn not_recorded(address: &str) -> f64 {
    let metric = r#"scout_exporter_state_record_errors_total{org="acme"}"#;
    value(address, metric)
}

/// Requests the metrics and returns the value of the header `Age`.
fn age(address: &str) -> u64 {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {METRICS} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let age = answer.lines().find_map(|line| line.strip_prefix("age: "));
    age.expect(&answer).parse().unwrap()
}

#[test]
fn a_restart_while_scout_is_down_serves_the_last_metrics_with_their_age() {
    let upstream = Upstream::start(snapshot("production", Duration::ZERO));
    let state = upstream.directory.path().join("var/lib/state");
    let (running, address) = start(&upstream, &state, &[]);
    assert_eq!(get(&address, METRICS, None).0, 200);
    let (status, log) = running.signal("TERM");
    assert_eq!(status.code(), Some(0), "{log}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("history.sqlite")), 0o600);
    assert_eq!(latest(&state).streams()[0].name().as_str(), "production");

    upstream.source.set(Err(down()));
    let (running, address) = start(&upstream, &state, &[]);
    let (status, body) = get(&address, METRICS, None);
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("production"), "{body}");
    assert_eq!(get(&address, "/-/ready", None).0, 200);
    assert_eq!(value(&address, r#"scout_exporter_up{org="acme"}"#), 0.0);
    running.signal("TERM");

    // Old, but not too old: the interval is 60m, and --max-stale is 24h.
    let old = upstream.directory.path().join("old");
    record(&old, &[snapshot("old", 20 * HOUR)]);
    let (running, address) = start(&upstream, &old, &[]);
    let shown = value(
        &address,
        r#"scout_exporter_snapshot_age_seconds{org="acme"}"#,
    );
    let expected = 20.0 * 3600.0..20.1 * 3600.0;
    assert!(expected.contains(&shown), "{shown}");
    assert!(expected.contains(&(age(&address) as f64)));
    eventually("the first fetch fails", || {
        let metric = r#"scout_exporter_fetch_errors_total{org="acme",reason="unavailable"}"#;
        let (_, metrics) = get(&address, "/metrics", None);
        metrics.contains(metric).then_some(())
    });
    assert_eq!(get(&address, METRICS, None).0, 200);

    upstream.source.set(Ok(snapshot("new", Duration::ZERO)));
    eventually("the new metrics are served", || {
        get(&address, METRICS, None).1.contains("new").then_some(())
    });
    running.signal("TERM");
    assert_eq!(latest(&old).streams()[0].name().as_str(), "new");
}

#[test]
fn metrics_that_are_too_old_are_not_served() {
    let upstream = Upstream::start(snapshot("production", Duration::ZERO));
    upstream.source.set(Err(down()));
    let state = upstream.directory.path().join("state");
    record(&state, &[snapshot("old", 27 * HOUR)]);
    let (_running, address) = start(&upstream, &state, &[]);
    assert_eq!(get(&address, METRICS, None).0, 503);
    let (status, body) = get(&address, "/-/ready", None);
    assert_eq!(status, 503);
    assert!(body.contains("acme: "), "{body}");

    // The options decide how old is too old.
    let (_running, address) = start(&upstream, &state, &["--max-stale", "30h"]);
    assert_eq!(get(&address, METRICS, None).0, 200);
}

#[test]
fn a_refused_token_ends_what_is_served_from_the_state_directory() {
    let upstream = Upstream::start(snapshot("production", Duration::ZERO));
    upstream.write("upstream-token", "dckr_pat_of_somebody_else");
    let state = upstream.directory.path().join("state");
    record(&state, &[snapshot("old", HOUR)]);
    let (_running, address) = start(&upstream, &state, &[]);
    eventually("the token is refused", || {
        (get(&address, METRICS, None).0 == 502).then_some(())
    });
}

#[test]
fn old_metrics_are_removed_at_the_start() {
    let upstream = Upstream::start(snapshot("production", Duration::ZERO));
    let state = upstream.directory.path().join("state");
    let days = |days: u32| snapshot("old", days * 24 * HOUR);
    record(&state, &[days(100), days(91), days(89), days(8)]);
    for (retention, removed) in [("90d", 2), ("2w", 1)] {
        let mut command = upstream.exporter();
        command.args(["--org", "acme", "--web.listen-address", "127.0.0.1:0"]);
        command.args(["--state-retention", retention, "--state-dir"]);
        let mut running = Running::start(command.arg(&state));
        running.logged(&format!(
            "removed old metrics from the state directory removed={removed}"
        ));
    }
}

#[test]
fn a_damaged_file_is_moved_aside() {
    let upstream = Upstream::start(snapshot("production", Duration::ZERO));
    let state = upstream.directory.path().join("state");
    fs::create_dir(&state).unwrap();
    let garbage = "x".repeat(5000);
    write(&state, "history.sqlite", &garbage);
    for name in ["history.sqlite-wal", "history.sqlite.damaged"] {
        write(&state, name, "earlier");
    }
    let (mut running, address) = start(&upstream, &state, &[]);
    assert_eq!(get(&address, METRICS, None).0, 200);
    eventually("the metrics are recorded", || {
        (recorded(&address) == 1.0).then_some(())
    });
    let moved = fs::read_to_string(state.join("history.sqlite.damaged")).unwrap();
    assert_eq!(moved, garbage);
    running.send("TERM");
    running.logged("stopped");
}

#[test]
fn a_directory_that_is_removed_is_made_again() {
    let upstream = Upstream::start(snapshot("production", Duration::ZERO));
    let state = upstream.directory.path().join("state");
    // With every fetch there is something new to record.
    let (mut running, address) = start(&upstream, &state, &["--interval", "1s"]);
    eventually("the metrics are recorded", || {
        (recorded(&address) >= 1.0).then_some(())
    });
    fs::remove_dir_all(&state).unwrap();
    running.logged("was removed or replaced");
    let before = recorded(&address);
    eventually("the metrics are recorded again", || {
        (recorded(&address) > before).then_some(())
    });
    running.send("TERM");
    running.logged("stopped");
    assert_eq!(latest(&state).streams()[0].name().as_str(), "production");
}

#[test]
fn a_directory_that_cannot_be_used_is_exit_2() {
    let directory = tempfile::tempdir().unwrap();
    let file = write(directory.path(), "file", "");
    let below = format!("{file}/state");
    let output = exporter()
        .args(["--demo", "--state-dir", &below])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let expected = format!("error: cannot use the state directory `{below}`: ");
    assert!(said.contains(&expected), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_retention_has_a_unit() {
    let output = exporter()
        .args(["--demo", "--state-retention", "90"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("expected a time above zero, such as 90d, 2w or 36h"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn invented_metrics_are_kept_apart() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = exporter();
    command
        .args(["--demo", "--state-dir"])
        .arg(directory.path());
    let (running, address) = start_exporter(&mut command);
    eventually("the metrics are recorded", || {
        (recorded(&address) == 1.0).then_some(())
    });
    running.signal("TERM");
    assert!(directory.path().join("demo.sqlite").exists());
    assert!(!directory.path().join("history.sqlite").exists());
}

#[test]
fn two_exporters_can_share_a_directory() {
    let upstream = Upstream::start(snapshot("production", Duration::ZERO));
    let state = upstream.directory.path().join("state");
    let both = [(); 2].map(|()| start(&upstream, &state, &["--interval", "1s"]));
    for (_, address) in &both {
        eventually("each records its metrics", || {
            (recorded(address) >= 3.0).then_some(())
        });
        assert_eq!(not_recorded(address), 0.0);
    }
}

/// A small file system in memory, which is unmounted when the test ends.
struct Disk(PathBuf);

impl Disk {
    /// Mounts a file system. Returns `None` and prints a line if that is not allowed; the test must then be skipped.
    fn mount(path: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(&path)
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        let line = b"SKIPPED: this user may not mount a file system\n";
        io::stderr().write_all(line).unwrap();
        None
    }

    fn remount(&self, option: &str) {
        let option = format!("remount,{option}");
        let mut command = Command::new("mount");
        let status = command.args(["-o", &option]).arg(&self.0).status();
        assert!(status.unwrap().success());
    }

    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("fill")).unwrap();
        while file.write_all(&[0; 1024]).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("fill")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, because the exporter may still have files open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_counted_and_does_not_stop_the_exporter() {
    let upstream = Upstream::start(snapshot("production", Duration::ZERO));
    let Some(disk) = Disk::mount(upstream.directory.path().join("disk"), "2m") else {
        return;
    };
    let state = disk.0.join("state");
    // With every fetch there is something new to record.
    let fetches = &["--interval", "1s"];
    disk.fill();
    let (mut running, address) = start(&upstream, &state, fetches);
    eventually("a write fails", || {
        (not_recorded(&address) >= 1.0).then_some(())
    });
    assert_eq!(get(&address, METRICS, None).0, 200);
    disk.empty();
    eventually("the disk has room", || {
        (recorded(&address) >= 1.0).then_some(())
    });

    disk.fill();
    let before = not_recorded(&address);
    eventually("the disk is full again", || {
        upstream
            .source
            .set(Ok(snapshot(&"long".repeat(5000), Duration::ZERO)));
        let _ = get(&address, METRICS, None);
        (not_recorded(&address) > before).then_some(())
    });
    assert_eq!(get(&address, METRICS, None).0, 200);
    running.send("TERM");
    running.logged("stopped");
}

#[test]
fn a_directory_on_a_disk_that_cannot_be_written_is_exit_2() {
    let upstream = Upstream::start(snapshot("production", Duration::ZERO));
    let Some(disk) = Disk::mount(upstream.directory.path().join("disk"), "2m") else {
        return;
    };
    let state = disk.0.join("state");
    let run = || {
        let mut command = upstream.exporter();
        command.args(["--org", "acme", "--state-dir"]).arg(&state);
        command.args(["--web.listen-address", "127.0.0.1:0"]);
        command.output().unwrap()
    };
    let assert_refused = || {
        let output = run();
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = format!(
            "error: cannot use the state directory `{}`: ",
            state.display()
        );
        assert!(said.contains(&expected), "{said}");
        assert_eq!(output.status.code(), Some(2));
    };
    disk.remount("ro");
    assert_refused();
    disk.remount("rw");
    record(&state, &[snapshot("old", HOUR)]);
    disk.remount("ro");
    assert_refused();
}
