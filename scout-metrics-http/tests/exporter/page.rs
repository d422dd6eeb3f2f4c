//! The page for people.

use super::*;

use scout_metrics_core::{Policy, PolicyResult};

const HOSTILE: &str = "<script>alert(1)</script>";

fn hostile_router() -> Router {
    let policy = Policy::new("id", "\"><img src=x onerror=alert(1)>");
    let stream = Stream::new(HOSTILE)
        .with_vulnerabilities("5C 0H".parse().unwrap())
        .with_policy(PolicyResult::new(policy, 199, 200).unwrap())
        .with_policy(PolicyResult::new(Policy::new("none", "No images"), 0, 0).unwrap());
    let snapshot = Snapshot::new(organization("acme"), [stream]).unwrap();
    let down = Error::new(ErrorKind::Unavailable, "down since <b>today</b>");
    Exporter::new()
        .with_source(MemorySource::new(snapshot))
        .with_source(MemorySource::failing(organization("apex"), down))
        .into_router()
        .unwrap()
}

#[tokio::test]
async fn names_are_escaped() {
    let page = get(&hostile_router(), "/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for markup in ["<script", "<img", "<b>"] {
        assert!(!page.body.contains(markup), "{}", page.body);
    }
    assert!(page.body.contains("alert(1)"), "{}", page.body);
}

#[tokio::test]
async fn nothing_is_fetched_and_nothing_runs() {
    let page = get(&hostile_router(), "/").await;
    for part in ["http:", "https:", "src=", "url(", "@import", "<link"] {
        let shown = page.body.replace("src=x onerror", "");
        assert!(!shown.contains(part), "{part}");
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'unsafe-inline'"),
        "{policy}"
    );
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn counts_ratios_and_reasons_are_shown() {
    let page = get(&hostile_router(), "/").await.body;
    for part in [
        "<td>5</td>",
        "<td>199</td><td>200</td>",
        "99 %",
        "Scraped 0 s ago",
        "last fetch failed",
        "No fetch has succeeded yet.",
        r#"href="v1/exporter/org/acme/metrics""#,
        r#"href="api/v1/organizations/acme/snapshot""#,
        r#"href="metrics""#,
        r#"href="sd""#,
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(!page.contains("NaN"), "{page}");
}

#[tokio::test]
async fn the_page_shows_a_limited_number_of_streams() {
    let streams = (0..502).map(|number| Stream::new(format!("stream{number}")));
    let snapshot = Snapshot::new(organization("acme"), streams).unwrap();
    let exporter = Exporter::new().with_source(MemorySource::new(snapshot));
    let page = get(&exporter.into_router().unwrap(), "/").await.body;
    assert!(page.contains("stream499<") && !page.contains("stream500<"));
    assert!(page.contains("2 more streams are not shown"));
}
