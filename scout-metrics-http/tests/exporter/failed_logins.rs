//! Clients that send wrong credentials again and again.

use super::*;

use std::net::SocketAddr;

use axum::extract::ConnectInfo;

const GOOD: &str = "Bearer dckr_pat_0123456789";

async fn from(router: &Router, peer: Option<&str>, authorization: Option<&str>) -> Answer {
    let mut request = Request::get(PATH);
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let mut request = request.body(Body::empty()).unwrap();
    if let Some(peer) = peer {
        let address = SocketAddr::new(peer.parse().unwrap(), 50_000);
        request.extensions_mut().insert(ConnectInfo(address));
    }
    call(router, request).await
}

async fn fail(router: &Router, peer: Option<&str>, times: usize) {
    for number in 0..times {
        let wrong = format!("Bearer wrong{number}");
        let answer = from(router, peer, Some(&wrong)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_is_refused_for_the_rest_of_the_minute_after_ten_failures() {
    let router = guarded_router();
    let peer = Some("192.0.2.1");
    fail(&router, peer, 10).await;
    tokio::time::advance(Duration::from_millis(500)).await;
    for authorization in [Some("Bearer wrong"), Some(GOOD), Some("Basic Og==")] {
        let answer = from(&router, peer, authorization).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.header("retry-after"), Some("60"));
        assert_eq!(answer.body, "too many failed logins\n");
    }
    let without = from(&router, peer, None).await;
    assert_eq!(without.status, StatusCode::UNAUTHORIZED);

    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(from(&router, peer, Some(GOOD)).await.status, StatusCode::OK);
    fail(&router, peer, 10).await;
}

#[tokio::test(start_paused = true)]
async fn other_addresses_are_not_refused() {
    let router = guarded_router();
    fail(&router, Some("192.0.2.1"), 10).await;
    fail(&router, Some("2001:db8:0:1::1"), 10).await;
    for (peer, status) in [
        (Some("192.0.2.2"), StatusCode::OK),
        (Some("::ffff:192.0.2.2"), StatusCode::OK),
        (Some("2001:db8:0:2::1"), StatusCode::OK),
        (None, StatusCode::OK),
        (Some("::ffff:192.0.2.1"), StatusCode::TOO_MANY_REQUESTS),
        (Some("2001:db8:0:1::2"), StatusCode::TOO_MANY_REQUESTS),
    ] {
        let answer = from(&router, peer, Some(GOOD)).await;
        assert_eq!(answer.status, status, "{peer:?}");
    }
}

/// As behind a proxy, whose address all clients have.
#[tokio::test(start_paused = true)]
async fn a_client_that_was_admitted_is_not_locked_out_by_others_at_its_address() {
    let router = guarded_router();
    let peer = Some("192.0.2.1");
    assert_eq!(from(&router, peer, Some(GOOD)).await.status, StatusCode::OK);
    fail(&router, peer, 10).await;
    for _ in 0..20 {
        assert_eq!(from(&router, peer, Some(GOOD)).await.status, StatusCode::OK);
        let answer = from(&router, peer, Some("Bearer second")).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_address_only_wrong_credentials_are_refused() {
    let router = guarded_router();
    fail(&router, None, 1000).await;
    let wrong = from(&router, None, Some("Bearer wrong")).await;
    assert_eq!(wrong.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(wrong.header("retry-after"), Some("60"));
    let right = from(&router, None, Some(GOOD)).await;
    assert_eq!(right.status, StatusCode::OK);
    tokio::time::advance(Duration::from_secs(60)).await;
    fail(&router, None, 1).await;
}

#[tokio::test]
async fn requests_without_credentials_are_no_failures() {
    let router = guarded_router();
    let peer = Some("192.0.2.1");
    for _ in 0..20 {
        let answer = from(&router, peer, None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(from(&router, peer, Some(GOOD)).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_counted_by_their_code() {
    let router = guarded_router();
    fail(&router, Some("192.0.2.1"), 10).await;
    from(&router, Some("192.0.2.1"), Some(GOOD)).await;
    let request = Request::get("/metrics").header("authorization", GOOD);
    let metrics = call(&router, request.body(Body::empty()).unwrap())
        .await
        .body;
    for line in [
        r#"scout_exporter_http_requests_total{route="/v1/exporter/org/{org}/metrics",code="401"} 10"#,
        r#"scout_exporter_http_requests_total{route="/v1/exporter/org/{org}/metrics",code="429"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}
