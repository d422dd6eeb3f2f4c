//! Requests to the query API, and their answers.

use std::time::Duration;

use reqwest::{
    Client, Response, StatusCode, Url,
    header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap},
};
use scout_metrics_core::{Error, ErrorKind, Result};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{task::spawn_blocking, time::Instant};

use super::answer::{Answer, Status};
use crate::transport::{
    answer::{refusal_with, start_of},
    attempts::Attempts,
    authorization::Authorization,
    body::{self, ResponseBody},
    deadline::Deadline,
    error::HttpError,
    excerpt::{EXCERPT_BYTES, excerpt},
    exchange::Exchange,
    proxy::Route,
    redact::Secrets,
    retry::RetryPolicy,
    server_url::ServerUrl,
};

/// The number of warnings of an answer that are kept. One is enough to doubt it.
pub(super) const MAX_WARNINGS: usize = 10;

/// A parameter of a request.
pub(super) type Parameter = (&'static str, String);

/// Parameters of every request: Thanos and clusters of VictoriaMetrics must not leave out what they cannot reach, and
/// VictoriaMetrics must not move the times of evaluation for its cache, nor return nothing for the last 30 seconds, which
/// it would by its own clock. Servers ignore what they do not know.
const COMPLETE_AND_EXACT: [(&str, &str); 4] = [
    ("partial_response", "false"),
    ("deny_partial_response", "1"),
    ("nocache", "1"),
    ("latency_offset", "1ms"),
];

/// A server with the query API.
pub(super) struct Api {
    pub(super) http: Client,
    pub(super) server: ServerUrl,
    pub(super) route: Route,
    pub(super) authorization: Authorization,
    pub(super) timeout: Duration,
    pub(super) body_limit: u64,
    pub(super) retry: RetryPolicy,
}

/// The data of an answer, and the warnings that came with it.
pub(super) struct Answered<T> {
    pub(super) data: T,
    pub(super) warnings: Vec<String>,
    /// The texts that errors about the data must not show.
    pub(super) secrets: Secrets,
}

impl Api {
    /// Returns the server with the path below which its API is, for messages.
    pub(super) fn place(&self) -> String {
        let path = self.server.url().path().trim_end_matches('/');
        format!("{}{path}", self.server.server())
    }

    /// Asks until there is an answer, another attempt cannot help, or the deadline is reached.
    pub(super) async fn get<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
        parameters: &[Parameter],
        deadline: &Deadline,
    ) -> Result<Answered<T>> {
        let url = self.url(path, parameters);
        let (mut headers, mut secrets) = self.authorization.headers(deadline).await?;
        let mut has_new_token = false;
        let mut attempts = Attempts::new(&self.retry, deadline);
        loop {
            let start = Instant::now();
            let attempt = self.attempt(&url, &headers, &secrets, deadline);
            let error = match attempt.await {
                Ok(answered) => {
                    tracing::debug!(path, duration = ?start.elapsed(), "the server answered");
                    return Ok(answered);
                }
                Err(error) => error,
            };
            if error.kind() == ErrorKind::Unauthorized && !has_new_token {
                let now = self.authorization.headers(deadline).await?;
                if now.0.get(AUTHORIZATION) != headers.get(AUTHORIZATION) {
                    tracing::info!("the refused token has been replaced, trying the new one");
                    (headers, secrets) = now;
                    has_new_token = true;
                    continue;
                }
            }
            attempts.wait_after(error).await?;
        }
    }

    fn url(&self, path: &str, parameters: &[Parameter]) -> Url {
        let mut url = self.server.url().clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/api/v1/{path}"));
        let mut pairs = url.query_pairs_mut();
        pairs
            .extend_pairs(parameters)
            .extend_pairs(COMPLETE_AND_EXACT);
        drop(pairs);
        url
    }

    /// Sends one request and reads the whole answer.
    async fn attempt<T: DeserializeOwned + Send + 'static>(
        &self,
        url: &Url,
        headers: &HeaderMap,
        secrets: &Secrets,
        deadline: &Deadline,
    ) -> Result<Answered<T>> {
        let request = self
            .http
            .get(url.clone())
            .headers(headers.clone())
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, body::ACCEPT_ENCODING);
        let exchange = Exchange {
            server: &self.server,
            route: &self.route,
            deadline,
        };
        let response = exchange.send(request, url, secrets).await?;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(response, secrets, deadline).await);
        }
        let body = self.body(response, secrets, deadline).await?;
        let read = spawn_blocking(move || {
            let answer: serde_json::Result<Answer<T>> = serde_json::from_slice(&body);
            (answer, body)
        });
        let stage = || "reading the answer".to_owned();
        let (answer, body) = match deadline.bound(read, stage).await? {
            Ok(read) => read,
            Err(aborted) => {
                let error = Error::new(ErrorKind::Other, "the answer was not read");
                return Err(error.with_source(aborted));
            }
        };
        let answer = answer.map_err(|error| unreadable(error, &body, secrets))?;
        Ok(accept(answer, &body, secrets)?)
    }

    async fn body(
        &self,
        response: Response,
        secrets: &Secrets,
        deadline: &Deadline,
    ) -> Result<Vec<u8>, HttpError> {
        let server = self.server.server();
        let mut body = ResponseBody::new(response, server, self.body_limit, deadline, secrets)?;
        let mut bytes = Vec::new();
        while let Some(part) = body.next().await? {
            bytes.extend_from_slice(&part);
        }
        Ok(bytes)
    }

    /// Returns the error for a status other than 200.
    async fn refusal(&self, response: Response, secrets: &Secrets, deadline: &Deadline) -> Error {
        let (status, headers) = (response.status(), response.headers().clone());
        let start = start_of(response, deadline, secrets).await;
        let refused: Refused = serde_json::from_slice(&start).unwrap_or_default();
        let said = said(&refused.error_type, &refused.error, secrets);
        let body = excerpt(&start, secrets);
        if is_about_size(&refused.error) {
            let message = format!("the answer would be too large for the server{said}");
            return Error::new(ErrorKind::Limit, message)
                .with_status(status.as_u16())
                .with_body(&body.0);
        }
        let message = format!("{}{said}", self.status_message(status));
        refusal_with(status, &headers, message, None, body).into()
    }

    fn status_message(&self, status: StatusCode) -> String {
        let code = status.as_u16();
        match status {
            StatusCode::UNAUTHORIZED => match self.authorization.origin() {
                Some(origin) => format!("the token {origin} was refused (HTTP {code})"),
                None => format!("the server requires credentials (HTTP {code})"),
            },
            StatusCode::FORBIDDEN => {
                format!("the server does not allow these queries (HTTP {code})")
            }
            StatusCode::NOT_FOUND => format!(
                "no query API at `{}` (HTTP {code}): check the path of the URL",
                self.place()
            ),
            StatusCode::TOO_MANY_REQUESTS => {
                format!("the server received too many requests (HTTP {code})")
            }
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                format!("the server refuses the query (HTTP {code})")
            }
            _ if status.is_server_error() => {
                format!("the server cannot answer now (HTTP {code})")
            }
            _ => format!("the server answered with HTTP {code}, expected 200"),
        }
    }
}

/// Returns the data of an answer that says that it is complete.
fn accept<T>(answer: Answer<T>, body: &[u8], secrets: &Secrets) -> Result<Answered<T>, HttpError> {
    let fail = |kind, message: &str| {
        Err(HttpError::Reader(
            Error::new(kind, message),
            excerpt(&body[..body.len().min(EXCERPT_BYTES)], secrets),
        ))
    };
    if answer.status == Status::Error {
        let said = said(&answer.error_type, &answer.error, secrets);
        return fail(
            ErrorKind::Status,
            &format!("the server refuses the query{said}"),
        );
    }
    if answer.is_partial {
        return fail(
            ErrorKind::Unavailable,
            "the answer is partial: some nodes of the server did not answer",
        );
    }
    let Some(data) = answer.data else {
        return fail(ErrorKind::Decode, "the answer has no data");
    };
    for info in answer.infos.iter().take(MAX_WARNINGS) {
        tracing::debug!(info = %secrets.redact(info), "the server has a note about the query");
    }
    let warnings = answer.warnings.iter().take(MAX_WARNINGS);
    let warnings = warnings.map(|warning| shortened(&secrets.redact(warning)));
    Ok(Answered {
        data,
        warnings: warnings.collect(),
        secrets: secrets.clone(),
    })
}

/// The body of a refusal.
#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default, rename = "errorType")]
    error_type: String,
}

/// Continues a message with what the server said, if it said something.
fn said(error_type: &str, error: &str, secrets: &Secrets) -> String {
    let texts = [error_type, error].map(|text| shortened(&secrets.redact(text)));
    let said = texts.into_iter().filter(|text| !text.is_empty());
    said.map(|text| format!(": {text}")).collect()
}

/// Returns whether a server refuses a query because of the number of points or samples, which fewer steps would have less
/// of: "exceeded maximum resolution of 11,000 points", "query processing would load too many samples" (Prometheus),
/// "too many points", "cannot select more than -search.maxSamplesPerQuery" (VictoriaMetrics).
fn is_about_size(error: &str) -> bool {
    let texts = [
        "maximum resolution",
        "too many points",
        "too many samples",
        "maxSamplesPerQuery",
    ];
    texts.iter().any(|text| error.contains(text))
}

/// Escapes a text of the server and leaves out its middle if it is long. VictoriaMetrics repeats the query before it says
/// what is wrong with it.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 300;
    const START: usize = 80;
    let length = text.chars().count();
    let escape = |text: String| text.escape_debug().to_string();
    if length <= SHOWN {
        return escape(text.to_owned());
    }
    let start = text.chars().take(START).collect();
    let end = text.chars().skip(length - (SHOWN - START)).collect();
    format!("{}…{}", escape(start), escape(end))
}

fn unreadable(error: serde_json::Error, body: &[u8], secrets: &Secrets) -> HttpError {
    let start = excerpt(&body[..body.len().min(EXCERPT_BYTES)], secrets);
    if body.trim_ascii_start().first() != Some(&b'{') {
        let what = match body.trim_ascii_start().first() {
            None => "is empty",
            Some(b'<') => "is HTML or XML",
            Some(_) => "is not a JSON object",
        };
        let fault = format!("{what}, expected JSON of Prometheus' query API");
        return HttpError::NotMetrics(fault, start);
    }
    let (kind, message) = if error.is_eof() {
        (ErrorKind::Transport, "the answer is truncated")
    } else {
        (ErrorKind::Decode, "cannot read the answer of the query API")
    };
    let error = Error::new(kind, message).with_source(error);
    HttpError::Reader(secrets.redact_error(error), start)
}
