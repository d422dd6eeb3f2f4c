//! The router below a path of its host, and behind a proxy.

use super::*;

use axum::http::uri::Scheme;

async fn discovered(router: &Router, path: &str, scheme: Option<Scheme>) -> serde_json::Value {
    let request = Request::get(path).header("host", "10.0.0.1:9090");
    let mut request = request.body(Body::empty()).unwrap();
    if let Some(scheme) = scheme {
        request.extensions_mut().insert(scheme);
    }
    serde_json::from_str(&call(router, request).await.body).unwrap()
}

#[tokio::test]
async fn every_route_is_found_below_a_path_and_the_page_also_with_a_slash_at_its_end() {
    let router = Router::new().nest_service("/scout", open_router());
    let get = async |path: &str| {
        let request = Request::get(path).header("host", "localhost");
        call(&router, request.body(Body::empty()).unwrap()).await
    };
    for route in ROUTES {
        let answer = get(&format!("/scout{route}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{route}");
    }
    assert_eq!(get("/scout").await.status, StatusCode::OK);
    assert_eq!(get("/metrics").await.status, StatusCode::NOT_FOUND);
    let metrics = get("/scout/metrics").await.body;
    let counted = r#"scout_exporter_http_requests_total{route="/scout/sd",code="200"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
}

/// A browser resolves them against the path that it requested, which the proxy may have changed.
#[tokio::test]
async fn links_lead_to_the_routes_behind_any_path() {
    for (host, path, metrics) in [
        (open_router(), "/", "metrics"),
        (
            Router::new().nest("/a/scout", open_router()),
            "/a/scout",
            "./scout/metrics",
        ),
        (
            Router::new().nest_service("/a/scout", open_router()),
            "/a/scout",
            "./scout/metrics",
        ),
        (
            Router::new().nest_service("/a/scout", open_router()),
            "/a/scout/",
            "metrics",
        ),
    ] {
        let page = get(&host, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let links = page.body.split("href=\"").skip(1);
        let links = links.map(|rest| rest.split('"').next().unwrap());
        // A fragment stays on the page, and a person follows the link to Docker Scout.
        let own = links.filter(|link| !link.starts_with(['#', 'h']));
        let own: Vec<&str> = own.map(|link| link.split('?').next().unwrap()).collect();
        assert!(own.contains(&metrics), "{own:?}");
        let prefix = metrics.strip_suffix("metrics").unwrap();
        let icon = format!("{prefix}assets/bad.svg");
        assert_eq!(own.len(), 8, "{own:?}");
        for link in own.into_iter().filter(|link| *link != icon) {
            let route = link.strip_prefix(prefix).unwrap();
            assert!(ROUTES.contains(&format!("/{route}").as_str()), "{link}");
        }
    }
}

#[tokio::test]
async fn targets_have_the_scheme_that_the_server_states() {
    for (scheme, shown) in [
        (None, serde_json::Value::Null),
        (Some(Scheme::HTTP), "http".into()),
        (Some(Scheme::HTTPS), "https".into()),
    ] {
        let groups = discovered(&open_router(), "/sd", scheme).await;
        assert_eq!(groups[0]["labels"]["__scheme__"], shown);
        assert_eq!(groups[0]["targets"][0], "10.0.0.1:9090");
    }
    let absolute = discovered(&open_router(), "https://scout.example/sd", None).await;
    assert_eq!(absolute[0]["labels"]["__scheme__"], "https");
    assert_eq!(absolute[0]["targets"][0], "scout.example");
}

#[tokio::test]
async fn an_external_url_is_where_targets_and_organizations_are() {
    for url in ["https://scout.example/a/b", "https://scout.example/a/b/"] {
        let router = Exporter::new()
            .with_source(source("acme"))
            .with_external_url(url.parse().unwrap())
            .into_router()
            .unwrap();
        let nested = Router::new().nest_service("/internal", router);
        let groups = discovered(&nested, "/internal/sd", Some(Scheme::HTTP)).await;
        let path = "/a/b/v1/exporter/org/acme/metrics";
        assert_eq!(
            groups,
            serde_json::json!([{
                "targets": ["scout.example"],
                "labels": {"__scheme__": "https", "__metrics_path__": path, "org": "acme"},
            }])
        );
        let listed = get(&nested, "/internal/api/v1/organizations").await.body;
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed["organizations"][0]["metrics"], path);
    }
}
