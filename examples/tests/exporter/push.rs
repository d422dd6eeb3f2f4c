//! The program that pushes, with the databases that it writes to.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

use serde_json::Value;

use scout_metrics_core::{Snapshot, Stream};

use crate::peers::stored_samples;
use crate::prometheus::Prometheus;
use crate::support::{
    PATIENCE, Running, Sample, Upstream, eventually, examples, generations, python, samples,
    snapshot, start_victoria_metrics, write,
};

/// Where the databases are written to.
const PATH: &str = "/api/v1/write";

fn push() -> Command {
    let directory = env::current_exe().unwrap();
    let path = directory.parent().unwrap().with_file_name("examples");
    let mut command = Command::new(path.join(format!("push{}", env::consts::EXE_SUFFIX)));
    command.env_remove("DOCKER_SCOUT_ORG");
    command
}

/// Writes a snapshot once, from a file.
fn push_once(directory: &Path, address: &str, arguments: &[&str]) -> Output {
    let json = serde_json::to_string(&snapshot()).unwrap();
    let file = write(directory, "snapshot.json", &json);
    let mut command = push();
    command
        .args(["--once", "--file", &file, "--label", "job=scout"])
        .args(["--to", &format!("http://{address}{PATH}")])
        .args(arguments);
    command.output().unwrap()
}

fn check(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.starts_with("wrote "), "{said}");
}

/// Returns the samples of the snapshot with the label `org`.
fn pushed_samples(snapshot: &Snapshot) -> BTreeSet<Sample> {
    let samples = samples(snapshot).into_iter();
    samples
        .map(|(metric, mut labels, value)| {
            labels.insert("org".to_owned(), "acme".to_owned());
            (metric, labels, value)
        })
        .collect()
}

fn start_prometheus(program: &Path, directory: &Path) -> Prometheus {
    write(directory, "prometheus.yml", "");
    let prometheus = Prometheus::start(program, directory, &["--web.enable-remote-write-receiver"]);
    // It listens before it accepts samples.
    eventually("Prometheus is ready", || {
        let (status, _) = crate::support::get(&prometheus.address, "/-/ready", None);
        (status == 200).then_some(())
    });
    prometheus
}

#[test]
fn prometheus_has_every_sample_with_each_version() {
    for program in generations("prometheus") {
        for arguments in [&[][..], &["--protocol", "1.0"]] {
            let directory = tempfile::tempdir().unwrap();
            let prometheus = start_prometheus(&program, directory.path());
            check(&push_once(directory.path(), &prometheus.address, arguments));
            assert_eq!(
                stored_samples(&prometheus.address),
                pushed_samples(&snapshot())
            );
        }
    }
}

#[test]
fn prometheus_3_understands_2_0_and_prometheus_2_does_not() {
    let generations = generations("prometheus");
    for (program, understands) in generations.iter().zip([false, true]) {
        let directory = tempfile::tempdir().unwrap();
        let prometheus = start_prometheus(program, directory.path());
        let output = push_once(
            directory.path(),
            &prometheus.address,
            &["--protocol", "2.0"],
        );
        assert_eq!(output.status.success(), understands, "{output:?}");
    }
}

#[test]
fn victoria_metrics_has_every_sample() {
    for program in generations("victoria-metrics") {
        let directory = tempfile::tempdir().unwrap();
        let (_running, address) = start_victoria_metrics(&program, directory.path(), &[]);
        check(&push_once(directory.path(), &address, &[]));
        assert_eq!(stored_samples(&address), pushed_samples(&snapshot()));
    }
}

#[cfg(unix)]
#[test]
fn series_end_when_a_stream_vanishes_and_when_the_program_stops() {
    for program in generations("prometheus") {
        let directory = tempfile::tempdir().unwrap();
        let prometheus = start_prometheus(&program, directory.path());
        let upstream = Upstream::start(snapshot());
        let mut command = push();
        command
            .args(["--org", "acme", "--url", &upstream.url, "--token-file"])
            .arg(upstream.directory.path().join("upstream-token"))
            .args([
                "--interval",
                "1s",
                "--write-interval",
                "2s",
                "--end-of-series",
            ])
            .args(["--to", &format!("http://{}{PATH}", prometheus.address)]);
        let running = Running::start(&mut command);
        let streams = "count(count by (streamName) ({__name__=~\"scout_.*\"}))";
        let are_there = |number: usize| {
            eventually(&format!("there are {number} streams"), || {
                (prometheus.value(streams) == Some(number as f64)).then_some(())
            });
        };
        are_there(snapshot().streams().len());
        let organization = snapshot().organization().clone();
        let staging = Stream::new("staging").with_vulnerabilities("1C".parse().unwrap());
        let other = Snapshot::new(organization, [staging]).unwrap();
        // Prometheus would find samples without an end for five minutes, which is longer than the test waits.
        upstream.source.set(Ok(other));
        are_there(1);
        let (status, log) = running.signal("TERM");
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("\nwrote "), "{log}");
        assert!(!log.contains("dropped"), "{log}");
        eventually("no stream is left", || {
            prometheus.value(streams).is_none().then_some(())
        });
    }
}

/// A receiver that decodes with other libraries than ours.
struct Stub {
    process: Child,
    lines: Receiver<String>,
    address: String,
}

impl Stub {
    fn start(python: &Path, kind: &str) -> Self {
        let mut process = Command::new(python)
            .arg(examples().join("tests/exporter/peers/remote_write.py"))
            .arg(kind)
            .stdout(Stdio::piped())
            // It complains about each connection that is closed.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let address = receiver.recv_timeout(PATIENCE).unwrap();
        Self {
            process,
            lines: receiver,
            address,
        }
    }

    /// Returns the next request: its version and its series.
    fn request(&self) -> (String, Vec<Value>) {
        let line = self.lines.recv_timeout(PATIENCE).unwrap();
        let request: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(request["error"], Value::Null, "{line}");
        let version = request["version"].as_str().unwrap().to_owned();
        (version, request["series"].as_array().unwrap().clone())
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns a series as a sample. The label of the option `--label` is left out.
fn read_series(series: &Value) -> Sample {
    let labels = series[0].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut labels: std::collections::BTreeMap<String, String> = labels
        .map(|label| (text(&label[0]), text(&label[1])))
        .collect();
    assert_eq!(labels.remove("job").as_deref(), Some("scout"));
    let name = labels.remove("__name__").unwrap();
    (name, labels, series[1].as_f64().unwrap() as u64)
}

#[test]
fn another_library_decodes_every_sample_of_both_versions() {
    let Some(python) = python() else { return };
    for (kind, expected) in [
        ("2.0", "2.0.0"),
        ("415", "0.1.0"),
        ("400", "0.1.0"),
        ("silent", "0.1.0"),
    ] {
        let stub = Stub::start(&python, kind);
        let directory = tempfile::tempdir().unwrap();
        check(&push_once(directory.path(), &stub.address, &[]));
        let (version, series) = stub.request();
        assert_eq!(version, expected);
        let samples: BTreeSet<Sample> = series.iter().map(read_series).collect();
        assert_eq!(samples, pushed_samples(&snapshot()));
        assert_eq!(samples.len(), series.len());
        if kind == "2.0" {
            const GAUGE: u64 = 2;
            for series in &series {
                assert_eq!(series[3].as_u64(), Some(GAUGE));
                assert!(!series[4].as_str().unwrap().is_empty());
            }
        }
    }
}

#[test]
fn an_exposition_belongs_to_the_given_organization() {
    let Some(python) = python() else { return };
    let stub = Stub::start(&python, "2.0");
    let directory = tempfile::tempdir().unwrap();
    let text =
        "scout_stream_vulnerabilities{streamName=\"production\",severity=\"HIGH\"} 3\n# EOF\n";
    let file = write(directory.path(), "metrics.prom", text);
    let mut command = push();
    command
        .args(["--once", "--file", &file, "--org", "acme"])
        .args(["--to", &format!("http://{}{PATH}", stub.address)]);
    check(&command.output().unwrap());
    let (_, series) = stub.request();
    let organization = serde_json::json!(["org", "acme"]);
    let labels = series[0][0].as_array().unwrap();
    assert!(labels.contains(&organization), "{labels:?}");

    let output = command.args(["--org", "apex"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn another_library_finds_the_ends_of_series() {
    let Some(python) = python() else { return };
    for kind in ["2.0", "415"] {
        let stub = Stub::start(&python, kind);
        let upstream = Upstream::start(snapshot());
        let mut command = push();
        command
            .args(["--org", "acme", "--url", &upstream.url, "--token-file"])
            .arg(upstream.directory.path().join("upstream-token"))
            .args(["--interval", "1s", "--to"])
            .arg(format!("http://{}{PATH}", stub.address));
        let _running = Running::start(&mut command);
        let (_, first) = stub.request();
        assert!(first.iter().all(|series| series[1].is_number()));
        let empty = Snapshot::new(snapshot().organization().clone(), []).unwrap();
        upstream.source.set(Ok(empty));
        let ended = loop {
            let (_, series) = stub.request();
            let ended: Vec<Value> = series
                .into_iter()
                .filter(|series| series[1].is_null())
                .collect();
            if !ended.is_empty() {
                break ended;
            }
        };
        let labels = |series: &[Value]| {
            series
                .iter()
                .map(|series| series[0].to_string())
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(labels(&ended), labels(&first));
    }
}

#[test]
fn the_program_says_why_it_cannot_write() {
    let directory = tempfile::tempdir().unwrap();
    for program in generations("prometheus") {
        // Without the option that enables the receiver.
        write(directory.path(), "prometheus.yml", "");
        let prometheus = Prometheus::start(&program, directory.path(), &[]);
        let output = push_once(directory.path(), &prometheus.address, &[]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("--web.enable-remote-write-receiver"),
            "{said}"
        );
    }
    let output = push_once(directory.path(), "127.0.0.1:1", &["--label", "org=other"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        said,
        "error: the label `org` of `with_label` is set to the organization\n"
    );
    let unread = push()
        .args(["--to", "http://localhost", "--file", "-"])
        .output()
        .unwrap();
    assert_eq!(unread.status.code(), Some(2));
}
