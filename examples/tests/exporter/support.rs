//! Helpers for the tests of the exporter: the running program, a scripted upstream, and a small client.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use scout_metrics_core::{MemorySource, Policy, PolicyResult, Snapshot, Stream};
use scout_metrics_examples::sample;
use scout_metrics_http::exporter::Exporter;

pub(crate) use crate::peer::{is_there, python, run_peer, run_with_input, tools};
use crate::poll;

/// The path of the metrics of an organization.
pub(crate) const METRICS: &str = "/v1/exporter/org/acme/metrics";

/// The token that the upstream requires.
pub(crate) const UPSTREAM_TOKEN: &str = "dckr_pat_0123456789";

/// Long enough for a busy machine to start a program and use it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Returns a command that runs the exporter, without the environment variables that it reads.
pub(crate) fn exporter() -> Command {
    example("exporter")
}

/// Returns a command that runs an example, without the environment variables that the examples read.
pub(crate) fn example(name: &str) -> Command {
    let directory = env::current_exe().unwrap();
    let directory = directory.parent().unwrap().with_file_name("examples");
    let path = directory.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} is missing: `cargo build --examples` builds it",
        path.display()
    );
    let mut command = Command::new(path);
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("SCOUT_EXPORTER_") || name.starts_with("DOCKER_SCOUT_") {
            command.env_remove(&variable);
        }
    }
    command
}

/// Returns the directory of the examples.
pub(crate) fn examples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A running program, killed when the test ends, even by a panic.
pub(crate) struct Running {
    process: Child,
    log: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    /// Starts a program and collects what it writes to standard error.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, log) = mpsc::channel();
        // Read to the end, so that the program never blocks on its log.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self {
            process,
            log,
            seen: Vec::new(),
        }
    }

    /// Waits for a log line that contains the text, and returns the rest of the line after it.
    pub(crate) fn logged(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(line) = self.log.recv_timeout(deadline - Instant::now()) {
            self.seen.push(line.clone());
            if let Some((_, rest)) = line.split_once(text) {
                return rest.to_owned();
            }
        }
        panic!("no `{text}` in the log: {:#?}", self.seen);
    }

    pub(crate) fn send(&self, signal: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Sends a signal and returns how the program ended, with everything it logged.
    pub(crate) fn signal(mut self, name: &str) -> (ExitStatus, String) {
        self.send(name);
        let status = self.process.wait().unwrap();
        self.seen.extend(self.log.iter());
        (status, self.seen.join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts the exporter on a free port and returns it with its address.
pub(crate) fn start_exporter(command: &mut Command) -> (Running, String) {
    command.args(["--web.listen-address", "127.0.0.1:0"]);
    let mut running = Running::start(command);
    let address = running.logged("listening address=http://");
    (running, address)
}

/// Starts VictoriaMetrics on a free port, with its data in a directory, and returns it with its address.
pub(crate) fn start_victoria_metrics(
    program: &Path,
    directory: &Path,
    arguments: &[&str],
) -> (Running, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut command = Command::new(program);
    command
        .arg(format!(
            "-storageDataPath={}",
            directory.join("data").display()
        ))
        .arg(format!("-httpListenAddr={address}"))
        .args(arguments);
    let mut running = Running::start(&mut command);
    // Version 1.79 starts "http server at", version 1.145 "server at".
    running.logged(" server at ");
    eventually("VictoriaMetrics answers", || {
        TcpStream::connect(&address).ok()
    });
    (running, address)
}

/// An upstream on this machine that serves a source.
pub(crate) struct Upstream {
    pub(crate) source: MemorySource,
    pub(crate) url: String,
    pub(crate) directory: TempDir,
}

impl Upstream {
    pub(crate) fn start(snapshot: Snapshot) -> Self {
        Self::start_all([snapshot])
    }

    /// Starts an upstream of several organizations. `source` is the first.
    pub(crate) fn start_all<const N: usize>(snapshots: [Snapshot; N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let sources = snapshots.map(MemorySource::new);
        let exporter = sources
            .iter()
            .cloned()
            .fold(Exporter::new(), Exporter::with_source);
        let router = exporter
            .with_bearer_token(UPSTREAM_TOKEN)
            .into_router()
            .unwrap();
        thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                listener.set_nonblocking(true).unwrap();
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await
            })
        });
        let upstream = Self {
            source: sources[0].clone(),
            url,
            directory: tempfile::tempdir().unwrap(),
        };
        upstream.write("upstream-token", &format!("{UPSTREAM_TOKEN}\n"));
        upstream
    }

    /// Writes a file into a directory that is removed with the upstream, and returns the path.
    pub(crate) fn write(&self, name: &str, content: &str) -> String {
        write(self.directory.path(), name, content)
    }

    /// Returns a command that runs an exporter of this upstream.
    pub(crate) fn exporter(&self) -> Command {
        let mut command = exporter();
        let token = self.directory.path().join("upstream-token");
        command
            .args(["--url", &self.url, "--token-file"])
            .arg(token);
        command
    }
}

pub(crate) fn write(directory: &Path, name: &str, content: &str) -> String {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Requests a path and returns the status and the body.
pub(crate) fn get(address: &str, path: &str, token: Option<&str>) -> (u16, String) {
    let authorization = token.map_or(String::new(), |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let answer = request(address, path, &authorization);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// Requests a path with lines of headers, and returns the whole response.
pub(crate) fn request(address: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // Version 1.0, so that the body ends with the connection.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Returns the value of one of the exporter's own metrics.
pub(crate) fn value(address: &str, metric: &str) -> f64 {
    let (_, metrics) = get(address, "/metrics", None);
    let values = metrics.lines();
    let mut values = values.filter_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    values.next().expect(metric).parse().unwrap()
}

/// A metric, its labels and its value.
pub(crate) type Sample = (String, BTreeMap<String, String>, u64);

/// The sample data, and names with every character that must be escaped somewhere on the way.
pub(crate) fn snapshot() -> Snapshot {
    let names = [
        "a,b=c{d}",
        "quote \" backslash \\ newline \n tab \t",
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

/// Returns the samples that a scraper must find.
pub(crate) fn samples(snapshot: &Snapshot) -> BTreeSet<Sample> {
    let streams = snapshot.streams().iter();
    streams.flat_map(samples_of_stream).collect()
}

fn samples_of_stream(stream: &Stream) -> Vec<Sample> {
    let sample = |metric: &str, labels: &[(&str, &str)], value| {
        let labels = labels
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        (metric.to_owned(), labels.collect(), value)
    };
    let name = ("streamName", stream.name().as_str());
    let vulnerabilities = stream.vulnerabilities().iter().map(|(severity, count)| {
        let labels = [name, ("severity", severity.as_str())];
        sample("scout_stream_vulnerabilities", &labels, count)
    });
    let policies = stream.policies().iter().flat_map(|result| {
        let policy = result.policy();
        let labels = [
            name,
            ("id", policy.id().as_str()),
            ("displayName", policy.display_name()),
        ];
        [
            sample("scout_policy_compliant_images", &labels, result.compliant()),
            sample("scout_policy_evaluated_images", &labels, result.evaluated()),
        ]
    });
    vulnerabilities.chain(policies).collect()
}

/// Tries until there is a result, and panics if that takes too long.
pub(crate) fn eventually<T>(what: &str, attempt: impl FnMut() -> Option<T>) -> T {
    poll::until(PATIENCE, what, attempt)
}

/// Returns a program in each generation that users run: Debian's own, and the newer one of `peers/install-newer`. Prints
/// a line for each that is not installed; the test must then do without it.
///
/// # Panics
///
/// As [`is_there`] does.
pub(crate) fn generations(program: &str) -> Vec<PathBuf> {
    let debian = is_there(program, &["--version"], "Debian packages").then(|| program.into());
    let newer = newer(&format!("bin/{program}"), "--version");
    debian.into_iter().chain(newer).collect()
}

/// Returns one of the programs of `peers/install-newer`, if it is installed.
///
/// # Panics
///
/// As [`is_there`] does.
pub(crate) fn newer(path: &str, version: &str) -> Option<PathBuf> {
    let path = tools().join("newer/usr").join(path);
    let origin = "examples/tests/exporter/peers/install-newer unpacks it";
    is_there(path.to_str().unwrap(), &[version], origin).then_some(path)
}
