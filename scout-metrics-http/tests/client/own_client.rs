//! The caller's own `reqwest::Client`.

use std::time::Duration;

use reqwest::{Client, ClientBuilder};
use scout_metrics_core::{ErrorKind, MetricsSource};

use crate::{
    BODY, SHORT, acme, builder,
    support::{Reply, Server, TEXT},
};

/// A client that follows redirects, as reqwest's do by default.
fn client() -> Client {
    client_builder().build().unwrap()
}

fn client_builder() -> ClientBuilder {
    let builder = Client::builder().no_proxy();
    #[cfg(feature = "rustls")]
    let builder = builder.tls_backend_preconfigured(crate::tls::client_config());
    builder.user_agent("gateway/1")
}

fn redirect(location: String) -> Reply {
    Reply::status("302 Found", &format!("Location: {location}\r\n"), "")
}

#[tokio::test]
async fn sends_the_requests() {
    let server = Server::start([redirect("/elsewhere".to_owned()), Reply::metrics(BODY)]).await;
    let source = acme(builder(&server).with_client(client()));
    assert_eq!(source.scrape().await.unwrap().streams().len(), 1);
    let log = server.log();
    assert_eq!(log.requests[1].header("user-agent"), Some("gateway/1"));
    assert!(log.requests[1].head.starts_with("GET /elsewhere "));
}

#[tokio::test]
async fn an_answer_from_another_origin_is_refused() {
    let other = Server::start([Reply::metrics(BODY)]).await;
    let server = Server::start([redirect(format!("{}/x?y", other.url()))]).await;
    let source = acme(builder(&server).with_client(client()));
    let error = source.scrape().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    assert_eq!(
        error.message(),
        format!(
            "a redirect led to `{}/x`, which is not the server that was asked",
            other.url()
        )
    );
    assert_eq!(other.log().requests[0].header("authorization"), None);
}

#[tokio::test]
async fn its_proxy_may_require_authentication() {
    let proxy = Server::start([Reply::status("407 Proxy", "", "")]).await;
    let client = client_builder().build().unwrap();
    let source = acme(builder(&proxy).with_client(client));
    let error = source.scrape().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Status, Some(407))
    );
    assert_eq!(
        error.message(),
        "a proxy requires authentication (HTTP 407): check the proxy of the client given to `with_client`"
    );
    assert_eq!(proxy.requests(), 1);
}

#[tokio::test]
async fn its_own_timeout_is_a_timeout() {
    let start = format!("HTTP/1.1 200 OK\r\n{TEXT}Content-Length: 100\r\n\r\n#");
    for reply in [Reply::nothing().then_hold(), Reply::raw(start).then_hold()] {
        let server = Server::start([reply]).await;
        let client = client_builder().timeout(SHORT).build().unwrap();
        let source = acme(builder(&server).with_client(client).with_max_attempts(1));
        let error = source.scrape().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
}

#[tokio::test]
async fn options_that_cannot_reach_it_are_refused() {
    let server = Server::start([]).await;
    let builder = || builder(&server).with_client(client());
    let error = builder()
        .with_connect_timeout(Duration::from_secs(1))
        .build()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`with_connect_timeout` cannot be combined with `with_client`"
    );
    #[cfg(feature = "rustls")]
    {
        let error = builder().with_ca_file("ca.pem").build().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`with_ca_file` cannot be combined with `with_client`"
        );
    }
}
