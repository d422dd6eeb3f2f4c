//! The client against a server that misbehaves in every way that networks know.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod support;

use std::time::Duration;

use scout_metrics_core::ErrorKind;
use scout_metrics_http::{ScoutClient, ScoutClientBuilder, ScoutSource};
use scout_metrics_openmetrics::Format;

use support::{Reply, Server};

const TOKEN: &str = "dckr_pat_v3ry-s3cr3t_0123456789";

const BODY: &str = "\
# TYPE scout_stream_vulnerabilities gauge
scout_stream_vulnerabilities{streamName=\"production\",severity=\"CRITICAL\"} 5
";

fn builder(server: &Server) -> ScoutClientBuilder {
    ScoutClient::builder()
        .with_token(TOKEN)
        .with_base_url(server.url())
        .with_timeout(Duration::from_millis(300))
        .with_backoff(Duration::from_millis(10))
}

fn acme(builder: ScoutClientBuilder) -> ScoutSource {
    builder.build().unwrap().organization("acme").unwrap()
}

#[tokio::test]
async fn asks_as_documented() {
    let server = Server::start([Reply::metrics(BODY)]).await;
    let source = acme(builder(&server));
    let exposition = source.exposition().await.unwrap();
    assert_eq!(exposition.body(), BODY);
    assert_eq!(exposition.format(), Format::Prometheus);

    let log = server.log();
    assert_eq!(log.requests.len(), 1);
    let request = &log.requests[0];
    assert!(
        request
            .head
            .starts_with("GET /v1/exporter/org/acme/metrics HTTP/1.1\r\n")
    );
    let header = |name| request.header(name).unwrap();
    assert_eq!(header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(header("accept-encoding"), "gzip");
    assert_eq!(
        header("user-agent"),
        concat!("scout-metrics/", env!("CARGO_PKG_VERSION"))
    );
    assert!(header("accept").starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(header("accept").contains("text/plain; version=0.0.4"));
}

#[tokio::test]
async fn a_refused_token_is_an_error_that_says_what_to_check() {
    let server = Server::start([Reply::status("401 Unauthorized", "", TOKEN)]).await;
    let error = acme(builder(&server)).exposition().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(error.status(), Some(401));
    assert_eq!(error.body(), Some("<redacted>"));
    assert_eq!(
        error.to_string(),
        "organization `acme`: the token given to `with_token` was refused (HTTP 401): check that it is complete, not \
         expired and not revoked"
    );
    assert_eq!(server.requests(), 1);
}
