//! An endpoint in the shape of Docker Scout's own that serves any [`MetricsSource`].
//!
//! [`Exporter`] gathers sources and becomes an [`axum::Router`] to nest in your own server; [`Server`] is a small
//! server around it for programs that have none.
//!
//! ```
//! use axum::{body::Body, http::Request};
//! use scout_metrics_core::{MemorySource, Organization, Snapshot, Stream};
//! use scout_metrics_http::exporter::Exporter;
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let production = Stream::new("production").with_vulnerabilities("5C 3H 6M 63L".parse()?);
//! let source = MemorySource::new(Snapshot::new(Organization::new("acme")?, [production])?);
//! let router = Exporter::new().with_source(source).with_bearer_token("s3cr3t").into_router()?;
//!
//! let request = Request::get("/v1/exporter/org/acme/metrics")
//!     .header("authorization", "Bearer s3cr3t")
//!     .body(Body::empty())?;
//! let response = router.oneshot(request).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
//! # Ok(())
//! # }
//! ```
//!
//! # Routes
//!
//! | route | answer |
//! |---|---|
//! | `/v1/exporter/org/{org}/metrics` | the metrics of one organization, as Docker Scout serves them |
//! | `/v1/exporter/org/{org}` | the same: Docker Scout's path until May 2024, which many configurations still have |
//!
//! Both answer `GET` and `HEAD`. The format is the Prometheus text format unless the `Accept` header prefers
//! OpenMetrics. An `Accept` header that allows neither gets the Prometheus text format too: a scraper that cannot
//! read it says so better than a 406 would.
//!
//! Each request scrapes its source once. Wrap a source that asks somebody else in `Cached`, or poll it: then scrapes
//! of this endpoint cost nothing upstream. What was encoded is remembered for as long as the source returns the
//! [same](scout_metrics_core::Snapshot::is_same) snapshot, so all of its readers share one body.
//!
//! # Answers
//!
//! | status | when | headers |
//! |---|---|---|
//! | 200 | the source answered | `Content-Type`, `Vary: Accept` |
//! | 401 | a token is needed, and none or a wrong one came; nothing else is told without it | `WWW-Authenticate: Bearer` |
//! | 404 | no source has this organization | |
//! | 405 | the method is neither `GET` nor `HEAD` | `Allow` |
//! | 500 | the exporter or its source is set up wrongly: [`Config`], [`Invalid`], [`Other`] | |
//! | 502 | the source was given an answer it cannot use, such as [`Unauthorized`], [`Transport`] or [`Decode`] | `Retry-After` |
//! | 503 | the source cannot answer now: [`Unavailable`], [`RateLimited`] | `Retry-After` |
//! | 504 | the source was not answered in time: [`Timeout`] | `Retry-After` |
//!
//! `Retry-After` is sent where the source's error knows it. The body of an error is one line of plain text: the
//! message of the source's error, without its causes, which are logged instead.
//!
//! # Authentication
//!
//! With at least one bearer token ([`Exporter::with_bearer_token`], [`Exporter::with_bearer_token_file`]) every route
//! asks for one of them. **Without any, the routes are open to whoever can reach them**: right on a loopback address,
//! or when a layer of your own around the router authenticates.
//!
//! [`Config`]: scout_metrics_core::ErrorKind::Config
//! [`Decode`]: scout_metrics_core::ErrorKind::Decode
//! [`Invalid`]: scout_metrics_core::ErrorKind::Invalid
//! [`MetricsSource`]: scout_metrics_core::MetricsSource
//! [`Other`]: scout_metrics_core::ErrorKind::Other
//! [`RateLimited`]: scout_metrics_core::ErrorKind::RateLimited
//! [`Timeout`]: scout_metrics_core::ErrorKind::Timeout
//! [`Transport`]: scout_metrics_core::ErrorKind::Transport
//! [`Unauthorized`]: scout_metrics_core::ErrorKind::Unauthorized
//! [`Unavailable`]: scout_metrics_core::ErrorKind::Unavailable

mod auth;
mod handler;
mod server;
mod target;

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use axum::Router;
use secrecy::{ExposeSecret, SecretString};

use scout_metrics_core::{Error, ErrorKind, MetricsSource, Result};

use self::{auth::Guard, target::Target};

pub use self::server::Server;

/// Gathers what is to be served, and to whom, and becomes a router.
///
/// See the [module](self) for routes, answers and authentication.
#[derive(Debug, Default)]
pub struct Exporter {
    sources: Vec<Arc<dyn MetricsSource>>,
    tokens: Vec<TokenOrigin>,
}

#[derive(Debug)]
enum TokenOrigin {
    File(PathBuf),
    Value(SecretString),
}

impl Exporter {
    /// Creates an exporter without sources and without bearer tokens.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source, which serves its [`organization`](MetricsSource::organization).
    #[must_use]
    pub fn with_source(mut self, source: impl MetricsSource) -> Self {
        self.sources.push(Arc::new(source));
        self
    }

    /// Adds a bearer token that requests may come with. White space around it is ignored.
    #[must_use]
    pub fn with_bearer_token(mut self, token: impl Into<String>) -> Self {
        self.tokens.push(TokenOrigin::Value(token.into().into()));
        self
    }

    /// Adds a file that holds a bearer token. White space around the token is ignored.
    ///
    /// The file is looked at for each request and read again when it changed, so that a token can be rotated or
    /// revoked without a restart. If it cannot be read then, or holds no token, the last one stays good for ten
    /// minutes: longer than a rotation takes in which the file is missing or half written.
    #[must_use]
    pub fn with_bearer_token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tokens.push(TokenOrigin::File(path.into()));
        self
    }

    /// Turns the exporter into a router, to be served as it is, merged or nested.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if two sources have one organization, or if a token or token file cannot be used.
    pub fn into_router(self) -> Result<Router> {
        let guard =
            self.tokens
                .into_iter()
                .try_fold(Guard::default(), |guard, origin| match origin {
                    TokenOrigin::File(path) => guard.with_file(path),
                    TokenOrigin::Value(token) => guard.with_token(token.expose_secret()),
                })?;
        Ok(handler::router(targets(self.sources)?, guard))
    }
}

fn targets(sources: Vec<Arc<dyn MetricsSource>>) -> Result<handler::Targets> {
    let mut targets = HashMap::new();
    for source in sources {
        let organization = source.organization().clone();
        if targets.contains_key(&organization) {
            let message = "two sources have this organization, expected one";
            return Err(Error::new(ErrorKind::Config, message).with_organization(&organization));
        }
        targets.insert(organization, Target::new(source));
    }
    Ok(targets)
}
