//! The routes that answer with metrics and snapshots.

use std::sync::Arc;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, header::ACCEPT},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use scout_metrics_core::{Organization, Result, Snapshot};
use scout_metrics_openmetrics::ContentType;

use super::{
    compression::ContentCoding, encodings::Representation, error_response, payload::Payload,
    response, scrape_timeout, state::ExporterState,
};

/// The parameters of a path, extracted by name, because a router around this one may have other parameters.
#[derive(Deserialize)]
pub(super) struct Parameters {
    pub(super) org: Organization,
}

pub(super) type OrganizationPath = std::result::Result<Path<Parameters>, PathRejection>;

/// Answers with the metrics of all organizations whose sources answer, and the exporter's own.
pub(super) async fn all(State(state): State<Arc<ExporterState>>, headers: HeaderMap) -> Response {
    let answers = state.scrape_all(scrape_timeout::limit(&headers)).await;
    let content_type = accepted_content_type(&headers);
    let coding = ContentCoding::negotiate(&headers);
    let all_metrics = Arc::clone(&state.all_metrics);
    let own_metrics = Arc::clone(&state.own_metrics);
    let encode = move || {
        let snapshots: Vec<Snapshot> = answers.into_values().filter_map(Result::ok).collect();
        let (content_type, parts) = all_metrics.encode(&snapshots, &own_metrics, content_type)?;
        Ok(Payload::of_parts(content_type.as_str(), parts).encoded(coding))
    };
    match state.workers.run(encode).await {
        Ok(payload) => response::of_now(payload),
        Err(error) => error_response::of_bug(&error),
    }
}

/// Answers with the metrics of one organization.
pub(super) async fn of_organization(
    State(state): State<Arc<ExporterState>>,
    path: OrganizationPath,
    headers: HeaderMap,
) -> Response {
    let content_type = accepted_content_type(&headers);
    let representation = Representation::Metrics(content_type);
    answer(&state, path, &headers, representation).await
}

/// Answers with the snapshot of one organization as JSON.
pub(super) async fn snapshot(
    State(state): State<Arc<ExporterState>>,
    path: OrganizationPath,
    headers: HeaderMap,
) -> Response {
    answer(&state, path, &headers, Representation::Json).await
}

async fn answer(
    state: &ExporterState,
    path: OrganizationPath,
    headers: &HeaderMap,
    representation: Representation,
) -> Response {
    let found = path.as_ref().ok().and_then(|Path(Parameters { org })| {
        let organization = state.organization(org)?;
        Some((org, organization))
    });
    let Some((name, organization)) = found else {
        // The name is not repeated, because it may be any text.
        return (StatusCode::NOT_FOUND, "unknown organization\n").into_response();
    };
    let limit = scrape_timeout::limit(headers);
    let snapshot = match state.scrape(name, organization, limit).await {
        Ok(snapshot) => snapshot,
        Err(error) => return error_response::of_scrape(&error),
    };
    let coding = ContentCoding::negotiate(headers);
    let encodings = &organization.encodings;
    match encodings.get(&snapshot, representation, coding).await {
        Ok(tagged) => {
            response::of_snapshot(headers, &snapshot, tagged, state.cache_control_max_age)
        }
        Err(error) => error_response::of_bug(&error),
    }
}

fn accepted_content_type(headers: &HeaderMap) -> ContentType {
    let lines: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    ContentType::negotiate_among(&lines.join(","), ContentType::ALL)
}
