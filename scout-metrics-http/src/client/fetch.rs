//! One fetch: attempts, each a request and its whole answer, until one succeeds or another cannot help.

use reqwest::{
    Response, StatusCode, Url,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE},
};
use scout_metrics_core::{Error, ErrorKind, Organization, Result};
use tokio::time::Instant;

use super::{
    Inner,
    collect::{BodyKind, Collect},
    content_type::content_type,
};
use crate::{
    token::Token,
    transport::{
        answer,
        attempts::Attempts,
        body::{self, ResponseBody},
        deadline::Deadline,
        error::HttpError,
        excerpt::{excerpt, extend_start, not_metrics},
        exchange::Exchange,
        redact::{Secrets, authorization},
    },
};

/// The formats we can read, in Prometheus' own order of preference: OpenMetrics has an end mark. Names are read as they
/// are; the underscores that a server would write otherwise lose a part of them.
const ACCEPTED: &str = "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8; charset=utf-8, \
     text/plain; version=1.0.0; escaping=allow-utf-8; q=0.6, text/plain; version=0.0.4; q=0.5, */*; q=0.1";

/// The amount of data received.
struct Received {
    /// On the network.
    bytes: u64,
    samples: Option<usize>,
}

/// A fetch of one organization's exposition.
pub(crate) struct Fetch<'a> {
    client: &'a Inner,
    organization: &'a Organization,
    url: Url,
    deadline: Deadline,
}

impl<'a> Fetch<'a> {
    pub(crate) fn new(client: &'a Inner, organization: &'a Organization) -> Self {
        Self {
            client,
            organization,
            url: client.urls.url(organization),
            deadline: Deadline::after(client.timeout),
        }
    }

    /// Fetches, with a new collector for each attempt.
    pub(crate) async fn run<C: Collect>(
        &self,
        new_collector: impl Fn(BodyKind) -> C + Send + Sync,
    ) -> Result<C::Output> {
        let mut token = self.client.token(&self.deadline).await?;
        let mut has_new_token = false;
        let mut attempts = Attempts::new(&self.client.retry, &self.deadline);
        loop {
            let attempt = attempts.number();
            let error = match self.attempt(attempt, &token, &new_collector).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            if error.kind() == ErrorKind::Unauthorized && !has_new_token {
                let now = self.client.token(&self.deadline).await?;
                if now != token {
                    tracing::info!("the refused token has been replaced, trying the new one");
                    token = now;
                    has_new_token = true;
                    continue;
                }
            }
            attempts.wait_after(error).await?;
        }
    }

    /// Sends one request and reads the whole answer.
    async fn attempt<C: Collect>(
        &self,
        attempt: u32,
        token: &Token,
        new_collector: &(impl Fn(BodyKind) -> C + Sync),
    ) -> Result<C::Output> {
        let start = Instant::now();
        let secrets = Secrets::from(token.clone());
        let result = match self.request(token, &secrets).await {
            Ok(response) => self.collect(response, &secrets, new_collector).await,
            Err(error) => Err(error),
        };
        let duration = start.elapsed();
        match result {
            Ok((output, Received { bytes, samples })) => {
                tracing::debug!(attempt, status = 200, ?duration, bytes, samples, "fetched");
                Ok(output)
            }
            Err(error) => {
                let error = Error::from(error).with_organization(self.organization);
                let (kind, status) = (error.kind().as_str(), error.status());
                tracing::debug!(attempt, status, ?duration, kind, "the attempt failed");
                Err(error)
            }
        }
    }

    /// Sends the request, and returns the answer if its status is 200 and it is from the requested server.
    async fn request(&self, token: &Token, secrets: &Secrets) -> Result<Response, HttpError> {
        let request = self
            .client
            .http
            .get(self.url.clone())
            .header(ACCEPT, ACCEPTED)
            .header(ACCEPT_ENCODING, body::ACCEPT_ENCODING)
            .header(AUTHORIZATION, authorization(token));
        let exchange = Exchange {
            server: self.client.urls.server(),
            route: &self.client.route,
            deadline: &self.deadline,
        };
        let response = exchange.send(request, &self.url, secrets).await?;
        let status = response.status();
        if status != StatusCode::OK {
            let message = self.status_message(status);
            let detail = match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    self.client.credentials.origin().detail()
                }
                _ => None,
            };
            return Err(answer::refusal(response, message, detail, &self.deadline, secrets).await);
        }
        Ok(response)
    }

    /// Reads the whole body of an answer, and returns what the collector made of it.
    async fn collect<C: Collect>(
        &self,
        response: Response,
        secrets: &Secrets,
        new_collector: &(impl Fn(BodyKind) -> C + Sync),
    ) -> Result<(C::Output, Received), HttpError> {
        let content_type = match content_type(response.headers().get(CONTENT_TYPE), secrets) {
            Ok(content_type) => content_type,
            Err(fault) => {
                let body = answer::excerpt_of(response, &self.deadline, secrets).await;
                return Err(HttpError::NotMetrics(fault, body));
            }
        };
        let (server, limit) = (self.client.urls.server().server(), self.client.body_limit);
        let mut body = ResponseBody::new(response, server.clone(), limit, &self.deadline, secrets)?;
        let kind = BodyKind {
            content_type,
            has_known_end: body.has_known_end(),
        };
        let mut collector = new_collector(kind);
        let mut start = Vec::new();
        let mut fed = Ok(());
        while let Some(part) = body.next().await? {
            extend_start(&mut start, &part);
            fed = collector.feed(&part);
            if fed.is_err() {
                break;
            }
        }
        // Such a body is an error even if it could be read, and also if it was not parsed.
        if let Some(fault) = not_metrics(&start) {
            let body = excerpt(&start, secrets);
            return Err(HttpError::NotMetrics(fault.to_owned(), body));
        }
        let received = Received {
            bytes: body.received(),
            samples: collector.samples(),
        };
        let may_be_truncated = !kind.has_known_end && collector.is_blank();
        match fed.and_then(|()| collector.finish()) {
            Ok(_) if may_be_truncated => Err(HttpError::Blank(server)),
            Ok(output) => Ok((output, received)),
            Err(error) => {
                let error = secrets.redact_error(error);
                Err(HttpError::Reader(error, excerpt(&start, secrets)))
            }
        }
    }

    fn status_message(&self, status: StatusCode) -> String {
        let origin = self.client.credentials.origin();
        let organization = self.organization;
        let code = status.as_u16();
        match status {
            StatusCode::UNAUTHORIZED => format!(
                "the token {origin} was refused (HTTP {code}): check that it is complete, not expired and not revoked"
            ),
            StatusCode::FORBIDDEN => format!(
                "the token {origin} may not read this organization (HTTP {code}): its user must be an owner of \
                 `{organization}`, and the organization enrolled in Docker Scout (`docker scout enroll {organization}`)"
            ),
            StatusCode::NOT_FOUND => format!(
                "the server knows no such organization or path (HTTP {code}): check the name, and the URL `{}`",
                self.url
            ),
            StatusCode::TOO_MANY_REQUESTS => {
                format!("the server received too many requests (HTTP {code})")
            }
            _ if status.is_server_error() => {
                format!("the server cannot answer now (HTTP {code})")
            }
            _ => format!("the server answered with HTTP {code}, expected 200"),
        }
    }
}
