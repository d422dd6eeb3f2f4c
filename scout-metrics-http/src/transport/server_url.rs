//! The URL of a server, and what it means for the requests.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use reqwest::Url;

use super::proxy::Route;

/// A URL that requests with secrets may be sent to: `https`, or `http` to this machine, without a user name and password.
#[derive(Clone)]
pub(crate) struct ServerUrl(Url);

impl ServerUrl {
    /// Checks a URL. The error is the end of "cannot use the ... URL: ".
    pub(crate) fn parse(text: &str, allow_insecure: bool, example: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| format!("expected a URL such as `{example}`"))?;
        match fault(&url, allow_insecure) {
            Some(fault) => Err(fault),
            None => Ok(Self(url)),
        }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// Returns scheme, host and port, for messages.
    pub(crate) fn server(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    pub(crate) fn is_same_origin(&self, url: &Url) -> bool {
        self.0.origin() == url.origin()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Returns the route to the server. Requests to this machine use no proxy.
    pub(crate) fn route(&self) -> Route {
        if self.is_loopback() {
            Route::Direct
        } else {
            Route::from_env(&self.0)
        }
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }
}

/// Shows no path and query, which may have secrets.
impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerUrl").field(&self.server()).finish()
    }
}

fn fault(url: &Url, allow_insecure: bool) -> Option<String> {
    if !url.username().is_empty() || url.password().is_some() {
        return Some("it contains a user name or password".to_owned());
    }
    match url.scheme() {
        "https" => None,
        "http" if allow_insecure || is_loopback(url) => None,
        "http" => Some(
            "`http` to another machine exposes the token on the network; use `https`".to_owned(),
        ),
        scheme => Some(format!("its scheme is `{scheme}`, expected `https`")),
    }
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
        || host.parse().is_ok_and(|ip: Ipv6Addr| ip.is_loopback())
}
