//! Responses for errors.

use std::time::Duration;

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};

use scout_metrics_core::{Error, ErrorKind};

use super::{auth::Refusal, failures::RetryAfter};

/// The maximum length of an error's message in a response, in characters.
const MAX_REASON_CHARS: usize = 500;

/// The default of `Retry-After`: the first retry of a poller comes after seconds.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The challenges of a 401: the first lets browsers ask for a password, the second is what scrapers are configured for.
const CHALLENGES: [HeaderValue; 2] = [
    HeaderValue::from_static(r#"Basic realm="scout-metrics", charset="UTF-8""#),
    HeaderValue::from_static("Bearer"),
];

/// Responds to a request that is not admitted.
pub(super) fn of_refusal(refusal: Refusal) -> Response {
    match refusal {
        Refusal::Busy(delay) => {
            let body = "too many passwords are being verified\n";
            with_delay(
                (StatusCode::SERVICE_UNAVAILABLE, body).into_response(),
                delay,
            )
        }
        Refusal::Excess(delay) => {
            let body = "too many failed logins\n";
            with_delay((StatusCode::TOO_MANY_REQUESTS, body).into_response(), delay)
        }
        Refusal::Unauthorized => {
            let body = "a bearer token is required, or the token as the password of HTTP Basic authentication\n";
            let mut response = (StatusCode::UNAUTHORIZED, body).into_response();
            for challenge in CHALLENGES {
                response.headers_mut().append(WWW_AUTHENTICATE, challenge);
            }
            response
        }
    }
}

fn with_delay(mut response: Response, RetryAfter(delay): RetryAfter) -> Response {
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, whole_seconds(delay).into());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Rounds up, because a client that retries too early would be refused again.
fn whole_seconds(delay: Duration) -> u64 {
    let is_fraction = delay.subsec_nanos() > 0;
    delay.as_secs().saturating_add(is_fraction.into())
}

/// Responds with the reason of a failed scrape.
pub(super) fn of_scrape(error: &Error) -> Response {
    let body = format!("{}\n", reason(error));
    let mut response = (status(error.kind()), body).into_response();
    let delay = error
        .retry_after()
        .or_else(|| error.is_retryable().then_some(DEFAULT_RETRY_AFTER));
    if let Some(delay) = delay {
        let seconds = whole_seconds(delay).into();
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// Responds with a fault of the exporter, and logs it with its causes.
pub(super) fn of_bug(error: &Error) -> Response {
    tracing::error!(error = %error.chain(), "cannot answer a request");
    of_scrape(error)
}

/// Returns the message of an error as one short line without absolute paths of this machine, which clients should
/// not learn. The log has the whole message.
pub(super) fn reason(error: &Error) -> String {
    let line: String = error
        .to_string()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_REASON_CHARS)
        .collect();
    without_paths(&line)
}

/// Replaces absolute paths. One in quotation marks may contain spaces.
fn without_paths(text: &str) -> String {
    const QUOTES: [char; 3] = ['`', '"', '\''];
    let mut rest = text;
    let mut replaced = String::with_capacity(text.len());
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let is_start = before.is_whitespace() || QUOTES.contains(&before) || "(=".contains(before);
        if is_start && is_absolute(rest) {
            replaced.push_str("<path>");
            let is_end = |c: char| {
                if QUOTES.contains(&before) {
                    c == before
                } else {
                    c.is_whitespace() || ",;)".contains(c)
                }
            };
            rest = &rest[rest.find(is_end).unwrap_or(rest.len())..];
            before = '>';
        } else {
            replaced.push(c);
            rest = &rest[c.len_utf8()..];
            before = c;
        }
    }
    replaced
}

/// Returns whether a text starts with an absolute path of Unix or Windows, other than `/` alone.
fn is_absolute(text: &str) -> bool {
    match text.as_bytes() {
        [b'/', next, ..] => next.is_ascii_alphanumeric() || b"._-".contains(next),
        [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        [b'\\', b'\\', ..] => true,
        _ => false,
    }
}

/// Returns the status for a failed scrape: 500 for a fault of this program, 502 to 504 for one upstream.
///
/// Never 401 or 403, even if that was the upstream status: a scraper would suspect its own credentials.
fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Config | ErrorKind::Invalid | ErrorKind::Other => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        ErrorKind::RateLimited | ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_replaced_and_nothing_else() {
        for (text, shown) in [
            (
                "cannot read the file `/run/my secrets/pat`: x",
                "cannot read the file `<path>`: x",
            ),
            ("/etc/token is empty", "<path> is empty"),
            ("open (/etc/token): denied", "open (<path>): denied"),
            (r"cannot read `C:\Users\me\token`", "cannot read `<path>`"),
            (
                "expected `text/plain`, found `a/b`",
                "expected `text/plain`, found `a/b`",
            ),
            (
                "see https://scout.example/v1",
                "see https://scout.example/v1",
            ),
            ("3 / 4, and/or é/x", "3 / 4, and/or é/x"),
            ("", ""),
        ] {
            assert_eq!(without_paths(text), shown);
        }
    }
}
