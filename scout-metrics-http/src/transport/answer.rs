//! The head of an answer that is not a success: a redirect or a refusal.

use std::time::{Duration, SystemTime};

use reqwest::{
    Response, StatusCode, Url,
    header::{HeaderMap, LOCATION},
};
use tokio::time::timeout;

use super::{
    body::ResponseBody,
    deadline::Deadline,
    error::{Excerpt, HttpError},
    excerpt::{EXCERPT_BYTES, excerpt, extend_start},
    redact::Secrets,
    retry, shown,
};

/// The maximum time spent on the body of a refusal. Another attempt is worth more than an excerpt.
const EXCERPT_TIME: Duration = Duration::from_secs(1);

pub(crate) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Returns the error for a redirect.
pub(crate) fn redirect(response: &Response, asked: &Url, secrets: &Secrets) -> HttpError {
    let location = response.headers().get(LOCATION);
    let location = location.and_then(|value| value.to_str().ok());
    let target = location.and_then(|location| asked.join(location).ok());
    HttpError::Redirect {
        status: response.status(),
        target: target.map_or("an invalid URL".to_owned(), |target| {
            place(&target, secrets)
        }),
    }
}

/// Shows a URL without user name, password and query, which may be secrets.
pub(crate) fn place(url: &Url, secrets: &Secrets) -> String {
    let mut place = url.clone();
    place.set_query(None);
    place.set_fragment(None);
    // These fail for URLs that can have neither.
    let _ = place.set_username("");
    let _ = place.set_password(None);
    format!("`{}`", shown(place.as_str().as_bytes(), secrets))
}

/// Returns the error for a status other than 200.
pub(crate) async fn refusal(
    response: Response,
    message: String,
    detail: Option<String>,
    deadline: &Deadline,
    secrets: &Secrets,
) -> HttpError {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = excerpt_of(response, deadline, secrets).await;
    refusal_with(status, &headers, message, detail, body)
}

/// Returns the error for a status other than 200 after the start of the body was read.
pub(crate) fn refusal_with(
    status: StatusCode,
    headers: &HeaderMap,
    mut message: String,
    detail: Option<String>,
    body: Excerpt,
) -> HttpError {
    let retry_after = retry::retry_after(headers, SystemTime::now());
    if let Some(delay) = retry_after {
        message.push_str(&format!("; retry after {delay:?}"));
    }
    HttpError::Status {
        status,
        message,
        detail,
        retry_after,
        body,
    }
}

pub(crate) async fn excerpt_of(
    response: Response,
    deadline: &Deadline,
    secrets: &Secrets,
) -> Excerpt {
    excerpt(&start_of(response, deadline, secrets).await, secrets)
}

/// Reads the start of a body, until it is long enough, ends, or takes too long. It may show secrets.
pub(crate) async fn start_of(
    response: Response,
    deadline: &Deadline,
    secrets: &Secrets,
) -> Vec<u8> {
    let mut start = Vec::new();
    let body = ResponseBody::new(response, String::new(), u64::MAX, deadline, secrets);
    let Ok(mut body) = body else {
        return start;
    };
    let read = async {
        while start.len() < EXCERPT_BYTES {
            match body.next().await {
                Ok(Some(part)) => extend_start(&mut start, &part),
                _ => break,
            }
        }
    };
    // On a timeout, what was read until then is the start.
    let _ = timeout(EXCERPT_TIME, read).await;
    start
}
