//! The project `examples/datadog`: the exporter and the agent.

use std::{fs, sync::MutexGuard};

use crate::{
    docker::inspect,
    project::{DATADOG_KEY, Project, Shared, lend},
    service::{assert_ends_in_time, assert_hardened, assert_secrets},
};

const SERVICES: [&str; 2] = ["exporter", "agent"];

fn project() -> Option<MutexGuard<'static, Project>> {
    static PROJECT: Shared =
        Shared::new(|| Project::shared("datadog", "scout-metrics-datadog", &SERVICES));
    lend(&PROJECT)
}

#[test]
fn the_agent_scrapes_the_exporter() {
    let Some(project) = project() else { return };
    let output = project.try_exec("agent", &["agent", "check", "openmetrics"]);
    let samples = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{samples}");
    assert!(
        samples.contains("scout_stream_vulnerabilities{"),
        "{samples}"
    );
}

#[test]
fn services_have_no_privileges_and_bounds() {
    let Some(project) = project() else { return };
    for service in SERVICES {
        assert_hardened(&project.container(service));
    }
}

#[test]
fn the_agent_does_not_reach_the_network_of_upstream() {
    let Some(project) = project() else { return };
    let health = |host: &str| format!("http://{host}:10990/-/healthy");
    assert!(project.fetch("agent", &health("exporter")).is_some());
    let upstream = project.address("exporter", "upstream");
    assert_eq!(project.fetch("agent", &health(&upstream)), None);
    assert_eq!(inspect("scout-metrics-datadog_scrape")["Internal"], true);
}

#[test]
fn secrets_are_where_they_are_needed() {
    let Some(project) = project() else { return };
    assert_secrets(
        &project.container("exporter"),
        &["docker_pat", "scrape_token"],
    );
    assert_secrets(
        &project.container("agent"),
        &["datadog_api_key", "scrape_token"],
    );
    let directory = project.directory.join("secrets");
    assert_eq!(
        fs::read_to_string(directory.join("datadog_api_key")).unwrap(),
        DATADOG_KEY
    );
    for service in SERVICES {
        let inspected = inspect(&project.container(service)).to_string();
        assert!(!inspected.contains(DATADOG_KEY), "{service}");
    }
}

#[test]
fn volumes_belong_to_their_users() {
    let Some(project) = project() else { return };
    assert_eq!(project.owner_of("exporter-state"), "65532:65532");
    assert_eq!(project.owner_of("agent-run"), "100:0");
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
