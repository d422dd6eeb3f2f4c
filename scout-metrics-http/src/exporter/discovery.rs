//! Which organizations there are, for Prometheus' [service discovery over HTTP].
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
    body::Body,
    coding::Coding,
    endpoint::Endpoint,
    merged::ORGANIZATION,
    paths::{self, DISCOVERY, metrics_of},
    respond,
};

/// One target with the labels that it is scraped with.
#[derive(Serialize)]
struct Group<'a> {
    targets: [&'a str; 1],
    labels: serde_json::Map<String, serde_json::Value>,
}

/// Answers with a target for each organization: this endpoint, at the address that it was asked at.
pub(super) async fn discovery(
    State(endpoint): State<Arc<Endpoint>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let Some(address) = uri.authority().cloned().or_else(|| host(&headers)) else {
        let reason = "the header Host is needed, because targets are named by it\n";
        return (StatusCode::BAD_REQUEST, reason).into_response();
    };
    let base = paths::base(&uri, DISCOVERY);
    let groups = endpoint.organizations().map(|organization| {
        let path = format!("{base}{}", metrics_of(organization));
        let path = iter::once(("__metrics_path__".to_owned(), path.into()));
        let name = (ORGANIZATION.to_owned(), organization.as_str().into());
        Group {
            targets: [address.as_str()],
            labels: path.chain(iter::once(name)).collect(),
        }
    });
    let body = Body::json(&groups.collect::<Vec<_>>());
    respond::of_now(body.encoded(Coding::negotiate(&headers)))
}

/// Returns the header's value if it is a host, with or without a port, and nothing else.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let authority: Authority = headers.get(HOST)?.to_str().ok()?.parse().ok()?;
    (!authority.as_str().contains('@')).then_some(authority)
}
