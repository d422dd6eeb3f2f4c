//! The URL at which the exporter can be reached from outside.

use std::str::FromStr;

use axum::http::{
    Uri,
    uri::{Authority, Scheme},
};

use scout_metrics_core::{Error, ErrorKind, Result};

/// The URL at which clients reach the root of the router: a scheme, a host and perhaps a path.
///
/// ```
/// use scout_metrics_http::exporter::ExternalUrl;
///
/// let url: ExternalUrl = "https://example.com/scout/".parse()?;
/// assert_eq!(url.path(), "/scout");
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ExternalUrl {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    path: String,
}

impl ExternalUrl {
    /// Returns the path without a slash at its end; it is empty if the URL has none.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn from_text(text: &str) -> Option<Self> {
        if text.contains(['#', '?', '@']) {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme()?.clone();
        let is_web = scheme == Scheme::HTTP || scheme == Scheme::HTTPS;
        is_web.then_some(Self {
            scheme,
            authority: uri.authority()?.clone(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl FromStr for ExternalUrl {
    type Err = Error;

    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is anything else, for example if it has a user name or a query. The text is not
    /// repeated, because a URL may contain a password.
    fn from_str(text: &str) -> Result<Self> {
        Self::from_text(text).ok_or_else(|| {
            let message =
                "expected a URL such as `https://example.com/scout`, without user name and query";
            Error::new(ErrorKind::Config, message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split() {
        for (url, scheme, authority, path) in [
            ("https://example.com", "https", "example.com", ""),
            ("http://10.0.0.1:9090/", "http", "10.0.0.1:9090", ""),
            ("https://[::1]:80/a/b/", "https", "[::1]:80", "/a/b"),
        ] {
            let parsed = url.parse::<ExternalUrl>().unwrap();
            assert_eq!(parsed.scheme, *scheme);
            assert_eq!(parsed.authority, *authority);
            assert_eq!(parsed.path, path);
        }
    }

    #[test]
    fn other_urls_are_refused_and_not_repeated() {
        for url in [
            "",
            "example.com",
            "/scout",
            "ftp://example.com",
            "https://admin:s3cr3t@example.com",
            "https://example.com/?a",
            "https://example.com/#a",
            "https://example.com/a b",
        ] {
            let error = url.parse::<ExternalUrl>().unwrap_err();
            assert_eq!(
                error.to_string(),
                "expected a URL such as `https://example.com/scout`, without user name and query"
            );
        }
    }
}
