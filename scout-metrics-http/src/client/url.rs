//! The URL of an organization's metrics.

use reqwest::Url;
use scout_metrics_core::Organization;

use crate::transport::{error::HttpError, server_url::ServerUrl};

pub(crate) const DEFAULT_BASE_URL: &str = "https://api.scout.docker.com";
pub(crate) const DEFAULT_PATH: &str = "/v1/exporter/org/{org}/metrics";

const PLACEHOLDER: &str = "{org}";

/// A checked base URL and path. Every URL it returns is below the base URL, because organizations are validated names.
#[derive(Clone)]
pub(crate) struct UrlTemplate {
    server: ServerUrl,
    path: String,
}

impl UrlTemplate {
    pub(crate) fn new(base: &str, path: &str, allow_insecure: bool) -> Result<Self, HttpError> {
        let refuse = |option: &str, fault: &str| {
            HttpError::Option(format!("cannot use the {option}: {fault}"))
        };
        let server = ServerUrl::parse(base, allow_insecure, DEFAULT_BASE_URL)
            .map_err(|fault| refuse("base URL", &fault))?;
        if server.url().query().is_some() || server.url().fragment().is_some() {
            return Err(refuse("base URL", "it has a query or fragment"));
        }
        if let Some(fault) = path_fault(path) {
            return Err(refuse("path", fault));
        }
        let mut prefix = server.url().path().trim_end_matches('/').to_owned();
        prefix.push_str(path);
        Ok(Self {
            server,
            path: prefix,
        })
    }

    pub(crate) fn url(&self, organization: &Organization) -> Url {
        let mut url = self.server.url().clone();
        url.set_path(&self.path.replace(PLACEHOLDER, organization.as_str()));
        url
    }

    pub(crate) fn server(&self) -> &ServerUrl {
        &self.server
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
