//! From a request to a response.

use std::{collections::HashMap, error::Error as StdError, sync::Arc};

use axum::{
    Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE},
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use scout_metrics_core::{Error, ErrorKind, Organization};
use scout_metrics_openmetrics::Format;

use super::{auth::Guard, target::Target};

pub(super) type Targets = HashMap<Organization, Target>;

/// The most characters of an error's message that a response repeats.
const MAX_REASON_CHARS: usize = 500;

pub(super) fn router(targets: Targets, guard: Guard) -> Router {
    Router::new()
        .route("/v1/exporter/org/{org}/metrics", get(organization_metrics))
        .route("/v1/exporter/org/{org}", get(organization_metrics))
        .with_state(Arc::new(targets))
        .route_layer(middleware::from_fn_with_state(
            Arc::new(guard),
            authenticate,
        ))
}

/// Read by name, because a router that this one is nested in may have parameters of its own.
#[derive(Deserialize)]
struct Parameters {
    org: Organization,
}

async fn authenticate(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if guard.admits(request.headers()) {
        return next.run(request).await;
    }
    let headers = [(WWW_AUTHENTICATE, "Bearer")];
    (
        StatusCode::UNAUTHORIZED,
        headers,
        "a valid bearer token is required\n",
    )
        .into_response()
}

async fn organization_metrics(
    State(targets): State<Arc<Targets>>,
    path: Result<Path<Parameters>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let target = path
        .ok()
        .and_then(|Path(parameters)| targets.get(&parameters.org));
    let Some(target) = target else {
        // What was asked for is not repeated: it may be anything.
        return (StatusCode::NOT_FOUND, "unknown organization\n").into_response();
    };
    match target.exposition(accepted_format(&headers)).await {
        Ok(exposition) => {
            let headers = [(CONTENT_TYPE, exposition.content_type()), (VARY, "Accept")];
            (headers, exposition.into_body()).into_response()
        }
        Err(error) => failure(&error),
    }
}

fn accepted_format(headers: &HeaderMap) -> Format {
    let lines: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    Format::negotiate(&lines.join(","))
}

fn failure(error: &Error) -> Response {
    let cause: &(dyn StdError + 'static) = error;
    tracing::warn!(kind = %error.kind(), error = cause, "scrape failed");
    let reason: String = error
        .to_string()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_REASON_CHARS)
        .collect();
    let mut response = (status(error.kind()), format!("{reason}\n")).into_response();
    if let Some(delay) = error.retry_after() {
        // Rounded up: who comes back too early would be sent away again.
        let is_fraction = delay.subsec_nanos() > 0;
        let seconds = delay.as_secs().saturating_add(is_fraction.into());
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
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
