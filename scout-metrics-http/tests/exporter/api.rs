//! JSON, discovery and health.

use super::*;

use std::time::SystemTime;

fn router_of_a_known_time() -> Router {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let snapshot = Snapshot::new(organization("acme"), [Stream::new("production")]).unwrap();
    Exporter::new()
        .with_source(MemorySource::new(snapshot.with_scraped_at(at)))
        .with_max_snapshot_age(Duration::MAX)
        .into_router()
        .unwrap()
}

async fn json(router: &Router, path: &str) -> serde_json::Value {
    let request = Request::get(path).header("host", "scout.example:9090");
    let answer = call(router, request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn organizations_are_listed_with_their_state_without_a_scrape() {
    let router = router_of_a_known_time();
    let before = json(&router, "/api/v1/organizations").await;
    let expected = serde_json::json!({"organizations": [{
        "name": "acme",
        "up": false,
        "last_success_timestamp_seconds": null,
        "snapshot_age_seconds": null,
        "metrics": "/v1/exporter/org/acme/metrics",
        "snapshot": "/api/v1/organizations/acme/snapshot",
    }]});
    assert_eq!(before, expected);

    get(&router, PATH).await;
    let after = json(&router, "/api/v1/organizations").await;
    let acme = &after["organizations"][0];
    assert_eq!(acme["up"], true);
    assert_eq!(acme["last_success_timestamp_seconds"], 1_700_000_000.0);
    assert!(acme["snapshot_age_seconds"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn a_snapshot_is_the_documented_json() {
    let path = "/api/v1/organizations/acme/snapshot";
    let snapshot = json(&router_of_a_known_time(), path).await;
    let expected = serde_json::json!({
        "organization": "acme",
        "scraped_at": "2023-11-14T22:13:20Z",
        "streams": [{"name": "production", "vulnerabilities": {}, "policies": []}],
        "anomalies": [],
    });
    assert_eq!(snapshot, expected);
    let unknown = get(&open_router(), "/api/v1/organizations/other/snapshot").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.body, "unknown organization\n");
}

#[tokio::test]
async fn discovery_names_a_target_for_each_organization_where_the_router_is() {
    let exporter = Exporter::new()
        .with_source(source("apex"))
        .with_source(source("acme"));
    let router = exporter.into_router().unwrap();
    let group = |base: &str, name: &str| {
        serde_json::json!({
            "targets": ["scout.example:9090"],
            "labels": {"__metrics_path__": format!("{base}/v1/exporter/org/{name}/metrics"), "org": name},
        })
    };
    let expected = serde_json::json!([group("", "acme"), group("", "apex")]);
    assert_eq!(json(&router, "/sd").await, expected);

    let nested = Router::new().nest("/tenants/{tenant}", router);
    let expected = serde_json::json!([group("/tenants/a", "acme"), group("/tenants/a", "apex")]);
    assert_eq!(json(&nested, "/tenants/a/sd").await, expected);
    let listed = json(&nested, "/tenants/a/api/v1/organizations").await;
    let metrics = "/tenants/a/v1/exporter/org/acme/metrics";
    assert_eq!(listed["organizations"][0]["metrics"], metrics);
}

#[tokio::test]
async fn discovery_repeats_a_host_and_nothing_else() {
    for host in ["", "a b", "<script>", "user@host", "\"", "host/path"] {
        let request = Request::get("/sd").header("host", host);
        let answer = call(&open_router(), request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{host}");
        let reason =
            "the request needs a valid Host header, which becomes the address of the targets\n";
        assert_eq!(answer.body, reason);
    }
}

#[tokio::test]
async fn no_time_makes_a_route_panic() {
    for seconds in [0, 1_100_000_000_000, 253_402_300_800, u64::MAX / 4] {
        let Some(time) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) else {
            continue;
        };
        let snapshot = source("acme").scrape().await.unwrap().with_scraped_at(time);
        let router = Exporter::new()
            .with_source(MemorySource::new(snapshot))
            .with_max_snapshot_age(Duration::MAX)
            .into_router()
            .unwrap();
        for path in ROUTES {
            let request = Request::get(path).header("host", "localhost");
            let answer = call(&router, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {seconds}");
        }
    }
}
