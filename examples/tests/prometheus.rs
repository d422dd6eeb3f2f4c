//! What real Prometheus programs make of the exporter. Without them the tests are skipped, with a line that says so;
//! with `SCOUT_METRICS_REQUIRE_PEERS=1` in the environment they fail instead.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

use std::{
    collections::BTreeSet,
    env, fs,
    future::pending,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use scout_metrics_core::{MemorySource, Policy, PolicyResult, Snapshot, Stream};
use scout_metrics_examples::sample;
use scout_metrics_http::exporter::{Exporter, Server};
use scout_metrics_openmetrics::{Format, scout};

/// Prometheus needs about a second to start and another one to scrape.
const PATIENCE: Duration = Duration::from_secs(60);

fn is_installed(program: &str) -> bool {
    let outcome = Command::new(program).arg("--version").output();
    if outcome.is_ok() {
        return true;
    }
    let is_required = env::var_os("SCOUT_METRICS_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(
        !is_required,
        "`{program}` is required and cannot be run: {outcome:?}"
    );
    // Not `eprintln!`, which the test harness keeps to itself.
    let line = format!("SKIPPED: `{program}` is not installed (Debian package prometheus)\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
    false
}

/// The sample data, and names with everything in them that has to be escaped somewhere on the way.
fn snapshot() -> Snapshot {
    let names = [
        "a,b=c{d}",
        "quote \" backslash \\ newline \n tab \t NUL \0",
        "日本 👩‍🚀",
        "<script>",
        "\\n\\\"",
    ];
    let hostile = names.map(|name| {
        let result = PolicyResult::new(Policy::new(name, name), 3, 4).unwrap();
        Stream::new(name)
            .with_vulnerabilities("5C 3H 6M 63L 6?".parse().unwrap())
            .with_policy(result)
    });
    let sample = sample::snapshot().unwrap();
    let streams = sample.streams().iter().cloned().chain(hostile);
    Snapshot::new(sample.organization().clone(), streams).unwrap()
}

#[test]
fn promtool_has_nothing_to_say_but_that_labels_are_in_camel_case() {
    if !is_installed("promtool") {
        return;
    }
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let exposition = scout::encode(&snapshot(), Format::Prometheus);
    let mut input = promtool.stdin.take().unwrap();
    input.write_all(exposition.body()).unwrap();
    drop(input);
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let remark = "label names should be written in 'snake_case' not 'camelCase'";
    let (known, unknown): (Vec<_>, Vec<_>) = said.lines().partition(|line| line.ends_with(remark));
    assert_eq!(unknown, [""; 0]);
    // The remark proves that it read what was written: one for each of the three families with such labels.
    assert!(known.len() >= 3, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_every_sample() {
    if !is_installed("prometheus") {
        return;
    }
    let (snapshot, token) = (snapshot(), "dckr_pat_0123456789");
    let prometheus = Prometheus::scraping(start_exporter(&snapshot, token), token);
    for (metric, labels, expected) in expected_samples(&snapshot) {
        assert_eq!(prometheus.samples(metric, labels), expected, "{metric}");
    }
}

fn start_exporter(snapshot: &Snapshot, token: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let source = MemorySource::new(snapshot.clone());
    let router = Exporter::new()
        .with_source(source)
        .with_bearer_token(token)
        .into_router()
        .unwrap();
    tokio::spawn(Server::new(router).serve(listener, pending()));
    address
}

/// The values of some labels, and the value of the sample.
type Sample = (Vec<String>, u64);

fn expected_samples(
    snapshot: &Snapshot,
) -> [(&'static str, &'static [&'static str], BTreeSet<Sample>); 3] {
    let vulnerabilities = snapshot.streams().iter().flat_map(|stream| {
        let counts = stream.vulnerabilities().iter();
        counts
            .map(|(severity, count)| (vec![stream.name().to_string(), severity.to_string()], count))
    });
    let policies = |count: fn(&PolicyResult) -> u64| {
        let of_stream = move |stream: &Stream| -> Vec<Sample> {
            let sample = |result: &PolicyResult| {
                let policy = result.policy();
                let labels = [
                    policy.id().as_str(),
                    policy.display_name(),
                    stream.name().as_str(),
                ];
                (labels.map(str::to_owned).to_vec(), count(result))
            };
            stream.policies().iter().map(sample).collect()
        };
        snapshot.streams().iter().flat_map(of_stream).collect()
    };
    let of_policy = &["id", "displayName", "streamName"];
    [
        (
            "scout_stream_vulnerabilities",
            &["streamName", "severity"],
            vulnerabilities.collect(),
        ),
        (
            "scout_policy_compliant_images",
            of_policy,
            policies(PolicyResult::compliant),
        ),
        (
            "scout_policy_evaluated_images",
            of_policy,
            policies(PolicyResult::evaluated),
        ),
    ]
}

/// A Prometheus server of its own, killed when the test is over, whichever way it ends.
struct Prometheus {
    process: Child,
    address: String,
    _directory: TempDir,
}

impl Prometheus {
    fn scraping(target: SocketAddr, token: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        fs::write(file("token"), format!("{token}\n")).unwrap();
        let configuration = format!(
            "\
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: scout
    metrics_path: /v1/exporter/org/acme/metrics
    authorization:
      credentials_file: token
    static_configs:
      - targets: ['{target}']
"
        );
        fs::write(file("prometheus.yml"), configuration).unwrap();
        let mut process = Command::new("prometheus")
            .arg(format!(
                "--config.file={}",
                file("prometheus.yml").display()
            ))
            .arg(format!("--storage.tsdb.path={}", file("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = process.stderr.take().unwrap();
        let mut started = Self {
            process,
            address: String::new(),
            _directory: directory,
        };
        started.address = address_in(log);
        started
    }

    /// Asks until there is an answer with samples, and returns it.
    fn samples(&self, metric: &str, labels: &[&str]) -> BTreeSet<Sample> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let answer = self.get(&format!("/api/v1/query?query={metric}"));
            // No JSON comes before Prometheus is ready.
            let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
            let result = answer["data"]["result"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            if !result.is_empty() {
                return result
                    .iter()
                    .map(|sample| read_sample(sample, labels))
                    .collect();
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!(
            "no sample of {metric} after {PATIENCE:?}: {}",
            self.get("/api/v1/targets")
        );
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // Version 1.0, so that the body ends with the connection.
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        body.to_owned()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the address that Prometheus says it listens on, and keeps reading so that it never waits for its log.
fn address_in(log: impl Read + Send + 'static) -> String {
    let (found, address) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if let Some((_, address)) = line.split_once("msg=\"Listening on\" address=") {
                let _ = found.send(address.trim().to_owned());
            }
        }
    });
    address
        .recv_timeout(PATIENCE)
        .expect("Prometheus says where it listens")
}

fn read_sample(sample: &Value, labels: &[&str]) -> Sample {
    let label = |name: &&str| sample["metric"][*name].as_str().unwrap().to_owned();
    let value = sample["value"][1].as_str().unwrap().parse().unwrap();
    (labels.iter().map(label).collect(), value)
}
