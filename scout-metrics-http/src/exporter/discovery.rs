//! The organizations as targets, for Prometheus' [service discovery over HTTP].
//!
//! [service discovery over HTTP]: https://prometheus.io/docs/prometheus/latest/http_sd/

use std::sync::Arc;

use axum::{
    Extension,
    extract::{OriginalUri, State},
    http::{
        HeaderMap, StatusCode, Uri,
        header::HOST,
        uri::{Authority, Scheme},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
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
    let Some(address) = address(&state, &uri, &headers) else {
        let reason =
            "the request needs a valid Host header, which becomes the address of the targets\n";
        return (StatusCode::BAD_REQUEST, reason).into_response();
    };
    let external = state.external_url.as_ref().map(|url| &url.scheme);
    let scheme = external
        .or(uri.scheme())
        .or(scheme.as_ref().map(|Extension(scheme)| scheme));
    let base = state.base(&uri, DISCOVERY);
    let groups = state.organizations().map(|organization| {
        let path = format!("{base}{}", metrics_of(organization));
        let labels = [
            ("__metrics_path__", Some(path)),
            ("__scheme__", scheme.map(Scheme::to_string)),
            (ORGANIZATION, Some(organization.to_string())),
        ];
        let labels = labels
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        Group {
            targets: [address.as_str()],
            labels: labels.collect(),
        }
    });
    let groups: Vec<_> = groups.collect();
    response::compressed(Payload::json(&groups), &headers, &state.workers).await
}

fn address(state: &ExporterState, uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let external = state.external_url.as_ref().map(|url| &url.authority);
    external
        .or(uri.authority())
        .cloned()
        .or_else(|| host(headers))
}

/// Returns the value of the header if it is a host, with or without a port.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let authority: Authority = headers.get(HOST)?.to_str().ok()?.parse().ok()?;
    (!authority.as_str().contains('@')).then_some(authority)
}
