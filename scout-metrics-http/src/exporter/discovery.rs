//! The organizations as targets, for Prometheus' [service discovery over HTTP].
//!
//! [service discovery over HTTP]: https://prometheus.io/docs/prometheus/latest/http_sd/

use std::{iter, sync::Arc};

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode, header::HOST, uri::Authority},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    own_metrics::ORGANIZATION,
    paths::{self, DISCOVERY, metrics_of},
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

/// Answers with a target for each organization: this exporter, at the address of the request.
pub(super) async fn discovery(
    State(state): State<Arc<ExporterState>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let Some(address) = uri.authority().cloned().or_else(|| host(&headers)) else {
        let reason =
            "the request needs a valid Host header, which becomes the address of the targets\n";
        return (StatusCode::BAD_REQUEST, reason).into_response();
    };
    let base = paths::base(&uri, DISCOVERY);
    let groups = state.organizations().map(|organization| {
        let path = format!("{base}{}", metrics_of(organization));
        let path = iter::once(("__metrics_path__".to_owned(), path.into()));
        let name = (ORGANIZATION.to_owned(), organization.as_str().into());
        Group {
            targets: [address.as_str()],
            labels: path.chain(iter::once(name)).collect(),
        }
    });
    let groups: Vec<_> = groups.collect();
    response::compressed(Payload::json(&groups), &headers, &state.workers).await
}

/// Returns the value of the header if it is a host, with or without a port.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let authority: Authority = headers.get(HOST)?.to_str().ok()?.parse().ok()?;
    (!authority.as_str().contains('@')).then_some(authority)
}
