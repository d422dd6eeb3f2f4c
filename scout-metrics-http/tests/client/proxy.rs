//! A proxy from the environment. A process reads that once, so the client runs in its own process.

use std::{process::Stdio, time::Duration};

use scout_metrics_http::ScoutClient;
use tokio::{net::TcpListener, process::Command};

use crate::{
    BODY, LONG, TOKEN, acme,
    support::{Reply, Server},
};

const URL_VARIABLE: &str = "SCOUT_METRICS_TEST_URL";

/// Fetches in a new process with a proxy, and returns what came of it.
async fn fetch(url: &str, proxy: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "proxy::in_a_process_of_its_own", "--nocapture"])
        .env(URL_VARIABLE, url)
        .env("HTTPS_PROXY", proxy)
        .env("http_proxy", proxy)
        // As in an image without certificates, which must not keep the client from being built.
        .env("SSL_CERT_FILE", "/nowhere")
        .env("SSL_CERT_DIR", "/nowhere")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

#[tokio::test]
async fn in_a_process_of_its_own() {
    let Ok(url) = std::env::var(URL_VARIABLE) else {
        // The other tests run this one, with a proxy in its environment.
        return;
    };
    let builder = ScoutClient::builder()
        .with_token(TOKEN)
        .with_base_url(url)
        .with_allow_insecure_http(true)
        .with_timeout(LONG)
        .with_backoff(Duration::from_millis(10));
    match acme(builder).exposition().await {
        Ok(exposition) => println!("fetched {} bytes", exposition.body().len()),
        Err(error) => println!("{error}: {:?}\n{error:?}", error.kind()),
    }
}

#[tokio::test]
async fn the_token_is_not_in_the_request_to_the_proxy() {
    let refusal = Reply::status("407 Proxy Authentication Required", "", "");
    let proxy = Server::start([refusal]).await;
    let text = fetch("https://scout.example", &proxy.url()).await;
    let expected = authentication(&proxy.url());
    assert!(text.contains(&expected), "{text}");
    assert_eq!(proxy.requests(), 1);
    let request = &proxy.log().requests[0];
    assert!(
        request.head.starts_with("CONNECT scout.example:443 "),
        "{}",
        request.head
    );
    assert!(!request.head.contains(TOKEN));
}

#[tokio::test]
async fn a_proxy_that_requires_authentication_is_named_without_credentials_and_asked_once() {
    let refusal = Reply::status("407 Proxy Authentication Required", "", "");
    for server in ["http://scout.example", "https://scout.example"] {
        let proxy = Server::start([refusal.clone()]).await;
        let with_credentials = proxy.url().replace("//", "//us3r:p4ssw0rd@");
        let text = fetch(server, &with_credentials).await;
        let expected = authentication(&proxy.url());
        assert!(text.contains(&expected), "{text}");
        for secret in ["us3r", "p4ssw0rd", TOKEN] {
            assert!(!text.contains(secret), "{text}");
        }
        assert_eq!(proxy.requests(), 1);
    }
}

fn authentication(proxy: &str) -> String {
    format!(
        "organization `acme`: the proxy `{proxy}` requires authentication (HTTP 407): check the user name and \
         password in the variable that sets the proxy (`HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY`): Status"
    )
}

#[tokio::test]
async fn a_dead_proxy_is_a_connection_that_cannot_be_made() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let text = fetch("https://scout.example", &proxy).await;
    let expected = format!(
        "organization `acme`: cannot connect to `https://scout.example` through the proxy `{proxy}`: Transport"
    );
    assert!(text.contains(&expected), "{text}");
}

#[tokio::test]
async fn plain_http_goes_through_the_proxy_unless_it_is_for_this_machine() {
    let expected = format!("fetched {} bytes", BODY.len());
    let proxy = Server::start([Reply::metrics(BODY)]).await;
    let text = fetch("http://scout.example", &proxy.url()).await;
    assert!(text.contains(&expected), "{text}");
    assert_eq!(proxy.requests(), 1);

    let here = Server::start([Reply::metrics(BODY)]).await;
    let text = fetch(&here.url(), &proxy.url()).await;
    assert!(text.contains(&expected), "{text}");
    assert_eq!((proxy.requests(), here.requests()), (1, 1));
}
