//! The project `examples/prometheus`: the exporter, Prometheus and Grafana.

use std::{fs, os::unix::fs::PermissionsExt, sync::MutexGuard};

use serde_json::Value;

use crate::{
    docker::{docker, eventually, inspect, try_docker, wait_for_health},
    process::Process,
    project::{Project, Shared, lend},
    service::{assert_ends_in_time, assert_hardened, assert_secrets},
};

const SERVICES: [&str; 3] = ["exporter", "prometheus", "grafana"];

fn project() -> Option<MutexGuard<'static, Project>> {
    static PROJECT: Shared =
        Shared::new(|| Project::shared("prometheus", "scout-metrics", &SERVICES));
    lend(&PROJECT)
}

/// Calls the API of Prometheus.
fn ask(project: &Project, path: &str) -> Option<Value> {
    let answer = project.fetch(
        "prometheus",
        &format!("http://127.0.0.1:9090/api/v1/{path}"),
    )?;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    Some(answer["data"].clone())
}

#[test]
fn prometheus_scrapes_the_exporter() {
    let Some(project) = project() else { return };
    eventually("the target is up", || {
        let targets = ask(&project, "targets")?;
        let targets = targets["activeTargets"].as_array()?.clone();
        let scout = targets
            .iter()
            .filter(|target| target["discoveredLabels"]["__address__"] == "exporter:10990");
        let mut health = scout.map(|target| &target["health"]).peekable();
        health.peek()?;
        health.all(|health| health == "up").then_some(())
    });
    eventually("there are samples", || {
        let answer = ask(&project, "query?query=scout_stream_vulnerabilities")?;
        (!answer["result"].as_array()?.is_empty()).then_some(())
    });
    let rules = ask(&project, "rules").unwrap();
    assert!(!rules["groups"].as_array().unwrap().is_empty());
}

#[test]
fn services_have_no_privileges_and_bounds() {
    let Some(project) = project() else { return };
    for service in SERVICES {
        assert_hardened(&project.container(service));
    }
}

#[test]
fn networks_lead_only_where_they_should() {
    let Some(project) = project() else { return };
    let health = |host: &str| format!("http://{host}:10990/-/healthy");
    assert!(project.fetch("prometheus", &health("exporter")).is_some());
    let upstream = project.address("exporter", "upstream");
    assert_eq!(project.fetch("prometheus", &health(&upstream)), None);
    for host in [
        "exporter",
        &project.address("exporter", "scrape"),
        &upstream,
    ] {
        assert_eq!(project.fetch("grafana", &health(host)), None, "{host}");
    }
    let ready = "http://prometheus:9090/-/ready";
    assert!(project.fetch("grafana", ready).is_some());
    assert_eq!(inspect("scout-metrics_scrape")["Internal"], true);
}

#[test]
fn secrets_are_where_they_are_needed() {
    let Some(project) = project() else { return };
    assert_secrets(
        &project.container("exporter"),
        &["docker_pat", "scrape_token"],
    );
    assert_secrets(&project.container("prometheus"), &["scrape_token"]);
    assert_secrets(&project.container("grafana"), &["grafana_password"]);
    // Nobody else on the machine gets to them.
    let directory = project.directory.join("secrets");
    let mode = fs::metadata(&directory).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    // The engine shows the environment and the command to everybody who may ask it.
    for service in SERVICES {
        let inspected = inspect(&project.container(service)).to_string();
        for name in ["docker_pat", "scrape_token", "grafana_password"] {
            let secret = fs::read_to_string(directory.join(name)).unwrap();
            assert!(!inspected.contains(secret.trim()), "{service}: {name}");
        }
    }
    let log = project.run("docker compose logs exporter 2>&1");
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
}

#[test]
fn volumes_belong_to_their_users() {
    let Some(project) = project() else { return };
    assert_eq!(project.owner_of("exporter-state"), "65532:65532");
    assert_eq!(project.owner_of("prometheus-data"), "65534:65534");
    assert_eq!(project.owner_of("grafana-data"), "472:0");
}

#[test]
fn alertmanager_is_there_if_it_is_wanted() {
    let Some(project) = project() else { return };
    // The second session of the README starts it.
    project.run_session(1);
    project.wait_until_healthy(&["alertmanager"]);
    assert_hardened(&project.container("alertmanager"));
    assert_secrets(&project.container("alertmanager"), &[]);
    assert_eq!(project.owner_of("alertmanager-data"), "65534:65534");
    eventually("Prometheus knows it", || {
        let found = ask(&project, "alertmanagers")?;
        let url = found["activeAlertmanagers"][0]["url"].as_str()?.to_owned();
        url.starts_with("http://alertmanager:9093/").then_some(())
    });
    let ready = "http://alertmanager:9093/-/ready";
    assert!(project.fetch("prometheus", ready).is_some());
    assert_ends_in_time(&project.container("alertmanager"));
}

#[test]
fn the_exporter_is_restarted_after_it_reached_its_memory_limit() {
    let Some(project) = project() else { return };
    let exporter = project.container("exporter");
    let begin = docker(&["info", "--format", "{{.SystemTime}}"]);
    let restarts = inspect(&exporter)["RestartCount"].as_u64().unwrap();
    // A program in its container fills the memory. The kernel must not choose to kill that one instead.
    Process::of(&exporter).kill_first_without_memory();
    let volumes = format!("--volumes-from={exporter}");
    let busybox = ["run", "--rm", "--user=0", &volumes, "stand-in/busybox"];
    let program = "/var/lib/scout-metrics/busybox";
    docker(&[&busybox[..], &["cp", "/bin/busybox", program]].concat());
    let filled = try_docker(&["exec", &exporter, program, "tail", "/dev/zero"]);
    assert!(!filled.status.success());

    eventually("it is restarted", || {
        (inspect(&exporter)["RestartCount"].as_u64()? > restarts).then_some(())
    });
    let now = docker(&["info", "--format", "{{.SystemTime}}"]);
    let since = format!("--since={begin}");
    let until = format!("--until={now}");
    let of = format!("--filter=container={exporter}");
    let events = docker(&["events", &since, &until, &of, "--format={{.Action}}"]);
    assert!(events.lines().any(|event| event == "oom"), "{events}");
    wait_for_health(&exporter, "healthy");
    docker(&[&busybox[..], &["rm", program]].concat());
}

#[test]
fn services_end_when_they_are_asked_to() {
    let Some(project) = project() else { return };
    for service in SERVICES {
        assert_ends_in_time(&project.container(service));
    }
    project.run("docker compose start");
    project.wait_until_healthy(&SERVICES);
}
