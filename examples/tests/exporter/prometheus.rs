//! Prometheus with the committed configuration and rules.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use scout_metrics_core::{Error, ErrorKind};

use crate::boards;
use crate::support::{
    Running, Upstream, eventually, examples, generations, get, run_with_input, snapshot,
    start_exporter, write,
};

/// A Prometheus server for one test.
pub(crate) struct Prometheus {
    pub(crate) address: String,
    _running: Running,
}

impl Prometheus {
    pub(crate) fn start(program: &Path, directory: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command
            .current_dir(directory)
            .args([
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                "--web.listen-address=127.0.0.1:0",
            ])
            .args(arguments);
        let mut running = Running::start(&mut command);
        let attributes = running.logged("msg=\"Listening on\"");
        let (_, address) = attributes.split_once("address=").unwrap();
        Self {
            address: address.trim().to_owned(),
            _running: running,
        }
    }

    /// Calls its API. Returns `None` until the server is ready.
    fn ask(&self, path: &str) -> Option<Value> {
        let (_, body) = get(&self.address, path, None);
        let answer: Value = serde_json::from_str(&body).ok()?;
        assert_eq!(answer["status"], "success", "{path}: {body}");
        Some(answer["data"].clone())
    }

    /// Returns the series that an instant query returns now.
    pub(crate) fn query(&self, query: &str) -> Vec<Value> {
        self.query_at(query, SystemTime::now())
    }

    fn query_at(&self, query: &str, time: SystemTime) -> Vec<Value> {
        let time = time.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let query = percent_encoded(query);
        let path = format!("/api/v1/query?time={time:.3}&query={query}");
        let result = self.ask(&path).map(|data| data["result"].clone());
        result
            .and_then(|result| result.as_array().cloned())
            .unwrap_or_default()
    }

    /// Returns the single value that an instant query returns now.
    pub(crate) fn value(&self, query: &str) -> Option<f64> {
        self.value_at(query, SystemTime::now())
    }

    /// Returns the single value that an instant query returns for the given time.
    pub(crate) fn value_at(&self, query: &str, time: SystemTime) -> Option<f64> {
        let result = self.query_at(query, time);
        let value = result.first()?["value"][1].as_str()?.parse().ok();
        assert_eq!(result.len(), 1, "{query}");
        value
    }

    /// Waits until a query returns series.
    pub(crate) fn found(&self, query: &str) -> Vec<Value> {
        eventually(query, || {
            Some(self.query(query)).filter(|result| !result.is_empty())
        })
    }

    /// Returns the values of a label of some series.
    pub(crate) fn label_values(&self, series: &str, label: &str) -> Vec<String> {
        let series = percent_encoded(series);
        let values = self.ask(&format!("/api/v1/label/{label}/values?match[]={series}"));
        serde_json::from_value(values.unwrap()).unwrap()
    }

    /// Returns the health and the last error of the target of a job.
    fn target(&self, job: &str) -> Option<(String, String)> {
        let targets = self.ask("/api/v1/targets?state=active")?;
        let targets = targets["activeTargets"].as_array()?.clone();
        let target = targets
            .iter()
            .find(|target| target["labels"]["job"] == job)?;
        let text = |name: &str| target[name].as_str().unwrap_or_default().to_owned();
        Some((text("health"), text("lastError")))
    }

    /// Waits until the target of a job is down with an error that contains a text.
    pub(crate) fn wait_for_error(&self, job: &str, text: &str) {
        eventually(&format!("{job} is down with `{text}`"), || {
            let (health, error) = self.target(job)?;
            (health == "down" && error.contains(text)).then_some(())
        })
    }

    pub(crate) fn wait_for_target(&self, job: &str, health: &str) -> String {
        eventually(&format!("{job} is {health}"), || {
            let (found, error) = self.target(job)?;
            (found == health).then_some(error)
        })
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Copies the committed configuration and rules, with an address instead of the name in the compose file's network.
pub(crate) fn copy_configuration(directory: &Path, address: &str) {
    let committed = examples().join("prometheus");
    for name in ["rules", "secrets"] {
        fs::create_dir(directory.join(name)).unwrap();
    }
    for name in ["recording.yml", "alerting.yml", "tests.yml"] {
        let rules = committed.join("rules").join(name);
        fs::copy(rules, directory.join("rules").join(name)).unwrap();
    }
    write(directory, "secrets/scrape_token", "s3cr3t\n");
    let configuration = fs::read_to_string(committed.join("prometheus.yml")).unwrap();
    assert!(configuration.contains("exporter:10990"));
    let configuration = configuration.replace("exporter:10990", address);
    write(directory, "prometheus.yml", &configuration);
}

/// Changes all intervals in the configuration to a second, and enables the jobs that are commented out.
pub(crate) fn hasten_and_complete(directory: &Path) {
    let configuration = fs::read_to_string(directory.join("prometheus.yml")).unwrap();
    let lines = configuration.lines().map(|line| {
        let line = line.replace(": 60s", ": 1s").replace(": 10s", ": 1s");
        match line.strip_prefix("  # ") {
            Some(code) if code.starts_with("- ") || code.starts_with("  ") => format!("  {code}"),
            _ => line,
        }
    });
    let lines: Vec<String> = lines.collect();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("- job_name"))
            .count(),
        3
    );
    write(directory, "prometheus.yml", &lines.join("\n"));
}

fn run_promtool(promtool: &Path, directory: &Path, arguments: &[&str]) {
    let mut command = Command::new(promtool);
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .current_dir(directory)
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8([stdout, stderr].concat()).unwrap();
    assert!(status.success(), "{said}");
    assert!(said.contains("SUCCESS"), "{said}");
}

#[test]
fn promtool_accepts_configuration_and_rules_and_their_tests_pass() {
    for promtool in generations("promtool") {
        let directory = tempfile::tempdir().unwrap();
        copy_configuration(directory.path(), "exporter:10990");
        let run = |arguments: &[&str]| run_promtool(&promtool, directory.path(), arguments);
        run(&["check", "config", "prometheus.yml"]);
        let rules = ["rules/recording.yml", "rules/alerting.yml"];
        run(&[
            &["check", "rules", "--lint=all", "--lint-fatal"][..],
            &rules,
        ]
        .concat());
        run(&["test", "rules", "rules/tests.yml"]);

        hasten_and_complete(directory.path());
        run(&["check", "config", "prometheus.yml"]);
    }
}

#[test]
fn promtool_only_remarks_that_labels_are_in_camel_case() {
    for promtool in generations("promtool") {
        let upstream = Upstream::start(snapshot());
        let (_exporter, address) = start_exporter(upstream.exporter().args(["--org", "acme"]));
        eventually("the first fetch", || {
            (get(&address, "/-/ready", None).0 == 200).then_some(())
        });
        let (_, metrics) = get(&address, "/metrics", None);
        let mut command = Command::new(promtool);
        let output = run_with_input(command.args(["check", "metrics"]), metrics.as_bytes());
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let remark = "label names should be written in 'snake_case' not 'camelCase'";
        let (known, unknown): (Vec<_>, Vec<_>) =
            said.lines().partition(|line| line.ends_with(remark));
        assert_eq!(unknown, [""; 0]);
        // There is one remark for each of the three families with such labels, which proves that promtool read them all.
        assert!(known.len() >= 3, "{said}");
    }
}

#[test]
fn no_alert_sets_the_label_severity() {
    let rules = fs::read_to_string(examples().join("prometheus/rules/alerting.yml")).unwrap();
    assert!(rules.matches("\n      - alert: ").count() >= 7);
    assert!(!rules.contains("\n          severity:"));
}

#[test]
fn every_query_about_the_exporter_and_every_rule_has_data() {
    for prometheus in generations("prometheus") {
        check_queries_and_rules(&prometheus);
    }
}

fn check_queries_and_rules(program: &Path) {
    let upstream = Upstream::start(snapshot());
    // This causes a failure to count.
    upstream
        .source
        .set(Err(Error::new(ErrorKind::Unavailable, "starting")));
    let (_exporter, address) = start_guarded_exporter(&upstream);
    let directory = tempfile::tempdir().unwrap();
    copy_configuration(directory.path(), &address);
    hasten_and_complete(directory.path());
    let prometheus = Prometheus::start(program, directory.path(), &[]);
    prometheus.found("scout_exporter_fetch_errors_total > 0");
    upstream.source.set(Ok(snapshot()));

    for job in ["scout", "scout-acme", "scout-discovered"] {
        let query = format!("scout_policy_evaluated_images{{job=\"{job}\", org=\"acme\"}}");
        let of_job = prometheus.found(&query);
        let streams = snapshot().streams().to_vec();
        let results = streams.iter().map(|stream| stream.policies().len());
        assert_eq!(of_job.len(), results.sum::<usize>(), "{job}");
    }
    for query in boards::queries_about_the_exporter() {
        for series in prometheus.found(&query) {
            let value = series["value"][1].as_str().unwrap();
            assert!(
                value.parse::<f64>().unwrap().is_finite(),
                "{query} is {value}"
            );
        }
    }
    check_rules(&prometheus);
}

fn start_guarded_exporter(upstream: &Upstream) -> (Running, String) {
    let token = upstream.write("scrape-token", "s3cr3t\n");
    let mut command = upstream.exporter();
    command.args(["--org", "acme", "--interval", "1s", "--timeout", "1s"]);
    start_exporter(command.args(["--web.bearer-token-file", &token]))
}

/// Checks that each rule is evaluated without an error, and that there is data for every metric in a rule.
fn check_rules(prometheus: &Prometheus) {
    let rules = eventually("each rule is evaluated", || {
        let groups = prometheus.ask("/api/v1/rules")?;
        let groups = groups["groups"].as_array()?.iter();
        let rules: Vec<Value> = groups
            .flat_map(|group| group["rules"].as_array().unwrap().clone())
            .collect();
        rules
            .iter()
            .all(|rule| rule["health"] == "ok")
            .then_some(rules)
    });
    assert_eq!(rules.len(), 13);
    for rule in &rules {
        if rule["type"] == "recording" {
            prometheus.found(rule["name"].as_str().unwrap());
        }
        let query = rule["query"].as_str().unwrap();
        for metric in metrics_in(query) {
            prometheus.found(&metric);
        }
    }
}

/// Returns the metric names of Scout and of the exporter in a query.
fn metrics_in(query: &str) -> Vec<String> {
    query
        .split(|c: char| !(c.is_ascii_alphanumeric() || "_:".contains(c)))
        .filter(|name| name.contains("scout_") || *name == "up")
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_token_is_rotated_and_revoked_while_everything_runs() {
    for prometheus in generations("prometheus") {
        rotate_and_revoke_a_token(&prometheus);
    }
}

fn rotate_and_revoke_a_token(program: &Path) {
    let upstream = Upstream::start(snapshot());
    let (_exporter, address) = start_guarded_exporter(&upstream);
    let directory = tempfile::tempdir().unwrap();
    copy_configuration(directory.path(), &address);
    hasten_and_complete(directory.path());
    let mut prometheus = Prometheus::start(program, directory.path(), &[]);
    prometheus.wait_for_target("scout", "up");

    // Revoked: the exporter requires another token.
    upstream.write("scrape-token", "rotated\n");
    for job in ["scout", "scout-acme"] {
        let error = prometheus.wait_for_target(job, "down");
        assert_eq!(error, "server returned HTTP status 401 Unauthorized");
    }
    eventually("the series of the target end", || {
        prometheus
            .query("scout_stream_vulnerabilities{job=\"scout\"}")
            .is_empty()
            .then_some(())
    });
    // Rotated: Prometheus has the new token too.
    write(directory.path(), "secrets/scrape_token", "rotated\n");
    // Debian's newer one is built with a version of prometheus/common that keeps the first token for as long as the
    // program runs: https://github.com/prometheus/common/issues/981
    if program.is_absolute() {
        drop(prometheus);
        prometheus = Prometheus::start(program, directory.path(), &[]);
    }
    for job in ["scout", "scout-acme"] {
        prometheus.wait_for_target(job, "up");
    }
    prometheus.found("scout_stream_vulnerabilities{job=\"scout\"}");
}
