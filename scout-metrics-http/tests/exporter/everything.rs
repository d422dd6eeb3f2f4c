//! `/metrics`: all organizations, and the exporter's own metrics.

use super::*;

use std::sync::atomic::{AtomicUsize, Ordering};

use scout_metrics_core::{MetricsSourceExt, Poller};
use scout_metrics_openmetrics::{ContentType, Mode, ParseOptions, parse_families};

fn failing(name: &str) -> MemorySource {
    let error = Error::new(ErrorKind::Timeout, "slow");
    MemorySource::failing(organization(name), error)
}

fn two_of_which_one_fails() -> Router {
    Exporter::new()
        .with_source(source("acme"))
        .with_source(failing("apex"))
        .into_router()
        .unwrap()
}

async fn metrics(router: &Router) -> String {
    let answer = get(router, "/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.body
}

fn assert_line(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "{line}\n{text}");
}

#[tokio::test]
async fn a_source_that_fails_is_left_out_and_shown_as_down() {
    let text = metrics(&two_of_which_one_fails()).await;
    let critical =
        r#"scout_stream_vulnerabilities{org="acme",streamName="production",severity="CRITICAL"} 5"#;
    for line in [
        critical,
        r#"scout_exporter_up{org="acme"} 1"#,
        r#"scout_exporter_up{org="apex"} 0"#,
        r#"scout_exporter_fetch_errors_total{org="apex",reason="timeout"} 1"#,
        "scout_exporter_fetch_duration_seconds_count 2",
    ] {
        assert_line(&text, line);
    }
    assert!(!text.contains(r#"{org="apex",streamName"#), "{text}");
    assert!(
        !text.contains(r#"scout_exporter_snapshot_age_seconds{org="apex"}"#),
        "{text}"
    );
}

#[tokio::test]
async fn both_formats_pass_a_strict_parser() {
    let router = two_of_which_one_fails();
    // The first request is counted when it is answered.
    metrics(&router).await;
    for (accept, content_type) in [
        ("text/plain", ContentType::TEXT_0_0_4),
        (
            "application/openmetrics-text",
            ContentType::OPENMETRICS_0_0_1,
        ),
    ] {
        let request = Request::get("/metrics").header("accept", accept);
        let answer = call(&router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.header("content-type"), Some(content_type.as_str()));
        let strict = ParseOptions::new(content_type).with_mode(Mode::Strict);
        let families = parse_families(answer.body.as_bytes(), &strict).unwrap();
        assert_eq!(families.into_vec().len(), 12, "{}", answer.body);
    }
}

#[tokio::test]
async fn without_sources_there_are_the_exporters_own_metrics() {
    let router = Exporter::new().into_router().unwrap();
    let text = metrics(&router).await;
    assert!(text.starts_with("# HELP scout_exporter_"), "{text}");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_status_and_grow_with_neither_path_nor_method() {
    let router = guarded_router();
    let read = async || {
        let token = format!("Bearer {TOKEN}");
        let request = Request::get("/metrics").header("authorization", token);
        call(&router, request.body(Body::empty()).unwrap())
            .await
            .body
    };
    read().await;
    get(&router, PATH).await;
    get(&router, "/v1/exporter/org/%ff/metrics").await;
    let before = read().await;
    assert_line(
        &before,
        r#"scout_exporter_http_requests_total{route="/v1/exporter/org/{org}/metrics",code="401"} 2"#,
    );
    for number in 0..300 {
        get(
            &router,
            &format!("/v1/exporter/org/invented{number}/metrics"),
        )
        .await;
        get(&router, &format!("/invented{number}")).await;
        let request = Request::builder().method(format!("INVENTED{number}").as_str());
        call(&router, request.uri(PATH).body(Body::empty()).unwrap()).await;
    }
    assert_eq!(read().await.lines().count(), before.lines().count());
}

/// Counts the scrapes that reach it.
fn counted(asked: &Arc<AtomicUsize>) -> impl MetricsSource {
    let asked = Arc::clone(asked);
    source("acme").observed(move |_| {
        asked.fetch_add(1, Ordering::Relaxed);
    })
}

#[tokio::test(start_paused = true)]
async fn requests_to_a_polled_source_cause_no_fetch_and_fetches_are_those_of_the_poller() {
    let asked = Arc::new(AtomicUsize::new(0));
    let exporter = Exporter::new();
    let poller = Poller::builder(exporter.observe(counted(&asked))).spawn();
    poller.scrape().await.unwrap();
    let router = exporter.with_source(poller).into_router().unwrap();
    for path in ROUTES {
        for _ in 0..100 {
            let request = Request::get(path).header("host", "localhost");
            let answer = call(&router, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
        }
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let text = metrics(&router).await;
    assert_line(&text, "scout_exporter_fetch_duration_seconds_count 1");
}

#[tokio::test(start_paused = true)]
async fn during_an_outage_the_data_stays_and_up_and_errors_show_it() {
    let memory = source("acme");
    let exporter = Exporter::new();
    let poller = Poller::builder(exporter.observe(memory.clone())).spawn();
    poller.scrape().await.unwrap();
    memory.set(Err(Error::new(ErrorKind::Transport, "refused")));
    poller.refresh_now().await.unwrap_err();

    let router = exporter.with_source(poller).into_router().unwrap();
    let text = metrics(&router).await;
    assert_line(&text, r#"scout_exporter_up{org="acme"} 0"#);
    let errors = r#"scout_exporter_fetch_errors_total{org="acme",reason="transport"} 1"#;
    assert_line(&text, errors);
    assert!(
        text.contains(r#"scout_stream_vulnerabilities{org="acme""#),
        "{text}"
    );
    assert!(
        text.contains(r#"scout_exporter_snapshot_age_seconds{org="acme"}"#),
        "{text}"
    );
}

#[tokio::test]
async fn an_answer_that_lost_its_streams_is_visible() {
    let memory = source("acme");
    let router = Exporter::new()
        .with_source(memory.clone())
        .into_router()
        .unwrap();
    assert_line(
        &metrics(&router).await,
        r#"scout_exporter_streams{org="acme"} 1"#,
    );
    memory.set(Snapshot::new(organization("acme"), []));
    let text = metrics(&router).await;
    assert_line(&text, r#"scout_exporter_streams{org="acme"} 0"#);
    assert_line(&text, r#"scout_exporter_up{org="acme"} 1"#);
}

#[tokio::test]
async fn several_sources_are_added_at_once() {
    let exporter = Exporter::new().with_sources([source("acme"), source("apex")]);
    let text = metrics(&exporter.into_router().unwrap()).await;
    for name in ["acme", "apex"] {
        assert_line(&text, &format!(r#"scout_exporter_up{{org="{name}"}} 1"#));
    }
}
