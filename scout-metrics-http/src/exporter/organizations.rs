//! Which organizations there are and how their fetches go, as JSON.

use std::{sync::Arc, time::SystemTime};

use axum::{
    extract::{OriginalUri, State},
    http::HeaderMap,
    response::Response,
};
use serde::Serialize;

use super::{
    body::Body,
    coding::Coding,
    endpoint::Endpoint,
    paths::{self, ORGANIZATIONS, metrics_of, snapshot_of},
    respond,
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

/// Answers with all organizations. Asks no source.
pub(super) async fn organizations(
    State(endpoint): State<Arc<Endpoint>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let base = paths::base(&uri, ORGANIZATIONS);
    let now = SystemTime::now();
    let entries = endpoint.organizations().map(|organization| {
        let fetches = endpoint.telemetry().fetches_of(organization);
        Entry {
            name: organization.as_str(),
            up: fetches.is_up(),
            last_success_timestamp_seconds: fetches.last_success(),
            snapshot_age_seconds: fetches.age(now).map(|age| age.as_secs_f64()),
            metrics: format!("{base}{}", metrics_of(organization)),
            snapshot: format!("{base}{}", snapshot_of(organization)),
        }
    });
    let body = Body::json(&Organizations {
        organizations: entries.collect(),
    });
    respond::of_now(body.encoded(Coding::negotiate(&headers)))
}
