//! The organizations as targets, for Prometheus' [service discovery over HTTP].
//!
//! [service discovery over HTTP]: https://prometheus.io/docs/prometheus/latest/http_sd/

use std::sync::Arc;

use axum::{
    Extension,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode, uri::Scheme},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    endpoint::{Endpoint, NO_ADDRESS},
    own_metrics::ORGANIZATION,
    paths::{DISCOVERY, metrics_of},
    payload::Payload,
    response,
    state::ExporterState,
};

/// One target and its labels.
#[derive(Serialize)]
struct Group<'a> {
    targets: [&'a str; 1],
    labels: serde_json::Map<String, serde_json::Value>,
}

/// Answers with a target for each organization: this exporter, at its external URL or at the address of the request.
pub(super) async fn discovery(
    State(state): State<Arc<ExporterState>>,
    OriginalUri(uri): OriginalUri,
    scheme: Option<Extension<Scheme>>,
    headers: HeaderMap,
) -> Response {
    let scheme = scheme.as_ref().map(|Extension(scheme)| scheme);
    let Some(endpoint) = Endpoint::of(&state, &uri, DISCOVERY, scheme, &headers) else {
        return (StatusCode::BAD_REQUEST, NO_ADDRESS).into_response();
    };
    let groups = state.organizations().map(|organization| {
        let path = format!("{}{}", endpoint.base, metrics_of(organization));
        let labels = [
            ("__metrics_path__", Some(path)),
            ("__scheme__", endpoint.scheme.map(Scheme::to_string)),
            (ORGANIZATION, Some(organization.to_string())),
        ];
        let labels = labels
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        Group {
            targets: [endpoint.authority.as_str()],
            labels: labels.collect(),
        }
    });
    let groups: Vec<_> = groups.collect();
    response::compressed(Payload::json(&groups), &headers, &state.workers).await
}
