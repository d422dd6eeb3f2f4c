//! When `/-/ready` answers 200, and what it says before.

use super::*;

use scout_metrics_core::Poller;
use tokio::time::sleep;

const MINUTE: Duration = Duration::from_secs(60);

fn down() -> Error {
    let message = "cannot read `/run/secrets/docker_pat` of the token";
    Error::new(ErrorKind::Unauthorized, message)
}

/// Starts an exporter that polls these sources, and waits until their first fetches have ended.
async fn polled(exporter: Exporter, sources: &[&MemorySource]) -> (Router, Vec<Poller>) {
    let poll =
        |source: &&MemorySource| Poller::builder(exporter.observe((*source).clone())).spawn();
    let pollers: Vec<Poller> = sources.iter().map(poll).collect();
    for poller in &pollers {
        let _ = poller.scrape().await;
    }
    let router = exporter.with_sources(pollers.clone()).into_router();
    (router.unwrap(), pollers)
}

async fn assert_not_ready(router: &Router, body: &str) {
    let answer = get(router, "/-/ready").await;
    assert_eq!(answer.body, body);
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(router, "/-/healthy").await.body, "healthy\n");
}

async fn assert_ready(router: &Router) {
    let answer = get(router, "/-/ready").await;
    assert_eq!(answer.body, "ready\n");
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn not_before_the_first_metrics_are_there() {
    let memory = source("acme");
    let exporter = Exporter::new();
    let poller = Poller::builder(exporter.observe(memory.clone())).spawn();
    let router = exporter.with_source(poller.clone()).into_router().unwrap();
    let missing = "not ready: 1 of 1 organizations have no metrics yet\n";
    let reason = "acme: the first fetch has not ended\n";
    assert_not_ready(&router, &format!("{missing}{reason}")).await;

    memory.set(Err(down()));
    let _ = poller.scrape().await;
    let reason = "acme: cannot read `<path>` of the token\n";
    assert_not_ready(&router, &format!("{missing}{reason}")).await;
    sleep(60 * MINUTE).await;
    assert_not_ready(&router, &format!("{missing}{reason}")).await;

    memory.set(source("acme").scrape().await);
    poller.refresh_now().await.unwrap();
    assert_ready(&router).await;
    memory.set(Err(down()));
    poller.refresh_now().await.unwrap_err();
    assert_ready(&router).await;
}

#[tokio::test(start_paused = true)]
async fn metrics_of_one_organization_are_enough_after_the_startup_time() {
    let (acme, apex) = (source("acme"), source("apex"));
    apex.set(Err(Error::new(ErrorKind::Forbidden, "not an owner")));
    for time in [None, Some(MINUTE)] {
        let exporter = Exporter::new();
        let exporter = match time {
            Some(time) => exporter.with_startup_time(time),
            None => exporter,
        };
        let time = time.unwrap_or(5 * MINUTE);
        let (router, _pollers) = polled(exporter, &[&acme, &apex]).await;
        let second = Duration::from_secs(1);
        sleep(time - second).await;
        let body = "not ready: 1 of 2 organizations have no metrics yet\napex: not an owner\n";
        assert_not_ready(&router, body).await;
        sleep(second).await;
        assert_ready(&router).await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_token_shows_the_names_of_organizations() {
    let (acme, apex) = (source("acme"), source("apex"));
    acme.set(Err(down()));
    apex.set(Err(down()));
    let exporter = Exporter::new().with_bearer_token(TOKEN);
    let (router, _pollers) = polled(exporter, &[&acme, &apex]).await;
    let missing = "not ready: 2 of 2 organizations have no metrics yet\n";
    assert_not_ready(&router, &format!("{missing}unauthorized\n")).await;

    let request = Request::get("/-/ready").header("authorization", format!("Bearer {TOKEN}"));
    let answer = call(&router, request.body(Body::empty()).unwrap()).await;
    let reasons =
        "acme: cannot read `<path>` of the token\napex: cannot read `<path>` of the token\n";
    assert_eq!(answer.body, format!("{missing}{reasons}"));
}

#[tokio::test(start_paused = true)]
async fn the_list_of_organizations_is_bounded() {
    let sources: Vec<MemorySource> = (0..30)
        .map(|number| source(&format!("org{number}")))
        .collect();
    for source in &sources {
        source.set(Err(down()));
    }
    let sources: Vec<&MemorySource> = sources.iter().collect();
    let (router, _pollers) = polled(Exporter::new(), &sources).await;
    let body = get(&router, "/-/ready").await.body;
    assert_eq!(body.lines().count(), 22, "{body}");
    assert!(body.ends_with("\nand 10 more\n"), "{body}");
}

#[tokio::test]
async fn at_once_for_a_source_that_nothing_polls() {
    assert_ready(&open_router()).await;
}
