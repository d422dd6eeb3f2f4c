//! VictoriaMetrics, Datadog's check, the reference parsers, and the schemas of the deployment files.

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::Value;

use crate::prometheus::Prometheus;
use crate::support::{
    METRICS, Sample, Upstream, eventually, examples, generations, get, newer, python, run_peer,
    samples, snapshot, start_exporter, start_victoria_metrics,
};

/// Parses lines with one JSON array each: name, labels, value.
fn read_samples(lines: &str) -> BTreeSet<Sample> {
    lines
        .lines()
        .map(|line| {
            let (name, labels, value): (String, _, f64) = serde_json::from_str(line).unwrap();
            (name, labels, value as u64)
        })
        .collect()
}

#[test]
fn victoria_metrics_scrapes_every_sample() {
    for victoria_metrics in generations("victoria-metrics") {
        let upstream = Upstream::start(snapshot());
        let token = upstream.write("scrape-token", "s3cr3t\n");
        let mut command = upstream.exporter();
        command.args(["--org", "acme", "--web.bearer-token-file", &token]);
        let (_exporter, target) = start_exporter(&mut command);
        let configuration = upstream.write("scrape.yml", &scrape_configuration(&target, &token));
        let scrape = format!("-promscrape.config={configuration}");
        let (_victoria, address) =
            start_victoria_metrics(&victoria_metrics, upstream.directory.path(), &[&scrape]);
        assert_eq!(stored_samples(&address), samples(&snapshot()));
    }
}

/// Scrapes a router in a user's own program, which is what the upstream is.
#[test]
fn prometheus_scrapes_every_sample() {
    for prometheus in generations("prometheus") {
        let upstream = Upstream::start(snapshot());
        let target = upstream.url.strip_prefix("http://").unwrap();
        let configuration = scrape_configuration(target, "upstream-token");
        upstream.write("prometheus.yml", &configuration);
        let prometheus = Prometheus::start(&prometheus, upstream.directory.path(), &[]);
        assert_eq!(stored_samples(&prometheus.address), samples(&snapshot()));
    }
}

fn scrape_configuration(target: &str, token_file: &str) -> String {
    format!(
        "\
scrape_configs:
  - job_name: scout
    scrape_interval: 1s
    metrics_path: {METRICS}
    authorization:
      credentials_file: {token_file}
    static_configs:
      - targets: ['{target}']
"
    )
}

/// Waits until a database has samples of each metric, and returns them.
pub(crate) fn stored_samples(address: &str) -> BTreeSet<Sample> {
    let mut found = BTreeSet::new();
    for metric in [
        "stream_vulnerabilities",
        "policy_compliant_images",
        "policy_evaluated_images",
    ] {
        // VictoriaMetrics returns samples late by default. Prometheus ignores the parameter that it does not know.
        let path = format!("/api/v1/query?latency_offset=1ms&query=scout_{metric}");
        found.append(&mut eventually("there are samples", || {
            let answer: Value =
                serde_json::from_str(&get(address, &path, None).1).unwrap_or_default();
            let result = answer["data"]["result"].as_array()?.clone();
            (!result.is_empty()).then(|| result.iter().map(read_sample).collect())
        }));
    }
    found
}

fn read_sample(sample: &Value) -> Sample {
    let labels = sample["metric"].as_object().unwrap().iter();
    let of_scout =
        labels.filter(|(name, _)| !["__name__", "instance", "job"].contains(&name.as_str()));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&sample["metric"]["__name__"]),
        of_scout
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        text(&sample["value"][1]).parse().unwrap(),
    )
}

#[test]
fn datadog_collects_every_sample_with_the_committed_configuration() {
    let Some(python) = python() else { return };
    let upstream = Upstream::start(snapshot());
    let token = upstream.write("scrape-token", "s3cr3t\n");
    let mut command = upstream.exporter();
    command.args(["--org", "acme", "--web.bearer-token-file", &token]);
    let (_exporter, address) = start_exporter(&mut command);
    let configuration = examples().join("datadog/conf.yaml");
    let arguments = [configuration.to_str().unwrap(), &address, &token];
    let collected = run_peer(&python, "exporter/peers/datadog.py", &arguments, b"");
    let (own, scout) = own_and_scout(read_samples(&collected));
    assert_eq!(scout, samples_of_acme());
    assert!(own.iter().any(|(metric, ..)| metric == "scout_exporter_up"));
}

#[test]
fn the_reference_parsers_read_both_formats() {
    let Some(python) = python() else { return };
    let upstream = Upstream::start(snapshot());
    let (_exporter, address) = start_exporter(upstream.exporter().args(["--org", "acme"]));
    for accept in ["text/plain", "application/openmetrics-text; version=1.0.0"] {
        let (content_type, body) = get_as(&address, METRICS, accept);
        assert_eq!(content_type.split(';').next(), accept.split(';').next());
        let parsed = run_peer(
            &python,
            "exporter/peers/parsers.py",
            &[&content_type],
            body.as_bytes(),
        );
        assert_eq!(read_samples(&parsed), samples(&snapshot()), "{accept}");

        let (content_type, body) = get_as(&address, "/metrics", accept);
        let parsed = run_peer(
            &python,
            "exporter/peers/parsers.py",
            &[&content_type],
            body.as_bytes(),
        );
        let (own, scout) = own_and_scout(read_samples(&parsed));
        assert_eq!(scout, samples_of_acme(), "{accept}");
        assert!(own.iter().any(|(metric, ..)| metric == "scout_exporter_up"));
    }
}

/// Divides the samples of `/metrics` into those of the exporter itself and those of Docker Scout.
fn own_and_scout(samples: BTreeSet<Sample>) -> (BTreeSet<Sample>, BTreeSet<Sample>) {
    samples
        .into_iter()
        .partition(|(metric, ..)| metric.starts_with("scout_exporter_"))
}

/// Returns the samples that a scraper of `/metrics` must find.
fn samples_of_acme() -> BTreeSet<Sample> {
    let samples = samples(&snapshot()).into_iter();
    samples
        .map(|(metric, mut labels, value)| {
            labels.insert("org".to_owned(), "acme".to_owned());
            (metric, labels, value)
        })
        .collect()
}

/// Requests a path in a format and returns the content type and the body.
fn get_as(address: &str, path: &str, accept: &str) -> (String, String) {
    use std::io::{Read, Write};

    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nAccept: {accept}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let content_type = head
        .lines()
        .find_map(|line| line.strip_prefix("content-type: "))
        .unwrap();
    (content_type.to_owned(), body.to_owned())
}

#[test]
fn the_deployment_files_match_their_schemas_and_are_hardened() {
    let Some(python) = python() else { return };
    let directory = examples();
    let said = run_peer(
        &python,
        "exporter/peers/deployment.py",
        &[directory.to_str().unwrap()],
        b"",
    );
    assert_eq!(said, "deployment files are as they should be\n");
}

#[test]
fn docker_compose_understands_the_compose_files_and_fills_in_the_organization() {
    let Some(compose) = newer("libexec/docker/cli-plugins/docker-compose", "version") else {
        return;
    };
    for project in ["prometheus", "datadog"] {
        let directory = examples().join(project);
        let mut command = Command::new(&compose);
        command
            .args(["--profile", "*", "config", "--format", "json"])
            .current_dir(directory)
            .env("SCOUT_ORG", "mycorp");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        // No warning either, such as one about a variable that is not set.
        assert_eq!(said, "");
        let resolved: Value = serde_json::from_slice(&output.stdout).unwrap();
        let environment = &resolved["services"]["exporter"]["environment"];
        assert_eq!(environment["SCOUT_EXPORTER_ORG"], "mycorp");
        assert_eq!(environment["SCOUT_EXPORTER_DEMO"], "false");
    }
}

#[test]
fn no_file_but_the_configuration_for_a_cluster_names_an_organization() {
    for file in ["datadog/conf.yaml", "prometheus/alertmanager.yml"] {
        let text = fs::read_to_string(examples().join(file)).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        let naming: Vec<_> = lines.filter(|line| line.contains("acme")).collect();
        assert!(naming.is_empty(), "{file}: {naming:?}");
    }
}
