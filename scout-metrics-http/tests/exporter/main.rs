//! The exporter as its clients see it: by calls of its router.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod api;
mod authentication;
mod caching;
mod configuration;
mod everything;
mod failed_logins;
mod logs;
mod metrics;
mod names;
mod nesting;
mod page;
mod passwords;
mod ready;
mod refusals;
mod samples;
mod successor;
mod waiting;

use std::{fs, path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use tokio::time::Instant;
use tower::ServiceExt;

use scout_metrics_core::{
    Error, ErrorKind, MemorySource, MetricsSource, Organization, Result, Snapshot, Stream,
};
use scout_metrics_http::exporter::Exporter;

const PATH: &str = "/v1/exporter/org/acme/metrics";
/// All routes, for the organization `acme`.
const ROUTES: [&str; 14] = [
    "/",
    "/assets/page.css",
    "/organizations/acme",
    "/organizations/acme/prometheus.yml",
    "/organizations/acme/streams/production",
    "/prometheus.yml",
    "/metrics",
    PATH,
    "/v1/exporter/org/acme",
    "/api/v1/organizations",
    "/api/v1/organizations/acme/snapshot",
    "/sd",
    "/-/healthy",
    "/-/ready",
];

const TOKEN: &str = "dckr_pat_0123456789";

fn organization(name: &str) -> Organization {
    Organization::new(name).unwrap()
}

fn source(name: &str) -> MemorySource {
    let production =
        Stream::new("production").with_vulnerabilities("5C 3H 6M 63L".parse().unwrap());
    MemorySource::new(Snapshot::new(organization(name), [production]).unwrap())
}

fn open_router() -> Router {
    Exporter::new()
        .with_source(source("acme"))
        .into_router()
        .unwrap()
}

fn guarded_router() -> Router {
    Exporter::new()
        .with_source(source("acme"))
        .with_bearer_token(TOKEN)
        .with_bearer_token("second")
        .into_router()
        .unwrap()
}

/// The parts of a response that tests check.
#[derive(Debug, PartialEq)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

async fn call(router: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

async fn get(router: &Router, path: &str) -> Answer {
    call(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn get_with(router: &Router, headers: &[(&str, &[u8])]) -> Answer {
    let request = headers
        .iter()
        .fold(Request::get(PATH), |request, &(name, value)| {
            request.header(name, value)
        });
    call(router, request.body(Body::empty()).unwrap()).await
}

async fn status_with_token(router: &Router, token: &str) -> StatusCode {
    let value = format!("Bearer {token}");
    get_with(router, &[("authorization", value.as_bytes())])
        .await
        .status
}
