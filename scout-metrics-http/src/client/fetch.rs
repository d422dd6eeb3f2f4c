//! One fetch: attempts, each a request and its whole answer, until one succeeds or waiting cannot help.

use std::{
    error::Error as StdError,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use reqwest::{
    Response, StatusCode, Url,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, LOCATION},
};
use scout_metrics_core::{Error, ErrorKind, Organization, Result};
use scout_metrics_openmetrics::Format;
use tokio::time::{Instant, sleep, timeout};

use crate::{
    client::{
        Inner,
        body::{self, Body, EchoWatch},
        deadline::Deadline,
        retry, shown,
    },
    credentials::Token,
    error::{Excerpt, HttpError},
};

/// What we can read, in the order of Prometheus' own preference: OpenMetrics has an end mark.
const ACCEPTED: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8, text/plain; version=0.0.4; q=0.5, */*; q=0.1";

/// The most bytes of a body that are read for the sake of an error. An error keeps fewer, see
/// [`Error::MAX_BODY_CHARS`], so that a token at the end is never cut in two and missed.
const EXCERPT_BYTES: usize = 8 * 1024;

/// The longest time that is spent on such a body. A retry is worth more than an excerpt.
const EXCERPT_TIME: Duration = Duration::from_secs(1);

/// Takes a body part by part, and makes something of the whole.
pub(crate) trait Collect: Send {
    type Output: Send;

    fn feed(&mut self, part: Bytes) -> Result<()>;

    fn finish(self) -> Result<Self::Output>;
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
            url: client.endpoint.url(organization),
            deadline: Deadline::after(client.timeout),
        }
    }

    /// Fetches, with a new collector for each attempt.
    pub(crate) async fn run<C: Collect>(
        &self,
        new_collector: impl Fn(Format) -> C + Send + Sync,
    ) -> Result<C::Output> {
        let mut token = self.token().await?;
        let mut has_new_token = false;
        let mut previous: Option<Error> = None;
        let mut attempt = 1;
        loop {
            let error = match self.attempt(attempt, &token, &new_collector).await {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            if error.kind() == ErrorKind::Unauthorized && !has_new_token {
                let now = self.token().await?;
                if now != token {
                    tracing::info!(
                        "the token was refused and has changed since, trying the new one"
                    );
                    token = now;
                    has_new_token = true;
                    continue;
                }
            }
            let delay = self.client.retry.delay(attempt, &error);
            let Some(delay) = delay.filter(|delay| self.deadline.leaves(*delay)) else {
                return Err(after(error, previous));
            };
            tracing::warn!(attempt, ?delay, %error, "the attempt failed, waiting for the next");
            sleep(delay).await;
            attempt += 1;
            previous = Some(error);
        }
    }

    async fn token(&self) -> Result<Token, HttpError> {
        let credentials = &self.client.credentials;
        self.deadline
            .bound(credentials.token(), || {
                format!("the token {} could not be read", credentials.origin())
            })
            .await?
    }

    async fn attempt<C: Collect>(
        &self,
        attempt: u32,
        token: &Token,
        new_collector: &(impl Fn(Format) -> C + Sync),
    ) -> Result<C::Output> {
        let start = Instant::now();
        let result = match self.request(token).await {
            Ok(response) => self.collect(response, token, new_collector).await,
            Err(error) => Err(error),
        };
        let duration = start.elapsed();
        match result {
            Ok((output, bytes)) => {
                tracing::debug!(attempt, status = 200, ?duration, bytes, "fetched");
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

    /// Sends the request and returns the answer if its status is 200 and it is ours.
    async fn request(&self, token: &Token) -> Result<Response, HttpError> {
        let server = || self.client.endpoint.server();
        let request = self
            .client
            .http
            .get(self.url.clone())
            .header(ACCEPT, ACCEPTED)
            .header(ACCEPT_ENCODING, body::ACCEPT_ENCODING)
            .header(AUTHORIZATION, token.to_header());
        let response = self
            .deadline
            .bound(request.send(), || format!("no answer from `{}`", server()))
            .await?
            .map_err(|error| send_error(error.without_url(), server()))?;
        if !self.client.endpoint.is_same_origin(response.url()) {
            // A client of the caller's own followed a redirect.
            return Err(HttpError::Redirect {
                status: response.status(),
                target: place(response.url(), token),
            });
        }
        match response.status() {
            StatusCode::OK => Ok(response),
            status if is_redirect(status) => Err(self.redirect_error(&response, token)),
            _ => Err(self.status_error(response, token).await),
        }
    }

    /// Reads the whole body of an answer, and returns what the collector made of it and its length on the wire.
    async fn collect<C: Collect>(
        &self,
        response: Response,
        token: &Token,
        new_collector: &(impl Fn(Format) -> C + Sync),
    ) -> Result<(C::Output, u64), HttpError> {
        let format = match format_of(&response, token) {
            Ok(format) => format,
            Err(fault) => {
                let body = self.excerpt(response, token).await;
                return Err(HttpError::NotMetrics(fault, body));
            }
        };
        let mut body = self.body(response, self.client.body_limit, token)?;
        let mut collector = new_collector(format);
        let mut echo = EchoWatch::new(token);
        let mut is_checked = false;
        while let Some(part) = body.next().await? {
            if !is_checked {
                if let Some(first) = part.iter().find(|b| !is_blank(**b)) {
                    is_checked = true;
                    if let Some(fault) = disguise(*first) {
                        let body = excerpt_of(body, part.to_vec(), token).await;
                        return Err(HttpError::NotMetrics(fault.to_owned(), body));
                    }
                }
            }
            echo.look_at(&part);
            collector
                .feed(part)
                .map_err(|error| reader_error(error, &echo))?;
        }
        let output = collector
            .finish()
            .map_err(|error| reader_error(error, &echo))?;
        Ok((output, body.received()))
    }

    fn body(&self, response: Response, limit: u64, token: &Token) -> Result<Body<'_>, HttpError> {
        let server = self.client.endpoint.server();
        Body::new(response, server, limit, &self.deadline, token)
    }

    async fn excerpt(&self, response: Response, token: &Token) -> Excerpt {
        match self.body(response, u64::MAX, token) {
            Ok(body) => excerpt_of(body, Vec::new(), token).await,
            Err(_) => Excerpt::default(),
        }
    }

    fn redirect_error(&self, response: &Response, token: &Token) -> HttpError {
        let location = response.headers().get(LOCATION);
        let location = location.and_then(|value| value.to_str().ok());
        let target = location.and_then(|location| self.url.join(location).ok());
        HttpError::Redirect {
            status: response.status(),
            target: target.map_or("nowhere".to_owned(), |target| place(&target, token)),
        }
    }

    async fn status_error(&self, response: Response, token: &Token) -> HttpError {
        let status = response.status();
        let retry_after = retry::retry_after(response.headers(), SystemTime::now());
        let mut message = self.status_message(status);
        if let Some(delay) = retry_after {
            message.push_str(&format!("; it asks to wait {delay:?}"));
        }
        HttpError::Status {
            status,
            message,
            retry_after,
            body: self.excerpt(response, token).await,
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
                "the server knows no such organization or path (HTTP {code}): check the name, and the address `{}`",
                self.url
            ),
            StatusCode::TOO_MANY_REQUESTS => {
                format!("the server asks for fewer requests (HTTP {code})")
            }
            _ if status.is_server_error() => {
                format!("the server cannot answer now (HTTP {code})")
            }
            _ => format!("the server answered with HTTP {code}, expected 200"),
        }
    }
}

/// Joins the last error with the one before, if the last has no cause of its own.
fn after(error: Error, previous: Option<Error>) -> Error {
    match previous {
        Some(previous) if error.source().is_none() && error.kind() == ErrorKind::Timeout => {
            error.with_source(previous)
        }
        _ => error,
    }
}

fn send_error(error: reqwest::Error, server: String) -> HttpError {
    if !error.is_connect() {
        return HttpError::Exchange {
            server,
            source: error,
        };
    }
    if error.is_timeout() {
        return HttpError::ConnectTimeout {
            server,
            source: error,
        };
    }
    #[cfg(feature = "rustls")]
    if let Some(cause) = find_cause::<rustls::Error>(&error) {
        return HttpError::Connect {
            server,
            hint: format!(": {}", super::tls::hint(cause)),
            is_transient: false,
            source: error,
        };
    }
    let hint = if error.is_dns() {
        ": its name cannot be resolved"
    } else {
        ""
    };
    HttpError::Connect {
        server,
        hint: hint.to_owned(),
        is_transient: true,
        source: error,
    }
}

/// Looks for an error in a chain of sources, and in the I/O errors there, which hide what they wrap.
#[cfg(feature = "rustls")]
fn find_cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let wrapped = error.downcast_ref().and_then(std::io::Error::get_ref);
    match wrapped {
        Some(wrapped) => find_cause(wrapped),
        None => error.source().and_then(find_cause),
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Shows where a redirect leads, without user name and query, which may be secrets.
fn place(url: &Url, token: &Token) -> String {
    let mut place = url.clone();
    place.set_query(None);
    place.set_fragment(None);
    // This fails for addresses that can have neither.
    let _ = place.set_username("");
    let _ = place.set_password(None);
    format!("`{}`", shown(place.as_str().as_bytes(), token))
}

/// Returns the format that the content type names. A missing content type is taken for the Prometheus text format, as
/// scrapers always did.
fn format_of(response: &Response, token: &Token) -> Result<Format, String> {
    let Some(value) = response.headers().get(CONTENT_TYPE) else {
        return Ok(Format::Prometheus);
    };
    let format = value.to_str().ok().and_then(from_content_type);
    format.ok_or_else(|| {
        format!(
            "has the content type `{}`, expected Prometheus text 0.0.4 or OpenMetrics 1.0",
            shown(value.as_bytes(), token)
        )
    })
}

fn from_content_type(value: &str) -> Option<Format> {
    let essence = value.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/openmetrics-text" => Some(Format::OpenMetrics),
        "text/plain" => Some(Format::Prometheus),
        _ => None,
    }
}

/// Returns whether a byte may be in front of a page: white space, or part of a byte order mark.
fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, 0xef | 0xbb | 0xbf)
}

/// Says what a body is that is called metrics and begins as no exposition can.
fn disguise(first: u8) -> Option<&'static str> {
    match first {
        b'<' => Some("is called metrics and is HTML or XML"),
        b'{' | b'[' => Some("is called metrics and is JSON"),
        0x1f => Some("is compressed without saying so"),
        0xfe | 0xff => Some("is UTF-16, expected UTF-8"),
        _ => None,
    }
}

/// Reads on until there is enough for an excerpt, or there is no more, or it takes too long.
async fn excerpt_of(mut body: Body<'_>, mut bytes: Vec<u8>, token: &Token) -> Excerpt {
    let read_on = async {
        while bytes.len() < EXCERPT_BYTES {
            match body.next().await {
                Ok(Some(part)) => bytes.extend_from_slice(&part),
                _ => break,
            }
        }
    };
    // What came until then is enough.
    let _ = timeout(EXCERPT_TIME, read_on).await;
    let text = String::from_utf8_lossy(&bytes);
    let text = token.redact(&text);
    let is_shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let shown = text.chars().take(Error::MAX_BODY_CHARS).filter(is_shown);
    Excerpt(shown.collect())
}

fn reader_error(error: Error, echo: &EchoWatch) -> HttpError {
    if echo.has_seen() {
        HttpError::Echo(error.kind())
    } else {
        HttpError::Reader(error)
    }
}
