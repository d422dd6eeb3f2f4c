//! The paths of the routes.

use axum::http::Uri;

pub(super) const DISCOVERY: &str = "/sd";
pub(super) const METRICS: &str = "/metrics";
pub(super) const ORGANIZATIONS: &str = "/api/v1/organizations";
pub(super) const PAGE: &str = "/";
pub(super) const PROMETHEUS: &str = "/prometheus.yml";

/// Returns the path of the metrics of an organization.
pub(super) fn metrics_of(organization: impl std::fmt::Display) -> String {
    format!("/v1/exporter/org/{organization}/metrics")
}

/// Returns the path of the snapshot of an organization.
pub(super) fn snapshot_of(organization: impl std::fmt::Display) -> String {
    format!("{ORGANIZATIONS}/{organization}/snapshot")
}

/// Returns the path of the page of an organization.
pub(super) fn page_of(organization: impl std::fmt::Display) -> String {
    format!("/organizations/{organization}")
}

/// Returns the path of the configuration for Prometheus of an organization.
pub(super) fn prometheus_of(organization: impl std::fmt::Display) -> String {
    format!("/organizations/{organization}{PROMETHEUS}")
}

/// Returns the path of the page of a stream, whose name is a segment of a path already.
pub(super) fn stream_page_of(
    organization: impl std::fmt::Display,
    segment: impl std::fmt::Display,
) -> String {
    format!("/organizations/{organization}/streams/{segment}")
}

/// Returns the path of a file that the pages load.
pub(super) fn asset(name: impl std::fmt::Display) -> String {
    format!("/assets/{name}")
}

/// Returns the part of a request's path before a route: where the router is nested, or nothing.
pub(super) fn base<'a>(uri: &'a Uri, route: &str) -> &'a str {
    let path = uri.path();
    path.strip_suffix(route)
        .unwrap_or(path)
        .trim_end_matches('/')
}

/// Returns what a link starts with on a page at this path, before the name of a route. It is relative, because a proxy may
/// serve the page at another path.
pub(super) fn link_prefix(uri: &Uri) -> String {
    match uri.path().rsplit_once('/') {
        None | Some((_, "")) => String::new(),
        // A browser resolves links against the directory, which is the parent of this path.
        Some((_, last)) => format!("./{last}/"),
    }
}

/// Returns a link to a route.
pub(super) fn link(prefix: &str, route: impl AsRef<str>) -> String {
    let route = route.as_ref();
    format!("{prefix}{}", route.strip_prefix('/').unwrap_or(route))
}
