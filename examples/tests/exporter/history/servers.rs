//! Servers with the query API, filled with past snapshots.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
};

use scout_metrics_core::Snapshot;
use scout_metrics_http::{PrometheusHistory, PrometheusHistoryBuilder};
use scout_metrics_openmetrics::Format;
use tempfile::TempDir;

use super::filled::exposition;
use crate::{
    prometheus::Prometheus,
    support::{eventually, generations, request, run_with_input, start_victoria_metrics, write},
};

/// A running server, which is stopped when it is dropped.
pub(super) struct Filled {
    pub(super) name: String,
    pub(super) url: String,
    _process: Box<dyn Send>,
    _directory: TempDir,
}

impl Filled {
    pub(super) fn history(&self) -> PrometheusHistory {
        self.builder().build().unwrap()
    }

    pub(super) fn builder(&self) -> PrometheusHistoryBuilder {
        PrometheusHistory::builder(&self.url)
    }
}

/// Starts each server in each generation that is installed, with these snapshots.
pub(super) fn filled(snapshots: &[Snapshot]) -> Vec<Filled> {
    let mut all = Vec::new();
    let openmetrics = exposition(snapshots, Format::OpenMetrics);
    for (prometheus, promtool) in generations("prometheus")
        .iter()
        .zip(generations("promtool"))
    {
        all.push(start_prometheus(prometheus, &promtool, &openmetrics));
    }
    let text = exposition(snapshots, Format::Prometheus);
    for victoria_metrics in generations("victoria-metrics") {
        all.push(start_victoria(&victoria_metrics, &text));
    }
    all
}

fn start_prometheus(prometheus: &Path, promtool: &Path, openmetrics: &str) -> Filled {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "prometheus.yml", "");
    write(directory.path(), "snapshots.om", openmetrics);
    let mut command = Command::new(promtool);
    command.current_dir(directory.path()).args([
        "tsdb",
        "create-blocks-from",
        // Otherwise there is a block for every two hours.
        "--max-block-duration=744h",
        "openmetrics",
        "snapshots.om",
        "data",
    ]);
    let output = run_with_input(&mut command, b"");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let retention = "--storage.tsdb.retention.time=100y";
    let server = Prometheus::start(prometheus, directory.path(), &[retention]);
    // It listens before it is ready.
    eventually("Prometheus is ready", || {
        let answer = request(&server.address, "/-/ready", "");
        answer.contains(" 200 ").then_some(())
    });
    Filled {
        name: prometheus.display().to_string(),
        url: format!("http://{}", server.address),
        _process: Box::new(server),
        _directory: directory,
    }
}

fn start_victoria(program: &Path, text: &str) -> Filled {
    let directory = tempfile::tempdir().unwrap();
    let (running, address) =
        start_victoria_metrics(program, directory.path(), &["-retentionPeriod=100y"]);
    post(&address, "/api/v1/import/prometheus", text);
    // Imported samples can be searched after a second or two.
    request(&address, "/internal/force_flush", "");
    Filled {
        name: program.display().to_string(),
        url: format!("http://{address}"),
        _process: Box::new(running),
        _directory: directory,
    }
}

fn post(address: &str, path: &str, body: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 204 "), "{answer}");
}
