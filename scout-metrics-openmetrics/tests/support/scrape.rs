//! Expositions as a Prometheus server reads them: each is a target of its own, which is scraped for real.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use scout_metrics_openmetrics::ContentType;

use super::peers::{Answer, Document, Exposition, Point, Sample, find};

/// Prometheus needs about a second to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names that Prometheus gives to what it stores about each scrape, and to labels of its own.
pub(crate) const OWN_NAMES: [&str; 4] = ["up", "scrape_", "instance", "job"];

/// Lets Prometheus scrape documents, and returns what it stored of each.
///
/// Times are read and not used: the storage takes no sample that is much older than another one.
pub(crate) fn scrape(documents: &[Document]) -> Option<Vec<Answer>> {
    let served = documents.iter().map(|document| {
        let content_type = ContentType::from(document.format);
        (content_type, document.text.clone().into_bytes())
    });
    let prometheus = scraped(&find_prometheus()?, served.collect(), &[]);
    Some(prometheus.answers(documents.len()))
}

/// Lets each Prometheus that is installed, Debian's own and the newer one of `examples/tests/exporter/peers/install-newer`,
/// scrape an exposition with native histograms. Returns the series that queries find then.
pub(crate) fn scrape_native(
    content_type: ContentType,
    body: &[u8],
    queries: &[&str],
) -> Vec<(OsString, Vec<Vec<Value>>)> {
    let newer = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../ci-tools/newer/usr/bin/prometheus");
    let newer = find(&[newer.into()], &["--version"], "a newer prometheus");
    let programs = find_prometheus().into_iter().chain(newer);
    let scraped = programs.map(|program| {
        let arguments = ["--enable-feature=native-histograms"];
        let served = vec![(content_type, body.to_vec())];
        let prometheus = scraped(&program, served, &arguments);
        let answers = queries.iter().map(|query| prometheus.query(query));
        let answers = answers.collect();
        (program, answers)
    });
    scraped.collect()
}

fn find_prometheus() -> Option<OsString> {
    let what = "prometheus (Debian package prometheus)";
    find(&["prometheus".into()], &["--version"], what)
}

/// Returns a server that has scraped expositions.
fn scraped(program: &OsStr, served: Vec<(ContentType, Vec<u8>)>, arguments: &[&str]) -> Prometheus {
    let count = served.len();
    let (address, asked) = serve(served.into());
    let prometheus = Prometheus::scraping(program, address, count, arguments);
    wait_until_scraped(count, &asked);
    prometheus
}

/// The number of each document that is asked for.
type Asked = mpsc::Receiver<usize>;

/// Content types and bodies.
type Served = Arc<[(ContentType, Vec<u8>)]>;

/// Serves each document under its number until the process ends.
fn serve(documents: Served) -> (SocketAddr, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, asked) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (documents, seen) = (Arc::clone(&documents), seen.clone());
            thread::spawn(move || {
                if let Some(number) = answer(stream, &documents) {
                    // Nobody listens any more once all have been scraped.
                    let _ = seen.send(number);
                }
            });
        }
    });
    (address, asked)
}

/// Answers one request, and returns the number of the document.
fn answer(mut stream: TcpStream, documents: &[(ContentType, Vec<u8>)]) -> Option<usize> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    let mut accepted = String::new();
    loop {
        let line = lines.next()?.ok()?.to_ascii_lowercase();
        match line.strip_prefix("accept:") {
            Some(accept) => accepted.push_str(accept),
            None if line.is_empty() => break,
            None => {}
        }
    }
    let number: usize = request.split(['/', ' ']).nth(2)?.parse().ok()?;
    let (kind, body) = documents.get(number)?;
    let full = kind.to_string();
    let media_type = full.split(';').next()?;
    assert!(
        accepted.contains(media_type),
        "{accepted:?} lacks {media_type}"
    );
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    Some(number)
}

/// Waits until each target has been asked for twice: a target is asked again when what it said before is stored.
fn wait_until_scraped(targets: usize, asked: &Asked) {
    let deadline = Instant::now() + PATIENCE + 2 * interval(targets);
    let mut times = vec![0; targets];
    let mut missing = 2 * targets;
    while missing > 0 {
        let patience = deadline.saturating_duration_since(Instant::now());
        let number = asked
            .recv_timeout(patience)
            .unwrap_or_else(|_| panic!("{missing} scrapes are missing"));
        missing -= usize::from(times[number] < 2);
        times[number] += 1;
    }
}

/// A Prometheus server of its own, killed when the test is over, whichever way it ends.
struct Prometheus {
    process: Child,
    address: String,
    _directory: TempDir,
}

impl Prometheus {
    fn scraping(program: &OsStr, address: SocketAddr, targets: usize, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        fs::write(file("prometheus.yml"), configuration(address, targets)).unwrap();
        let mut process = Command::new(program)
            .arg(format!(
                "--config.file={}",
                file("prometheus.yml").display()
            ))
            .arg(format!("--storage.tsdb.path={}", file("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(arguments)
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

    fn answers(&self, targets: usize) -> Vec<Answer> {
        let mut answers: Vec<Answer> = vec![Err(String::new()); targets];
        let is_of_documents = |target: &&Value| target["labels"]["instance"].is_string();
        let scraped = self.get("/api/v1/targets?state=active");
        let scraped = scraped["data"]["activeTargets"].as_array().unwrap();
        for target in scraped.iter().filter(is_of_documents) {
            answers[number(&target["labels"])] = match target["lastError"].as_str().unwrap() {
                "" => Ok(Exposition::default()),
                error => Err(error.to_owned()),
            };
        }
        for series in self.query(r#"{job="documents"}"#) {
            let sample = read_sample(&series);
            if let Ok(answer) = &mut answers[number(&series["metric"])]
                && sample.name != "up"
                && !sample.name.starts_with("scrape_")
            {
                answer.samples.push(sample);
            }
        }
        answers
    }

    fn query(&self, query: &str) -> Vec<Value> {
        let query: String = query.bytes().fold(String::new(), |mut query, byte| {
            write!(query, "%{byte:02X}").unwrap();
            query
        });
        let answer = self.get(&format!("/api/v1/query?query={query}"));
        let result = answer["data"]["result"].as_array();
        result.cloned().unwrap_or_default()
    }

    /// Returns an answer in JSON.
    fn get(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // Version 1.0, so that the body ends with the connection.
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the time over which Prometheus spreads its targets.
fn interval(targets: usize) -> Duration {
    Duration::from_secs(1 + targets as u64 / 500)
}

fn configuration(address: SocketAddr, targets: usize) -> String {
    let seconds = interval(targets).as_secs();
    let mut text = format!(
        "\
global:
  scrape_interval: {seconds}s
  scrape_timeout: {seconds}s
scrape_configs:
  - job_name: documents
    honor_timestamps: false
    static_configs:
"
    );
    for number in 0..targets {
        write!(
            text,
            "      - targets: ['{address}']\n        labels: {{__metrics_path__: /{number}, instance: '{number}'}}\n"
        )
        .unwrap();
    }
    text
}

/// Returns the address that Prometheus says it listens on, and keeps reading so that it never waits for its log.
fn address_in(log: impl Read + Send + 'static) -> String {
    let (found, address) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            let attributes = line.split_once("msg=\"Listening on\"");
            if let Some((_, address)) = attributes.and_then(|(_, rest)| rest.split_once("address="))
            {
                let _ = found.send(address.trim().to_owned());
            }
        }
    });
    address
        .recv_timeout(PATIENCE)
        .expect("Prometheus says where it listens")
}

fn number(labels: &Value) -> usize {
    labels["instance"].as_str().unwrap().parse().unwrap()
}

fn read_sample(series: &Value) -> Sample {
    let labels = series["metric"].as_object().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut labels: BTreeMap<String, String> = labels
        .map(|(name, value)| (name.clone(), text(value)))
        .collect();
    labels.retain(|name, _| name != "instance" && name != "job");
    let name = labels.remove("__name__").unwrap_or_default();
    let value = series["value"][1].as_str().unwrap().parse().unwrap();
    Sample {
        name,
        labels,
        point: Point { value, time: None },
        exemplar: None,
    }
}
