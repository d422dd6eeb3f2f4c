//! Where things are: the paths of the routes, and how answers name them.

use axum::http::Uri;

pub(super) const DISCOVERY: &str = "/sd";
pub(super) const METRICS: &str = "/metrics";
pub(super) const ORGANIZATIONS: &str = "/api/v1/organizations";
pub(super) const PAGE: &str = "/";

/// Returns the path at which the metrics of an organization are.
pub(super) fn metrics_of(organization: impl std::fmt::Display) -> String {
    format!("/v1/exporter/org/{organization}/metrics")
}

/// Returns the path at which the snapshot of an organization is.
pub(super) fn snapshot_of(organization: impl std::fmt::Display) -> String {
    format!("{ORGANIZATIONS}/{organization}/snapshot")
}

/// Returns what stands before a route in the path of a request: where the router is nested, or nothing.
pub(super) fn base<'a>(uri: &'a Uri, route: &str) -> &'a str {
    let path = uri.path();
    path.strip_suffix(route)
        .unwrap_or(path)
        .trim_end_matches('/')
}
