//! The committed configuration of Alertmanager, and the way of an alert to it.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::{
    prometheus::{Prometheus, copy_configuration, hasten_and_complete},
    support::{
        Running, Upstream, eventually, examples, generations, get, is_there, newer, snapshot,
        start_exporter, write,
    },
};

fn configuration() -> String {
    fs::read_to_string(examples().join("prometheus/alertmanager.yml")).unwrap()
}

/// Enables the receivers that are commented out.
fn completed(configuration: &str) -> String {
    let lines = configuration
        .lines()
        .map(|line| match line.strip_prefix("  # ") {
            Some(code) if code.starts_with("- ") || code.starts_with("  ") => format!("  {code}\n"),
            _ => format!("{line}\n"),
        });
    lines.collect()
}

#[test]
fn amtool_accepts_the_configuration_with_each_of_its_receivers() {
    let Some(amtool) = newer("bin/amtool", "--version") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let committed = configuration();
    for (text, receivers) in [(completed(&committed), 4), (committed, 1)] {
        let path = write(directory.path(), "alertmanager.yml", &text);
        let mut command = Command::new(&amtool);
        let Output { status, stdout, .. } = command.args(["check-config", &path]).output().unwrap();
        let said = String::from_utf8(stdout).unwrap();
        assert!(status.success(), "{said}");
        assert!(
            said.contains(&format!(" - {receivers} receivers\n")),
            "{said}"
        );
    }
}

#[test]
fn an_alert_fires_without_alertmanager_and_reaches_it_when_it_runs() {
    let alertmanager = newer("bin/prometheus-alertmanager", "--version");
    let namespaces = is_there("unshare", &["--mount", "true"], "util-linux, run as root");
    let (Some(alertmanager), true) = (alertmanager, namespaces) else {
        return;
    };
    for prometheus in generations("prometheus") {
        send_an_alert(&prometheus, &alertmanager);
    }
}

fn send_an_alert(prometheus: &Path, alertmanager: &Path) {
    let upstream = Upstream::start(snapshot());
    let token = upstream.write("scrape-token", "s3cr3t\n");
    let mut command = upstream.exporter();
    command.args(["--org", "acme", "--web.bearer-token-file", &token]);
    let (_exporter, address) = start_exporter(&mut command);
    let directory = tempfile::tempdir().unwrap();
    copy_configuration(directory.path(), &address);
    hasten_and_complete(directory.path());
    let receiver = free_address();
    edit(directory.path(), "prometheus.yml", |line| {
        line.replace("alertmanager:9093", &receiver)
    });
    edit(directory.path(), "rules/alerting.yml", |line| {
        let is_duration = line.trim_start().starts_with("for: ");
        let line = if is_duration { "        for: 1s" } else { line };
        line.to_owned()
    });
    let prometheus = Prometheus::start(
        prometheus,
        directory.path(),
        &["--rules.alert.resend-delay=1s"],
    );
    let firing = "ALERTS{alertname=\"ScoutCriticalVulnerabilities\", alertstate=\"firing\", streamName=\"staging\"}";
    prometheus.found(firing);

    let _alertmanager = start_alertmanager(alertmanager, directory.path(), &receiver);
    let alert = eventually("Alertmanager has the alert", || {
        let (_, body) = get(&receiver, "/api/v2/alerts", None);
        let alerts: Vec<Value> = serde_json::from_str(&body).ok()?;
        alerts.into_iter().find(|alert| {
            let labels = &alert["labels"];
            labels["alertname"] == "ScoutCriticalVulnerabilities"
                && labels["streamName"] == "staging"
        })
    });
    assert_eq!(alert["labels"]["org"], "acme");
    assert_eq!(alert["labels"]["priority"], "high");
    assert_eq!(alert["receivers"][0]["name"], "nobody");
    let summary = "5 critical vulnerabilities in staging of acme";
    assert_eq!(alert["annotations"]["summary"], summary);
}

/// Starts Alertmanager as the compose file does.
fn start_alertmanager(program: &Path, directory: &Path, address: &str) -> Running {
    let path = write(directory, "alertmanager.yml", &configuration());
    // Debian's has its templates at a path that is compiled in, where only a name space of its own has them.
    let templates = program.parent().unwrap().with_file_name("share/prometheus");
    let script = "mount --bind \"$1\" /usr/share/prometheus; shift; exec \"$@\"";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-euc", script, "sh"])
        .args([&templates, program])
        .arg(format!("--config.file={path}"))
        .arg(format!("--storage.path={}", directory.display()))
        .arg(format!("--web.listen-address={address}"))
        .arg("--cluster.listen-address=");
    let mut running = Running::start(&mut command);
    running.logged("Listening on");
    running
}

/// Returns an address that was free just now, because Prometheus must know it before Alertmanager runs.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Changes each line of a file.
fn edit(directory: &Path, name: &str, change: impl Fn(&str) -> String) {
    let text = fs::read_to_string(directory.join(name)).unwrap();
    let lines: Vec<String> = text.lines().map(change).collect();
    write(directory, name, &lines.join("\n"));
}
