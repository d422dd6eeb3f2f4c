//! Requests to a receiver, one at a time.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, USER_AGENT},
};
use scout_metrics_core::Error;

use super::{ProtocolVersion, negotiation::Answer};
use crate::transport::{
    answer, authorization::Authorization, deadline::Deadline, error::HttpError, exchange::Exchange,
    http_client, proxy::Route, redact::Secrets, server_url::ServerUrl,
};

const VERSION: &str = "x-prometheus-remote-write-version";

const SAMPLES_WRITTEN: &str = "x-prometheus-remote-write-samples-written";

/// The headers of 2.0 that say how much was written.
const WRITTEN: [&str; 3] = [
    SAMPLES_WRITTEN,
    "x-prometheus-remote-write-histograms-written",
    "x-prometheus-remote-write-exemplars-written",
];

/// The headers that callers cannot set: those that the specification reserves, and those of the connection.
pub(super) const RESERVED_HEADERS: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
    VERSION,
];

/// Sends requests to a receiver: over HTTP, or in tests to one that needs no network, so that time can be paused.
#[async_trait]
pub(super) trait Post: fmt::Debug + Send + Sync {
    /// Sends a request. The error says why there is no answer of the receiver.
    async fn post(&self, body: Bytes, version: ProtocolVersion) -> Result<Reply, Error>;
}

/// A server that samples are written to.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) http: Client,
    pub(super) url: ServerUrl,
    pub(super) route: Route,
    pub(super) authorization: Authorization,
    /// The maximum time of a request.
    pub(super) timeout: Duration,
}

/// The answer of a receiver.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) answer: Answer,
    /// How many samples it says that it has written.
    pub(super) samples_written: Option<u64>,
    /// The error that the status means, unless it is a success.
    pub(super) error: Option<Error>,
}

#[async_trait]
impl Post for Receiver {
    async fn post(&self, body: Bytes, version: ProtocolVersion) -> Result<Reply, Error> {
        let deadline = Deadline::after(self.timeout);
        let exchange = async {
            let (headers, secrets) = self.authorization.headers(&deadline).await?;
            let sent = headers.clone();
            let reply = self
                .exchange(body.clone(), version, headers, &secrets, &deadline)
                .await?;
            if reply.answer.status == 401 {
                let (headers, secrets) = self.authorization.headers(&deadline).await?;
                if headers != sent {
                    tracing::info!("the refused token has been replaced, trying the new one");
                    return self
                        .exchange(body, version, headers, &secrets, &deadline)
                        .await;
                }
            }
            Ok(reply)
        };
        let reply: Result<Reply, HttpError> = exchange.await;
        Ok(reply?)
    }
}

impl Receiver {
    async fn exchange(
        &self,
        body: Bytes,
        version: ProtocolVersion,
        headers: HeaderMap,
        secrets: &Secrets,
        deadline: &Deadline,
    ) -> Result<Reply, HttpError> {
        let request = self
            .http
            .post(self.url.url().clone())
            .headers(headers)
            .header(CONTENT_ENCODING, "snappy")
            .header(CONTENT_TYPE, version.content_type())
            .header(USER_AGENT, http_client::USER_AGENT)
            .header(VERSION, version.header())
            .body(body);
        let exchange = Exchange {
            server: &self.url,
            route: &self.route,
            deadline,
        };
        let response = exchange.send(request, self.url.url(), secrets).await?;
        Ok(self.reply(response, secrets, deadline).await)
    }

    async fn reply(&self, response: Response, secrets: &Secrets, deadline: &Deadline) -> Reply {
        let (status, headers) = (response.status(), response.headers());
        let reply = Reply {
            answer: Answer {
                status: status.as_u16(),
                has_written: WRITTEN.iter().any(|name| headers.contains_key(*name)),
            },
            samples_written: written(headers),
            error: None,
        };
        if status.is_success() {
            // The body is reserved for later versions, and must be ignored.
            return reply;
        }
        let message = self.status_message(status);
        let error = answer::refusal(response, message, None, deadline, secrets).await;
        Reply {
            error: Some(error.into()),
            ..reply
        }
    }

    fn status_message(&self, status: StatusCode) -> String {
        let (code, server) = (status.as_u16(), self.url.server());
        match (status, self.authorization.origin()) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, None) => {
                format!("`{server}` requires a token or other credentials (HTTP {code})")
            }
            (StatusCode::UNAUTHORIZED, Some(origin)) => {
                format!("the token {origin} was refused by `{server}` (HTTP {code})")
            }
            (StatusCode::FORBIDDEN, Some(origin)) => {
                format!("the token {origin} may not write to `{server}` (HTTP {code})")
            }
            (StatusCode::NOT_FOUND, _) => format!(
                "`{server}` does not accept remote write at `{}` (HTTP {code}): check the path, and whether the receiver \
                 is enabled, as `--web.enable-remote-write-receiver` does for Prometheus",
                self.url.url().path()
            ),
            _ if status.is_server_error() => {
                format!("`{server}` cannot write samples now (HTTP {code})")
            }
            (StatusCode::TOO_MANY_REQUESTS, _) => {
                format!("`{server}` received too many requests (HTTP {code})")
            }
            _ => format!("`{server}` refused the samples (HTTP {code})"),
        }
    }
}

/// Returns how many samples were written. One that is not a number counts as absent.
fn written(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(SAMPLES_WRITTEN)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}
