//! Where clients find the exporter, and below which path it serves.

use std::str::FromStr;

use axum::{Router, http::Uri, response::Redirect, routing::get};
use serde::Deserialize;

/// A URL such as `https://example.com/scout`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ExternalUrl {
    text: String,
    path: RoutePrefix,
}

impl ExternalUrl {
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn path(&self) -> RoutePrefix {
        self.path.clone()
    }
}

impl FromStr for ExternalUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected a URL such as https://example.com/scout".to_owned();
        let uri: Uri = text.parse().map_err(|_| expected())?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        if !is_web || text.contains(['@', '?', '#']) {
            return Err(expected());
        }
        Ok(Self {
            path: uri.path().parse()?,
            text: text.to_owned(),
        })
    }
}

impl TryFrom<String> for ExternalUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// A path without a slash at its end, such as `/scout`; empty for the root.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RoutePrefix(String);

impl RoutePrefix {
    /// Returns the path of a route.
    pub(crate) fn of(&self, route: &str) -> String {
        format!("{}{route}", self.0)
    }

    /// Returns a router that serves these routes below the prefix, and leads from the root to the page.
    pub(crate) fn serve(&self, routes: Router) -> Router {
        if self.0.is_empty() {
            return routes;
        }
        let page = format!("{}/", self.0);
        Router::new()
            .route("/", get(async move || Redirect::temporary(&page)))
            .nest_service(&self.0, routes)
    }
}

impl FromStr for RoutePrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A router would read braces as parameters.
        let is_plain = |c: char| c.is_ascii_graphic() && !"{}*?#%\"<>\\".contains(c);
        // It panics at a segment that starts with a colon, because that was a parameter once.
        let is_literal =
            |segment: &str| !matches!(segment, "." | "..") && !segment.starts_with(':');
        let path = text.trim_matches('/');
        if !path.chars().all(is_plain) || !path.split('/').all(is_literal) {
            return Err("expected a path such as /scout".to_owned());
        }
        let path = if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        };
        Ok(Self(path))
    }
}

impl TryFrom<String> for RoutePrefix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
