use super::*;

#[tokio::test]
async fn an_unknown_organization_is_not_repeated() {
    let router = open_router();
    for name in [
        "other",
        "Acme",
        "..%2Facme",
        "%3Cscript%3E",
        "%ff",
        "acme%00",
        "a%0d%0ab",
    ] {
        for suffix in ["", "/metrics"] {
            let answer = get(&router, &format!("/v1/exporter/org/{name}{suffix}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
            assert_eq!(answer.body, "unknown organization\n");
        }
    }
}

#[tokio::test]
async fn other_methods_are_told_which_ones_are_allowed() {
    let router = open_router();
    for path in ROUTES {
        for method in [
            "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW",
        ] {
            let request = Request::builder().method(method).uri(path);
            let answer = call(&router, request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
            assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{method}");
        }
    }
}

#[tokio::test]
async fn a_path_that_is_no_route_is_not_repeated() {
    let long = format!("/{}", "x".repeat(100_000 / 2));
    for path in [
        "/metric",
        "/metrics/",
        "/v1/exporter/org/",
        "/v1/exporter/org/acme/metrics/more",
        "/..%2f..%2fetc/passwd",
        "/%3Cscript%3E",
        &long,
    ] {
        let answer = get(&open_router(), path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.body, "");
    }
}

#[tokio::test]
async fn a_failed_scrape_has_the_status_that_says_whose_fault_it_is() {
    let failing = MemorySource::failing(organization("acme"), Error::new(ErrorKind::Other, ""));
    let router = Exporter::new()
        .with_source(failing.clone())
        .into_router()
        .unwrap();
    for (kind, status) in [
        (ErrorKind::Anomaly, 502),
        (ErrorKind::Config, 500),
        (ErrorKind::Decode, 502),
        (ErrorKind::Forbidden, 502),
        (ErrorKind::Invalid, 500),
        (ErrorKind::Limit, 502),
        (ErrorKind::NotFound, 502),
        (ErrorKind::NotMetrics, 502),
        (ErrorKind::Other, 500),
        (ErrorKind::RateLimited, 503),
        (ErrorKind::Redirect, 502),
        (ErrorKind::Status, 502),
        (ErrorKind::Timeout, 504),
        (ErrorKind::Transport, 502),
        (ErrorKind::Unauthorized, 502),
        (ErrorKind::Unavailable, 503),
    ] {
        let error = Error::new(kind, "it did not work")
            .with_organization(&organization("acme"))
            .with_body("the body of the answer")
            .with_source("the cause");
        failing.set(Err(error));
        let answer = get(&router, PATH).await;
        assert_eq!(answer.status.as_u16(), status, "{kind}");
        assert_eq!(answer.body, "organization `acme`: it did not work\n");
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        let is_retryable = matches!(
            kind,
            ErrorKind::RateLimited
                | ErrorKind::Timeout
                | ErrorKind::Transport
                | ErrorKind::Unavailable
        );
        let delay = is_retryable.then_some("5");
        assert_eq!(answer.header("retry-after"), delay, "{kind}");
    }
}

#[tokio::test]
async fn a_known_delay_is_passed_on_in_whole_seconds() {
    let error = Error::new(ErrorKind::RateLimited, "too many requests")
        .with_retry_after(Duration::from_millis(29_001));
    let failing = MemorySource::failing(organization("acme"), error);
    let router = Exporter::new().with_source(failing).into_router().unwrap();
    assert_eq!(get(&router, PATH).await.header("retry-after"), Some("30"));
}

#[tokio::test]
async fn the_reason_is_one_short_line() {
    let error = Error::new(
        ErrorKind::Decode,
        format!("a\r\nb\u{1b}[31m{}", "é".repeat(9999)),
    );
    let failing = MemorySource::failing(organization("acme"), error);
    let router = Exporter::new().with_source(failing).into_router().unwrap();
    let body = get(&router, PATH).await.body;
    assert!(body.starts_with("a  b [31mé"), "{body}");
    assert_eq!(body.chars().count(), 501);
}

#[tokio::test]
async fn the_reason_shows_no_path_of_this_machine() {
    let error = Error::new(
        ErrorKind::NotFound,
        "cannot read the file `/srv/my data/acme.prom`",
    );
    let failing = MemorySource::failing(organization("acme"), error);
    let router = Exporter::new().with_source(failing).into_router().unwrap();
    for path in [PATH, "/"] {
        let body = get(&router, path).await.body;
        assert!(body.contains("cannot read the file"), "{body}");
        assert!(!body.contains("my data"), "{body}");
    }
}
