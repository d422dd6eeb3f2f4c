//! An exporter that continues another one, and metrics of an earlier run.

use super::*;

use std::time::SystemTime;

use scout_metrics_http::openmetrics::MetricType;

fn assert_has(metrics: &Answer, line: &str) {
    let mut lines = metrics.body.lines();
    assert!(lines.any(|found| found == line), "{line}\n{}", metrics.body);
}

#[tokio::test]
async fn a_successor_goes_on_counting_and_forgets_what_is_not_served() {
    let exporter = Exporter::new();
    let (acme, apex) = (
        exporter.observe(source("acme")),
        exporter.observe(source("apex")),
    );
    let both = exporter
        .successor()
        .with_source(acme.clone())
        .with_source(apex.clone());
    let both = both.into_router().unwrap();
    get(&both, "/metrics").await;

    let only_acme = exporter
        .successor()
        .with_source(acme)
        .into_router()
        .unwrap();
    let metrics = get(&only_acme, "/metrics").await;
    assert_has(
        &metrics,
        r#"scout_exporter_http_requests_total{route="/metrics",code="200"} 1"#,
    );
    assert_has(&metrics, "scout_exporter_fetch_duration_seconds_count 3");
    assert_has(&metrics, r#"scout_exporter_up{org="acme"} 1"#);
    assert!(!metrics.body.contains("apex"), "{}", metrics.body);

    // A fetch that ends late does not bring the organization back.
    apex.scrape().await.unwrap();
    assert!(!get(&only_acme, "/metrics").await.body.contains("apex"));
}

#[tokio::test]
async fn a_successor_that_cannot_be_served_changes_nothing() {
    let exporter = Exporter::new();
    let acme = exporter.observe(source("acme"));
    let router = exporter
        .successor()
        .with_source(acme)
        .into_router()
        .unwrap();
    let wrong = exporter
        .successor()
        .with_source(source("apex"))
        .with_bearer_token("");
    wrong.into_router().unwrap_err();
    let metrics = get(&router, "/metrics").await;
    assert_has(&metrics, r#"scout_exporter_up{org="acme"} 1"#);
}

#[tokio::test]
async fn a_restored_snapshot_has_its_age_and_makes_the_exporter_ready() {
    let exporter = Exporter::new();
    let down = source("acme");
    down.set(Err(Error::new(ErrorKind::Unavailable, "down")));
    let acme = exporter.observe(down);
    let hour = Duration::from_secs(3600);
    let snapshot = source("acme").scrape().await.unwrap();
    let scraped_at = SystemTime::now() - hour;
    exporter.restore(&snapshot.clone().with_scraped_at(scraped_at));
    exporter.restore(&snapshot.with_scraped_at(SystemTime::UNIX_EPOCH));
    let router = exporter.with_source(acme).into_router().unwrap();

    assert_eq!(get(&router, "/-/ready").await.status, StatusCode::OK);
    let metrics = get(&router, "/metrics").await;
    assert_has(&metrics, r#"scout_exporter_up{org="acme"} 0"#);
    assert_has(&metrics, r#"scout_exporter_streams{org="acme"} 1"#);
    let age = metrics
        .body
        .lines()
        .find_map(|line| line.strip_prefix(r#"scout_exporter_snapshot_age_seconds{org="acme"} "#));
    let age: f64 = age.unwrap().parse().unwrap();
    assert!((3600.0..3700.0).contains(&age), "{age}");
}

#[tokio::test]
async fn metrics_of_the_program_follow_those_of_the_exporter() {
    let exporter = Exporter::new().with_program_metrics(|encoder| {
        let name = "scout_exporter_moons";
        encoder.family(name, MetricType::Gauge, "Moons of Jupiter.", "")?;
        encoder.sample(name, [("planet", "jupiter")], 97.0)?;
        Ok(())
    });
    for accept in ["text/plain", "application/openmetrics-text"] {
        let router = exporter
            .successor()
            .with_source(source("acme"))
            .into_router()
            .unwrap();
        let request = Request::get("/metrics").header("accept", accept);
        let metrics = call(&router, request.body(Body::empty()).unwrap()).await;
        let sample = "scout_exporter_moons{planet=\"jupiter\"} 97";
        assert!(metrics.body.contains(sample), "{}", metrics.body);
        assert_has(&metrics, "# TYPE scout_exporter_moons gauge");
    }
}
