//! The handlers that answer with metrics and snapshots.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header::ACCEPT},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use scout_metrics_core::Organization;
use scout_metrics_openmetrics::Format;

use super::{coding::Coding, endpoint::Endpoint, failure, respond, target::Kind};

/// Read by name, because a router that this one is nested in may have parameters of its own.
#[derive(Deserialize)]
pub(super) struct Parameters {
    pub(super) org: Organization,
}

pub(super) type OrganizationPath = Result<Path<Parameters>, PathRejection>;

/// Answers with the metrics of all organizations, and the exporter's own.
pub(super) async fn all_metrics(
    State(endpoint): State<Arc<Endpoint>>,
    headers: HeaderMap,
) -> Response {
    let (format, coding) = (accepted_format(&headers), Coding::negotiate(&headers));
    let body = endpoint.everything(format, coding, patience(&headers));
    respond::of_now(body.await)
}

/// Answers with the metrics of one organization.
pub(super) async fn metrics(
    State(endpoint): State<Arc<Endpoint>>,
    path: OrganizationPath,
    headers: HeaderMap,
) -> Response {
    let kind = Kind::Metrics(accepted_format(&headers));
    of_organization(&endpoint, path, &headers, kind).await
}

/// Answers with the snapshot of one organization.
pub(super) async fn snapshot(
    State(endpoint): State<Arc<Endpoint>>,
    path: OrganizationPath,
    headers: HeaderMap,
) -> Response {
    of_organization(&endpoint, path, &headers, Kind::Json).await
}

async fn of_organization(
    endpoint: &Endpoint,
    path: OrganizationPath,
    headers: &HeaderMap,
    kind: Kind,
) -> Response {
    let target = path
        .ok()
        .and_then(|Path(parameters)| endpoint.target(&parameters.org));
    let Some(target) = target else {
        // What was asked for is not repeated: it may be anything.
        return (StatusCode::NOT_FOUND, "unknown organization\n").into_response();
    };
    match target.entity(kind, Coding::negotiate(headers)).await {
        Ok((snapshot, entity)) => {
            respond::of_snapshot(headers, &snapshot, entity, endpoint.interval())
        }
        Err(error) => failure::response(&error),
    }
}

/// Returns how long Prometheus or VictoriaMetrics waits, less a tenth for what the answer needs on its way.
fn patience(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get("x-prometheus-scrape-timeout-seconds")?;
    let seconds: f64 = seconds.to_str().ok()?.parse().ok()?;
    Duration::try_from_secs_f64(0.9 * seconds).ok()
}

fn accepted_format(headers: &HeaderMap) -> Format {
    let lines: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    Format::negotiate(&lines.join(","))
}
