//! The URL of an organization's metrics.

use std::net::{Ipv4Addr, Ipv6Addr};

use reqwest::Url;
use scout_metrics_core::Organization;

use super::{error::HttpError, proxy::Route};

pub(crate) const DEFAULT_BASE_URL: &str = "https://api.scout.docker.com";
pub(crate) const DEFAULT_PATH: &str = "/v1/exporter/org/{org}/metrics";

const PLACEHOLDER: &str = "{org}";

/// A checked base URL and path. Every URL it returns is below the base URL, because organizations are validated names.
#[derive(Clone, Debug)]
pub(crate) struct UrlTemplate {
    base: Url,
    path: String,
}

impl UrlTemplate {
    pub(crate) fn new(base: &str, path: &str, allow_insecure: bool) -> Result<Self, HttpError> {
        let refuse = |option: &str, fault: &str| {
            Err(HttpError::Option(format!(
                "cannot use the {option}: {fault}"
            )))
        };
        let Ok(url) = Url::parse(base) else {
            return refuse(
                "base URL",
                &format!("expected a URL such as `{DEFAULT_BASE_URL}`"),
            );
        };
        if let Some(fault) = base_fault(&url, allow_insecure) {
            return refuse("base URL", &fault);
        }
        if let Some(fault) = path_fault(path) {
            return refuse("path", fault);
        }
        let mut prefix = url.path().trim_end_matches('/').to_owned();
        prefix.push_str(path);
        Ok(Self {
            base: url,
            path: prefix,
        })
    }

    pub(crate) fn url(&self, organization: &Organization) -> Url {
        let mut url = self.base.clone();
        url.set_path(&self.path.replace(PLACEHOLDER, organization.as_str()));
        url
    }

    /// Returns scheme, host and port, for messages.
    pub(crate) fn server(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    pub(crate) fn is_same_origin(&self, url: &Url) -> bool {
        self.base.origin() == url.origin()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Returns the route to the server. Requests to this machine use no proxy.
    pub(crate) fn route(&self) -> Route {
        if self.is_loopback() {
            Route::Direct
        } else {
            Route::from_env(&self.base)
        }
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }
}

fn base_fault(url: &Url, allow_insecure: bool) -> Option<String> {
    if !url.username().is_empty() || url.password().is_some() {
        return Some("it contains a user name or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some("it has a query or fragment".to_owned());
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

fn path_fault(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("it does not start with `/`");
    }
    if path.matches(PLACEHOLDER).count() != 1 {
        return Some(
            "it does not contain `{org}`, which is replaced by the organization, exactly once",
        );
    }
    let is_plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'.' | b'_' | b'~');
    if !path.replace(PLACEHOLDER, "").bytes().all(is_plain) {
        return Some(
            "it contains characters other than letters, digits, `/`, `-`, `.`, `_` and `~`",
        );
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Some("it contains a segment `.` or `..`");
    }
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    fn url(base: &str, path: &str) -> String {
        let acme = Organization::new("acme").unwrap();
        match UrlTemplate::new(base, path, false) {
            Ok(urls) => urls.url(&acme).into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn puts_the_organization_into_the_path() {
        for (base, path, expected) in [
            (
                DEFAULT_BASE_URL,
                DEFAULT_PATH,
                "https://api.scout.docker.com/v1/exporter/org/acme/metrics",
            ),
            (
                "https://gateway.example/scout/",
                "/v1/exporter/org/{org}",
                "https://gateway.example/scout/v1/exporter/org/acme",
            ),
            (
                "http://127.8.8.8:9000",
                "/{org}/metrics",
                "http://127.8.8.8:9000/acme/metrics",
            ),
            ("http://localhost", "/{org}", "http://localhost/acme"),
            ("http://[::1]:1", "/{org}", "http://[::1]:1/acme"),
        ] {
            assert_eq!(url(base, path), expected);
        }
    }

    #[test]
    fn explains_an_invalid_base_url() {
        let message = |base| url(base, DEFAULT_PATH);
        let insecure = "cannot use the base URL: `http` to another machine exposes the token on the network; use `https`";
        assert_eq!(message("http://scout.example"), insecure);
        assert_eq!(message("http://localhost.example"), insecure);
        assert_eq!(message("http://128.0.0.1"), insecure);
        assert_eq!(
            message("api.scout.docker.com"),
            "cannot use the base URL: expected a URL such as `https://api.scout.docker.com`"
        );
        assert_eq!(
            message("https://user:geheim@scout.example"),
            "cannot use the base URL: it contains a user name or password"
        );
        assert_eq!(
            message("https://scout.example/?token=geheim"),
            "cannot use the base URL: it has a query or fragment"
        );
        assert_eq!(
            message("file:///etc/passwd"),
            "cannot use the base URL: its scheme is `file`, expected `https`"
        );
        assert!(UrlTemplate::new("http://scout.example", DEFAULT_PATH, true).is_ok());
    }

    #[test]
    fn explains_an_invalid_path() {
        let message = |path| url(DEFAULT_BASE_URL, path);
        assert_eq!(
            message("{org}"),
            "cannot use the path: it does not start with `/`"
        );
        for path in ["/metrics", "/{org}/{org}"] {
            assert_eq!(
                message(path),
                "cannot use the path: it does not contain `{org}`, which is replaced by the organization, exactly once"
            );
        }
        for path in [
            "/{org}?a",
            "/{org}#a",
            "/%2e%2e/{org}",
            "/{org}\\",
            "/{org} ",
        ] {
            assert_eq!(
                message(path),
                "cannot use the path: it contains characters other than letters, digits, `/`, `-`, `.`, `_` and `~`"
            );
        }
        assert_eq!(
            message("/../{org}"),
            "cannot use the path: it contains a segment `.` or `..`"
        );
    }
}
