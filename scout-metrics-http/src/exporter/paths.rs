//! The paths of the routes.

use axum::http::Uri;

pub(super) const DISCOVERY: &str = "/sd";
pub(super) const METRICS: &str = "/metrics";
pub(super) const ORGANIZATIONS: &str = "/api/v1/organizations";
pub(super) const PAGE: &str = "/";

/// Returns the path of the metrics of an organization.
pub(super) fn metrics_of(organization: impl std::fmt::Display) -> String {
    format!("/v1/exporter/org/{organization}/metrics")
}

/// Returns the path of the snapshot of an organization.
pub(super) fn snapshot_of(organization: impl std::fmt::Display) -> String {
    format!("{ORGANIZATIONS}/{organization}/snapshot")
}

/// Returns the part of a request's path before a route: where the router is nested, or nothing.
pub(super) fn base<'a>(uri: &'a Uri, route: &str) -> &'a str {
    let path = uri.path();
    path.strip_suffix(route)
        .unwrap_or(path)
        .trim_end_matches('/')
}
