//! `SIGHUP` makes the exporter read its configuration again.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use scout_metrics_core::{Organization, Snapshot, Stream};

use crate::support::{Running, Upstream, eventually, exporter, get, start_exporter, write};

const ACME: &str = "/v1/exporter/org/acme/metrics";
const APEX: &str = "/v1/exporter/org/apex/metrics";
const LABS: &str = "/v1/exporter/org/labs/metrics";

/// An exporter with a configuration file that a test changes.
struct Configured {
    running: Running,
    address: String,
    directory: TempDir,
}

impl Configured {
    /// Starts an exporter of invented metrics, which are fetched once an hour.
    fn demo(organizations: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = write(directory.path(), "exporter.toml", &hourly(organizations));
        let mut command = exporter();
        command.args(["--demo", "--config.file", &path]);
        let (running, address) = start_exporter(&mut command);
        Self {
            running,
            address,
            directory,
        }
    }

    /// Starts an exporter of an upstream.
    fn of(upstream: &Upstream, text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = write(directory.path(), "exporter.toml", text);
        fs::copy(
            upstream.directory.path().join("upstream-token"),
            directory.path().join("token"),
        )
        .unwrap();
        let (running, address) = start_exporter(exporter().args(["--config.file", &path]));
        Self {
            running,
            address,
            directory,
        }
    }

    fn write(&self, name: &str, text: &str) {
        write(self.directory.path(), name, text);
    }

    /// Writes the configuration file, and waits until the exporter has read it.
    fn reload(&mut self, text: &str) {
        self.write("exporter.toml", text);
        self.running.send("HUP");
        self.running.logged("reloaded the configuration");
    }

    /// Writes a configuration file that cannot be used, and returns what the exporter logs about it.
    fn reload_fails(&mut self, text: &str) -> String {
        self.write("exporter.toml", text);
        self.running.send("HUP");
        self.running.logged("cannot reload the configuration")
    }

    fn status(&self, path: &str) -> u16 {
        get(&self.address, path, None).0
    }

    fn metrics(&self) -> String {
        get(&self.address, "/metrics", None).1
    }

    /// Returns the value of one of the exporter's own metrics.
    fn value(&self, metric: &str) -> f64 {
        let metrics = self.metrics();
        let mut values = metrics
            .lines()
            .filter_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
        values.next().expect(metric).parse().unwrap()
    }

    /// Returns the number of fetches that have ended since the start.
    fn fetches(&self) -> f64 {
        self.value("scout_exporter_fetch_duration_seconds_count")
    }
}

/// Returns a configuration of these organizations, separated by blanks.
fn hourly(organizations: &str) -> String {
    let tables = organizations.split(' ');
    let tables = tables.map(|name| format!("[organization.{name}]\n"));
    format!("[scout]\ninterval = \"1h\"\n{}", tables.collect::<String>())
}

fn snapshot() -> Snapshot {
    let stream = Stream::new("production").with_vulnerabilities("5C 3H".parse().unwrap());
    Snapshot::new(Organization::new("acme").unwrap(), [stream]).unwrap()
}

/// A server that accepts connections and never answers, and the number of connections.
fn hanging_server() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accepted = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&accepted);
    thread::spawn(move || {
        let mut streams = Vec::new();
        for stream in listener.incoming() {
            streams.push(stream);
            count.fetch_add(1, Relaxed);
        }
    });
    (url, accepted)
}

#[test]
fn organizations_come_and_go_and_the_others_are_not_fetched_again() {
    let mut exporter = Configured::demo("acme apex");
    assert_eq!((exporter.status(ACME), exporter.status(APEX)), (200, 200));
    assert_eq!(exporter.status(LABS), 404);
    assert_eq!(exporter.fetches(), 2.0);
    let requests = r#"scout_exporter_http_requests_total{route="/metrics",code="200"}"#;
    let before = exporter.value(requests);

    exporter.reload(&hourly("acme labs"));
    assert_eq!((exporter.status(ACME), exporter.status(LABS)), (200, 200));
    assert_eq!(exporter.status(APEX), 404);
    // Counters go on.
    assert_eq!(exporter.fetches(), 3.0);
    assert!(exporter.value(requests) > before);
    let metrics = exporter.metrics();
    assert!(
        metrics.contains("scout_exporter_up{org=\"labs\"} 1\n"),
        "{metrics}"
    );
    assert!(!metrics.contains("apex"), "{metrics}");

    // Nothing has changed.
    exporter.reload(&hourly("acme labs"));
    assert_eq!(exporter.status(ACME), 200);
    assert_eq!(exporter.fetches(), 3.0);
}

#[test]
fn a_file_that_cannot_be_used_changes_nothing_and_is_reported() {
    let mut exporter = Configured::demo("acme");
    let is_good = "scout_exporter_config_last_reload_successful";
    let time = "scout_exporter_config_last_reload_success_timestamp_seconds";
    assert_eq!(exporter.value(is_good), 1.0);
    let started = exporter.value(time);
    for (text, reason) in [
        ("[organization.apex]\n[oops\n", "line 2"),
        (
            "[organization.apex]\ntokn_file = \"x\"\n",
            "unknown field `tokn_file`",
        ),
        (
            "[organization.apex]\n[web]\nbearer_token_file = [\"missing\"]\n",
            "missing",
        ),
        (
            "[organization.apex]\n[web.organization_bearer_token_file]\nother = \"exporter.toml\"\n",
            "other",
        ),
    ] {
        let logged = exporter.reload_fails(text);
        assert!(logged.contains(reason), "{logged}");
        assert_eq!(exporter.value(is_good), 0.0);
        assert_eq!((exporter.status(ACME), exporter.status(APEX)), (200, 404));
        assert!(!exporter.metrics().contains("apex"));
    }
    assert_eq!(exporter.value(time), started);

    exporter.reload(&hourly("apex"));
    assert_eq!(exporter.value(is_good), 1.0);
    assert!(exporter.value(time) > started);
    assert_eq!((exporter.status(ACME), exporter.status(APEX)), (404, 200));
}

#[test]
fn options_of_an_organization_change() {
    let upstream = Upstream::start(snapshot());
    let text = |file: &str| {
        let url = &upstream.url;
        format!("[organization.acme]\nurl = \"{url}\"\ntoken_file = \"{file}\"\n")
    };
    let wrong = upstream.write("wrong", "dckr_pat_of_somebody_else");
    let mut exporter = Configured::of(&upstream, &text(&wrong));
    assert_eq!(exporter.status(ACME), 502);
    exporter.reload(&text("token"));
    assert_eq!(exporter.status(ACME), 200);

    // A file that is missing is noticed before anything is changed.
    let logged = exporter.reload_fails(&text("missing"));
    assert!(logged.contains("missing"), "{logged}");
    assert_eq!(exporter.status(ACME), 200);
}

#[test]
fn tokens_of_scrapers_change() {
    let mut exporter = Configured::demo("acme");
    exporter.write("scrape", "s3cr3t");
    assert_eq!(exporter.status(ACME), 200);
    let table = "[web.organization_bearer_token_file]\nacme = \"scrape\"\n";
    exporter.reload(&format!("{}{table}", hourly("acme")));
    assert_eq!(exporter.status(ACME), 401);
    assert_eq!(get(&exporter.address, ACME, Some("s3cr3t")).0, 200);

    // A file that is half written does not open the exporter to everyone.
    let logged = exporter.reload_fails(&hourly("acme"));
    assert!(
        logged.contains("everyone could read all metrics then"),
        "{logged}"
    );
    assert_eq!(exporter.status(ACME), 401);
}

#[test]
fn the_path_of_the_routes_changes() {
    let mut exporter = Configured::demo("acme");
    let below = format!("/scout{ACME}");
    assert_eq!((exporter.status(ACME), exporter.status(&below)), (200, 404));
    exporter.reload(&format!(
        "{}[web]\nroute_prefix = \"/scout\"\n",
        hourly("acme")
    ));
    assert_eq!((exporter.status(ACME), exporter.status(&below)), (404, 200));

    // A router would panic at this path.
    let log = exporter.reload_fails(&format!(
        "{}[web]\nroute_prefix = \"/:scout\"\n",
        hourly("acme")
    ));
    assert!(log.contains("expected a path such as /scout"), "{log}");
    assert_eq!(exporter.status(&below), 200);
}

#[test]
fn the_level_of_the_log_changes() {
    let mut exporter = Configured::demo("acme");
    let started = exporter.value("scout_exporter_config_last_reload_success_timestamp_seconds");
    let quiet = format!("{}[log]\nlevel = \"error\"\n", hourly("acme"));
    exporter.write("exporter.toml", &quiet);
    exporter.running.send("HUP");
    eventually("the configuration is reloaded", || {
        let time = "scout_exporter_config_last_reload_success_timestamp_seconds";
        (exporter.value(time) > started).then_some(())
    });
    exporter.reload(&hourly("acme"));
    let (_, log) = exporter.running.signal("TERM");
    // The first reload is not logged, nor is the second one before it changes the level.
    assert_eq!(
        log.matches("reloading the configuration").count(),
        1,
        "{log}"
    );
    assert_eq!(
        log.matches("reloaded the configuration").count(),
        1,
        "{log}"
    );
}

#[test]
fn options_that_need_a_restart_are_named() {
    let mut exporter = Configured::demo("acme");
    let text = format!(
        "{}[web]\ntls_cert_file = \"c\"\ntls_key_file = \"k\"\n[state]\ndirectory = \"s\"\n[log]\nformat = \"json\"\n",
        hourly("acme apex")
    );
    exporter.write("exporter.toml", &text);
    exporter.running.send("HUP");
    let line = exporter
        .running
        .logged("a change of these options needs a restart options=");
    assert_eq!(
        line,
        "\"--web.tls-cert-file and --web.tls-key-file, --state-dir, --log.format\""
    );
    exporter.running.logged("reloaded the configuration");
    // Everything else is in use.
    assert_eq!(exporter.status(APEX), 200);
    assert!(!exporter.directory.path().join("s").exists());
}

#[test]
fn a_fetch_goes_on_during_a_reload() {
    let upstream = Upstream::start(snapshot());
    let (url, connections) = hanging_server();
    let text = format!("[scout]\nurl = \"{url}\"\ntoken_file = \"token\"\n[organization.acme]\n");
    let mut exporter = Configured::of(&upstream, &text);
    eventually("the fetch has begun", || {
        (connections.load(Relaxed) == 1).then_some(())
    });
    exporter.reload(&text);
    exporter.reload(&text);
    assert_eq!(connections.load(Relaxed), 1);
    assert_ends(exporter.running);
}

#[test]
fn a_changed_organization_serves_its_last_metrics_until_it_is_fetched() {
    let upstream = Upstream::start(snapshot());
    let text =
        |url: &str| format!("[organization.acme]\nurl = \"{url}\"\ntoken_file = \"token\"\n");
    let mut exporter = Configured::of(&upstream, &text(&upstream.url));
    assert_eq!(exporter.status(ACME), 200);
    let (url, connections) = hanging_server();
    exporter.reload(&text(&url));
    eventually("the fetch has begun", || {
        (connections.load(Relaxed) == 1).then_some(())
    });
    assert_eq!(exporter.status(ACME), 200);
    assert_ends(exporter.running);
}

#[test]
fn a_signal_to_stop_does_not_wait_for_a_reload() {
    let mut exporter = Configured::demo("acme");
    let path = exporter.directory.path().join("exporter.toml");
    make_pipe(&path);
    exporter.running.send("HUP");
    exporter.running.logged("reloading the configuration");
    assert_eq!(exporter.status(ACME), 200);
    assert_ends(exporter.running);
}

/// Puts a pipe in place of a file, so that reading it waits for ever.
fn make_pipe(path: &Path) {
    fs::remove_file(path).unwrap();
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// Asserts that the program ends soon when it is told to.
fn assert_ends(running: Running) {
    let begin = Instant::now();
    let (status, log) = running.signal("TERM");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(begin.elapsed() < Duration::from_secs(8), "{log}");
}

#[test]
fn requests_are_answered_during_reloads() {
    let exporter = Configured::demo("acme apex");
    let address = exporter.address.clone();
    let requests = thread::spawn(move || {
        for _ in 0..200 {
            assert_eq!(get(&address, ACME, None).0, 200);
        }
    });
    let mut reloads = 0;
    while !requests.is_finished() {
        let organizations = ["acme apex", "acme labs"][reloads % 2];
        exporter.write("exporter.toml", &hourly(organizations));
        exporter.running.send("HUP");
        reloads += 1;
    }
    requests.join().unwrap();
    assert!(reloads > 1, "{reloads}");
    assert_ends(exporter.running);
}
