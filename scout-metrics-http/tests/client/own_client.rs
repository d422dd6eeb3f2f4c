//! A `reqwest::Client` of the caller's own.

use std::time::Duration;

use reqwest::Client;
use scout_metrics_core::{ErrorKind, MetricsSource};

use crate::{
    BODY, acme, builder,
    support::{Reply, Server},
};

/// A client that follows redirects, as reqwest's do by default.
fn client() -> Client {
    let builder = Client::builder().no_proxy();
    #[cfg(feature = "rustls")]
    let builder = builder.tls_backend_preconfigured(crate::tls::client_config());
    builder.user_agent("gateway/1").build().unwrap()
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
            "the server redirects to `{}/x` (HTTP 200); redirects are not followed, so that the token stays with the \
             server it is for",
            other.url()
        )
    );
    assert_eq!(other.log().requests[0].header("authorization"), None);
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
        "`with_connect_timeout` cannot change the client of `with_client`"
    );
    #[cfg(feature = "rustls")]
    {
        let error = builder().with_ca_file("ca.pem").build().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`with_ca_file` cannot change the client of `with_client`"
        );
    }
}
