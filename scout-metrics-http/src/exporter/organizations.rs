//! The organizations and the outcomes of their fetches, as JSON.

use std::sync::Arc;

use axum::{
    extract::{OriginalUri, State},
    http::HeaderMap,
    response::Response,
};
use serde::Serialize;

use super::{
    paths::{ORGANIZATIONS, metrics_of, snapshot_of},
    payload::Payload,
    response,
    state::ExporterState,
};

#[derive(Serialize)]
struct Organizations<'a> {
    organizations: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    up: bool,
    last_success_timestamp_seconds: Option<f64>,
    snapshot_age_seconds: Option<f64>,
    metrics: String,
    snapshot: String,
}

/// Answers with all organizations. Does not scrape.
pub(super) async fn organizations(
    State(state): State<Arc<ExporterState>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let base = state.base(&uri, ORGANIZATIONS);
    let entries = state.organizations().map(|organization| {
        let fetches = state.own_metrics.fetches_of(organization);
        Entry {
            name: organization.as_str(),
            up: fetches.is_up,
            last_success_timestamp_seconds: fetches.last_success(),
            snapshot_age_seconds: fetches.age().map(|age| age.as_secs_f64()),
            metrics: format!("{base}{}", metrics_of(organization)),
            snapshot: format!("{base}{}", snapshot_of(organization)),
        }
    });
    let organizations = Organizations {
        organizations: entries.collect(),
    };
    response::compressed(Payload::json(&organizations), &headers, &state.workers).await
}
