//! The URL at which the exporter can be reached from outside.

use axum::http::{
    Uri,
    uri::{Authority, Scheme},
};

use scout_metrics_core::{Error, ErrorKind, Result};

/// A URL that consists of a scheme, a host and perhaps a path.
#[derive(Clone, Debug)]
pub(super) struct ExternalUrl {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// The path without a slash at its end.
    pub(super) path: String,
}

impl ExternalUrl {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is anything else, for example if it has a user name or a query. The text is not
    /// repeated, because a URL may contain a password.
    pub(super) fn parse(text: &str) -> Result<Self> {
        Self::from_text(text).ok_or_else(|| {
            let message = "expected an external URL such as `https://example.com/scout`, without user name and query";
            Error::new(ErrorKind::Config, message)
        })
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
            let parsed = ExternalUrl::parse(url).unwrap();
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
            let error = ExternalUrl::parse(url).unwrap_err();
            assert_eq!(
                error.to_string(),
                "expected an external URL such as `https://example.com/scout`, without user name and query"
            );
        }
    }
}
