use super::*;

#[tokio::test]
async fn both_paths_serve_the_metrics_of_the_source() {
    let router = open_router();
    let answer = get(&router, PATH).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8; escaping=underscores")
    );
    assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
    let sample = r#"scout_stream_vulnerabilities{streamName="production",severity="CRITICAL"} 5"#;
    assert!(answer.body.contains(sample), "{}", answer.body);
    assert_eq!(get(&router, "/v1/exporter/org/acme").await, answer);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let router = open_router();
    let request = Request::head(PATH).body(Body::empty()).unwrap();
    let (head, get) = (call(&router, request).await, get(&router, PATH).await);
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.body, "");
    assert_eq!(head.header("content-type"), get.header("content-type"));
    assert_eq!(
        head.header("content-length"),
        Some(get.body.len().to_string().as_str())
    );
}

#[tokio::test]
async fn the_accept_header_chooses_format_and_content_type_together() {
    let router = open_router();
    let openmetrics: &[u8] = b"application/openmetrics-text;version=1.0.0";
    let plain: &[u8] = b"text/plain;version=0.0.4;q=0.5";
    for accept in [
        vec![openmetrics],
        vec![openmetrics, plain],
        vec![plain, openmetrics],
    ] {
        let lines: Vec<_> = accept.iter().map(|&line| ("accept", line)).collect();
        let answer = get_with(&router, &lines).await;
        let expected =
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores";
        assert_eq!(answer.header("content-type"), Some(expected));
        assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    }
}

#[tokio::test]
async fn an_accept_header_that_makes_no_sense_gets_the_default() {
    let router = open_router();
    for accept in [
        &b""[..],
        b"*/*",
        b"image/png",
        b";;q=,,",
        b"\xff\xfe",
        b"text/html;q=nan",
    ] {
        let answer = get_with(&router, &[("accept", accept)]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; version=0.0.4; charset=utf-8; escaping=underscores")
        );
    }
}

#[tokio::test]
async fn each_organization_has_its_own_source() {
    let other = MemorySource::new(
        Snapshot::new(
            organization("other"),
            [Stream::new("staging").with_vulnerabilities("1C".parse().unwrap())],
        )
        .unwrap(),
    );
    let router = Exporter::new()
        .with_source(source("acme"))
        .with_source(other)
        .into_router()
        .unwrap();
    assert!(get(&router, PATH).await.body.contains("production"));
    let answer = get(&router, "/v1/exporter/org/other/metrics").await;
    assert!(answer.body.contains("staging") && !answer.body.contains("production"));
}

#[tokio::test]
async fn the_router_can_be_nested_below_parameters_of_its_host() {
    let router = Router::new().nest("/tenants/{tenant}", open_router());
    assert_eq!(
        get(&router, &format!("/tenants/blue{PATH}")).await.status,
        StatusCode::OK
    );
}
