//! Where clients reach the exporter.

use axum::http::{
    HeaderMap, Uri,
    header::HOST,
    uri::{Authority, Scheme},
};

use super::state::ExporterState;

/// The address at which clients reach the root of the router: the external URL, or that of a request.
pub(super) struct Endpoint<'a> {
    pub(super) authority: Authority,
    /// The path, without a slash at its end.
    pub(super) base: &'a str,
    /// `None` if it is not known.
    pub(super) scheme: Option<&'a Scheme>,
}

/// The answer to a request without a usable address.
pub(super) const NO_ADDRESS: &str =
    "the request needs a valid Host header, which becomes the address of the targets\n";

impl<'a> Endpoint<'a> {
    /// Returns the address from a request for a route, whose scheme the server may have stated. Returns `None` if the
    /// request has no valid `Host` header.
    pub(super) fn of(
        state: &'a ExporterState,
        uri: &'a Uri,
        route: &str,
        scheme: Option<&'a Scheme>,
        headers: &HeaderMap,
    ) -> Option<Self> {
        let external = state.external_url.as_ref();
        let authority = external
            .map(|url| &url.authority)
            .or(uri.authority())
            .cloned()
            .or_else(|| host(headers))?;
        Some(Self {
            authority,
            base: state.base(uri, route),
            scheme: external.map(|url| &url.scheme).or(uri.scheme()).or(scheme),
        })
    }
}

/// Returns the value of the header if it is a host, with or without a port.
fn host(headers: &HeaderMap) -> Option<Authority> {
    let authority: Authority = headers.get(HOST)?.to_str().ok()?.parse().ok()?;
    (!authority.as_str().contains('@')).then_some(authority)
}
