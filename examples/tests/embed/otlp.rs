//! Pushes with OTLP, decoded by an independent library.

use std::collections::BTreeMap;

use serde::Deserialize;

use scout_metrics_core::MemorySource;

use crate::{
    collector::Collector,
    embed::Embed,
    peer,
    program::{example, serve, stderr},
    values::{Values, encoded, nasty, of_scout},
};

#[derive(Deserialize)]
struct Point {
    name: String,
    labels: BTreeMap<String, String>,
    kind: String,
    value: u64,
}

fn decoded(python: &std::path::Path, body: &[u8]) -> Values {
    let lines = peer::run_peer(python, "embed/decode_otlp.py", &[], body);
    let point = |line: &str| {
        let point: Point = serde_json::from_str(line).unwrap();
        assert_eq!(point.kind, "as_int", "{line}");
        ((point.name, point.labels), point.value as f64)
    };
    lines.lines().map(point).collect()
}

#[test]
fn a_collector_gets_what_the_encoder_writes() {
    let Some(python) = peer::python() else {
        return;
    };
    let collector = Collector::start();
    let snapshots = [nasty("acme"), nasty("apex")];
    let url = serve(snapshots.clone().map(MemorySource::new));
    let mut arguments = vec!["--org", "acme", "--org", "apex", "--url", &url];
    arguments.extend(["--otlp", &collector.url, "--otlp-interval", "100ms"]);
    let embed = Embed::start(&arguments);
    let expected = encoded(&snapshots);
    // The first pushes may come before the first scrapes have ended.
    let values = loop {
        let (headers, body) = collector.next();
        assert_eq!(headers["content-type"], "application/x-protobuf");
        let values = of_scout(decoded(&python, &body));
        if values.len() == expected.len() {
            break values;
        }
    };
    assert_eq!(values, expected);
    drop(embed);
}

#[cfg(unix)]
#[test]
fn the_last_metrics_are_pushed_when_the_program_stops() {
    let collector = Collector::start();
    // No push is due while the test runs.
    let embed = Embed::start(&["--otlp", &collector.url, "--otlp-interval", "1h"]);
    embed.get("/metrics/prometheus");
    embed.interrupt();
    let (_, body) = collector.next();
    assert!(!body.is_empty());
}

#[test]
fn the_collector_has_to_be_a_url() {
    let arguments = ["--listen", "127.0.0.1:0", "--otlp", "localhost:4318"];
    let output = example("embed").args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = "--otlp is not a URL such as http://localhost:4318/v1/metrics";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
}
