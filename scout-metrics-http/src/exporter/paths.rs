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
