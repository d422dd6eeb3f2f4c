//! From an error to a response.

use std::{error::Error as StdError, time::Duration};

use axum::{
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};

use scout_metrics_core::{Error, ErrorKind};

/// The most characters of an error's message that a response repeats.
const MAX_REASON_CHARS: usize = 500;

/// When to come back if the error does not say it: a poller asks again after seconds at first.
const USUAL_DELAY: Duration = Duration::from_secs(5);

/// Responds with the reason of a failed scrape, and logs it with its causes.
pub(super) fn response(error: &Error) -> Response {
    let cause: &(dyn StdError + 'static) = error;
    tracing::warn!(kind = %error.kind(), error = cause, "scrape failed");
    let body = format!("{}\n", reason(error));
    let mut response = (status(error.kind()), body).into_response();
    let delay = error
        .retry_after()
        .or_else(|| error.is_retryable().then_some(USUAL_DELAY));
    if let Some(delay) = delay {
        // Rounded up: who comes back too early would be sent away again.
        let is_fraction = delay.subsec_nanos() > 0;
        let seconds = delay.as_secs().saturating_add(is_fraction.into());
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Returns the message as one short line.
pub(super) fn reason(error: &Error) -> String {
    error
        .to_string()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_REASON_CHARS)
        .collect()
}

/// Returns the status for a failed scrape: a fault of this program is 500, one of the server behind it 502 to 504.
///
/// Never 401 or 403, though Scout may have answered so: a scraper would look for the fault in its own credentials.
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
