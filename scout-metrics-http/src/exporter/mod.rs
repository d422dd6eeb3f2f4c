//! An endpoint in the shape of Docker Scout's own that serves any [`MetricsSource`].
//!
//! [`Exporter`] gathers sources and becomes an [`axum::Router`]: nest it in your own server, or serve it with
//! `axum::serve(listener, router)`. The example program `exporter` has a server with limits on connections, a graceful
//! end and TLS.
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
//! | `/` | a page for people: up to 500 streams of each organization, policies, freshness, links to the rest |
//! | `/metrics` | the metrics of all organizations under a label `org`, and the exporter's own |
//! | `/v1/exporter/org/{org}/metrics` | the metrics of one organization, as Docker Scout serves them |
//! | `/v1/exporter/org/{org}` | the same: Docker Scout's path until May 2024, which many configurations still have |
//! | `/api/v1/organizations` | which organizations there are and how their fetches go, as JSON; asks no source |
//! | `/api/v1/organizations/{org}/snapshot` | the snapshot of one organization, as [JSON](scout_metrics_core::Snapshot#json) |
//! | `/sd` | a target for each organization, for Prometheus' `http_sd_configs`; asks no source |
//! | `/-/healthy` | 200 while the program runs; asks no source and for no token |
//! | `/-/ready` | 200 once a fetch of each [observed](Exporter::observe) source has ended, 503 before; asks no source and for no token |
//!
//! All answer `GET` and `HEAD`. The format of metrics is the Prometheus text format unless the `Accept` header prefers
//! OpenMetrics. An `Accept` header that allows neither gets the Prometheus text format too: a scraper that cannot
//! read it says so better than a 406 would. Bodies are compressed with gzip or zstd where `Accept-Encoding` names it.
//!
//! Each request scrapes its source once. Wrap a source that asks somebody else in `Cached`, or poll it: then scrapes
//! of this endpoint cost nothing upstream. What was encoded is remembered for as long as the source returns the
//! same snapshot, so it is encoded and compressed once, and then served from the same memory.
//!
//! `/metrics` leaves out an organization whose source fails, and says so in `scout_exporter_up`; the route of the
//! organization says why. So it does with a source that has not answered after nine tenths of the time that Prometheus
//! waits, which Prometheus and VictoriaMetrics say in a header: otherwise there would be no metrics of anything.
//!
//! # Answers
//!
//! | status | when | headers |
//! |---|---|---|
//! | 200 | the source returned a snapshot | `Content-Type`, `Vary`; of one organization `ETag`, `Last-Modified`, `Age`, `Cache-Control` too |
//! | 304 | the client has the snapshot, by `If-None-Match` or `If-Modified-Since` | the same without `Content-Type` |
//! | 401 | a token is needed, and none or a wrong one came; nothing else is told without it | `WWW-Authenticate: Bearer` |
//! | 404 | no source has this organization | |
//! | 405 | the method is neither `GET` nor `HEAD` | `Allow` |
//! | 500 | the exporter or its source is set up wrongly: [`Config`], [`Invalid`], [`Other`] | |
//! | 502 | the source was given an answer it cannot use, such as [`Unauthorized`], [`Transport`] or [`Decode`] | `Retry-After` |
//! | 503 | the source cannot answer now: [`Unavailable`], [`RateLimited`]; or the snapshot is [too old](Exporter::with_max_age) | `Retry-After` |
//! | 504 | the source was not answered in time: [`Timeout`] | `Retry-After` |
//!
//! `Retry-After` is what the source's error says, or else 5 seconds where the same request may succeed later. The body
//! of an error is one line of plain text: the message of the source's error, without its causes, which are logged
//! instead.
//!
//! # The exporter's own metrics
//!
//! | metric | labels | meaning |
//! |---|---|---|
//! | `scout_exporter_up` | `org` | whether the last fetch succeeded |
//! | `scout_exporter_last_success_timestamp_seconds` | `org` | when the last fetch that succeeded was made |
//! | `scout_exporter_snapshot_age_seconds` | `org` | how long ago that was |
//! | `scout_exporter_fetch_duration_seconds` | | how long fetches took, a histogram |
//! | `scout_exporter_fetch_errors_total` | `org`, `reason` | fetches that failed, by [kind](scout_metrics_core::ErrorKind::as_str); `cancelled` where nobody waited for the answer any more |
//! | `scout_exporter_http_requests_total` | `route`, `code` | requests to the routes above, by the pattern of the route |
//! | `scout_exporter_build_info` | `version` | always 1 |
//!
//! A fetch is a scrape of a source that was given to [`Exporter::observe`], or else each scrape of the one that was
//! given to [`Exporter::with_source`].
//!
//! # JSON
//!
//! `/api/v1/organizations` answers in a form that is stable: fields may be added, none is renamed or removed. The
//! two times are `null` before the first success.
//!
//! ```json
//! {
//!   "organizations": [
//!     {
//!       "name": "acme",
//!       "up": true,
//!       "last_success_timestamp_seconds": 1700000000.0,
//!       "snapshot_age_seconds": 12.5,
//!       "metrics": "/v1/exporter/org/acme/metrics",
//!       "snapshot": "/api/v1/organizations/acme/snapshot"
//!     }
//!   ]
//! }
//! ```
//!
//! # Discovery
//!
//! `/sd` names the address that it was asked at, so it has to be one at which Prometheus reaches this endpoint. The
//! scheme is that of the scrape configuration. Where tokens are needed, they are needed for both; Prometheus 2.42
//! leaves the type of the first one out unless it is written:
//!
//! ```yaml
//! scrape_configs:
//!   - job_name: scout
//!     authorization: {credentials_file: /run/secrets/exporter_token}
//!     http_sd_configs:
//!       - url: http://exporter:9090/sd
//!         authorization: {type: Bearer, credentials_file: /run/secrets/exporter_token}
//! ```
//!
//! # Authentication
//!
//! With at least one bearer token every route but `/-/healthy` and `/-/ready` asks for one. A token of the whole
//! exporter ([`Exporter::with_bearer_token`], [`Exporter::with_bearer_token_file`]) is good for all of them, a token
//! of an organization ([`Exporter::with_organization_token`], [`Exporter::with_organization_token_file`]) for the
//! routes that have the organization in their path. **Without any, the routes are open to whoever can reach them**:
//! right on a loopback address, or when a layer of your own around the router authenticates.
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
mod body;
mod coding;
mod discovery;
mod endpoint;
mod failure;
mod fresh;
mod handler;
mod health;
mod latest;
mod merged;
mod organizations;
mod page;
mod paths;
mod respond;
mod routes;
mod target;
mod telemetry;

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use secrecy::{ExposeSecret, SecretString};

use scout_metrics_core::{
    Error, ErrorKind, Merged, MetricsSource, MetricsSourceExt, Observed, Organization, Result,
};

use self::{auth::Guard, endpoint::Endpoint, fresh::Fresh, telemetry::Telemetry};

pub use self::merged::encode_merged;

/// How old a snapshot may be that is served, unless it is said otherwise: 25 hours.
///
/// A poller and a cache hold a snapshot for up to 24 hours beyond the 60 minutes after which they ask again, so by
/// default they, who know the reason, are the first to give up.
pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(25 * 60 * 60);

/// Gathers what is to be served, and to whom, and becomes a router.
///
/// See the [module](self) for routes, answers and authentication.
///
/// ```
/// use std::time::Duration;
///
/// use scout_metrics_core::{MemorySource, Organization, Poller, Snapshot};
/// use scout_metrics_http::exporter::Exporter;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), scout_metrics_core::Error> {
/// # let scout = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// let hour = Duration::from_secs(3600);
/// let exporter = Exporter::new();
/// let poller = Poller::builder(exporter.observe(scout)).with_interval(hour).spawn();
/// let router = exporter.with_source(poller).with_interval(hour).into_router()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Exporter {
    sources: Vec<Arc<dyn MetricsSource>>,
    tokens: Vec<(Option<Organization>, TokenOrigin)>,
    max_age: Duration,
    interval: Option<Duration>,
    telemetry: Arc<Telemetry>,
}

#[derive(Debug)]
enum TokenOrigin {
    File(PathBuf),
    Value(SecretString),
}

impl Exporter {
    /// Creates an exporter without sources and without bearer tokens.
    pub fn new() -> Self {
        Self {
            sources: Vec::new(),
            tokens: Vec::new(),
            max_age: DEFAULT_MAX_AGE,
            interval: None,
            telemetry: Arc::default(),
        }
    }

    /// Returns a source whose scrapes are the fetches that the exporter's own metrics tell of.
    ///
    /// It is for the source inside a poller or a cache. The exporter sees the outside alone, where scrapes are
    /// answered from memory; what happens inside is how long fetches take, and whether they succeed. Without this,
    /// each scrape of the source that is served counts as a fetch.
    pub fn observe<S: MetricsSource>(&self, source: S) -> Observed<S> {
        self.telemetry.expect(source.organization());
        let telemetry = Arc::clone(&self.telemetry);
        source.observed(move |fetch| telemetry.observe(&fetch))
    }

    /// Adds a source, which serves its [`organization`](MetricsSource::organization).
    #[must_use]
    pub fn with_source(mut self, source: impl MetricsSource) -> Self {
        self.sources.push(Arc::new(source));
        self
    }

    /// Adds a bearer token that all requests may come with. White space around it is ignored.
    #[must_use]
    pub fn with_bearer_token(mut self, token: impl Into<String>) -> Self {
        let token = TokenOrigin::Value(token.into().into());
        self.tokens.push((None, token));
        self
    }

    /// Adds a file that holds a bearer token for all requests. White space around the token is ignored.
    ///
    /// The file is looked at for each request and read again when it changed, so that a token can be rotated or
    /// revoked without a restart. If it cannot be read then, or holds no token, the last one stays good for ten
    /// minutes: longer than a rotation takes in which the file is missing or half written.
    #[must_use]
    pub fn with_bearer_token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tokens.push((None, TokenOrigin::File(path.into())));
        self
    }

    /// Adds a bearer token for requests about one organization. White space around it is ignored.
    ///
    /// With it all other routes need a token too, and this one is not good for them: they would tell of other
    /// organizations.
    #[must_use]
    pub fn with_organization_token(
        mut self,
        organization: Organization,
        token: impl Into<String>,
    ) -> Self {
        let token = TokenOrigin::Value(token.into().into());
        self.tokens.push((Some(organization), token));
        self
    }

    /// Adds a file that holds a bearer token for requests about one organization; a
    /// [token](Self::with_organization_token) in a [file](Self::with_bearer_token_file).
    #[must_use]
    pub fn with_organization_token_file(
        mut self,
        organization: Organization,
        path: impl Into<PathBuf>,
    ) -> Self {
        let file = TokenOrigin::File(path.into());
        self.tokens.push((Some(organization), file));
        self
    }

    /// Sets how old a snapshot may be that is served, by the time at which it was scraped; [`DEFAULT_MAX_AGE`] by
    /// default. Older ones are answered with 503 and the reason, and left out of `/metrics`.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Sets the interval at which the sources get a new snapshot, for caches between this endpoint and its clients.
    ///
    /// With it an answer about one organization is `Cache-Control: private, max-age=` the interval, and with `Age` it
    /// can be kept until the next snapshot is due. By default it is unknown: the answer is `no-cache`, to be kept but
    /// asked for again each time, which costs a 304.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// Turns the exporter into a router, to be served as it is, merged or nested.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a token or token file cannot be used, or is for an organization without a source;
    /// [`ErrorKind::Invalid`] if two sources have one organization.
    pub fn into_router(self) -> Result<Router> {
        let mut awaited = Vec::new();
        let sources = self.sources.iter().map(|source| {
            let organization = source.organization();
            let source: Arc<dyn MetricsSource> = if self.telemetry.expects(organization) {
                awaited.push(organization.clone());
                Arc::clone(source)
            } else {
                Arc::new(self.observe(Arc::clone(source)))
            };
            Fresh::new(source, self.max_age)
        });
        let all = Merged::new(sources)?;
        let guard = self.guard()?;
        let endpoint = Endpoint::new(all, awaited, self.interval, self.telemetry);
        Ok(routes::router(endpoint, guard))
    }

    fn guard(&self) -> Result<Guard> {
        let mut guard = Guard::default();
        for (organization, origin) in &self.tokens {
            let unknown = organization
                .as_ref()
                .filter(|organization| !self.serves(organization));
            if let Some(organization) = unknown {
                let message = "there is a bearer token for this organization, but no source";
                return Err(Error::new(ErrorKind::Config, message).with_organization(organization));
            }
            let organization = organization.clone();
            guard = match origin {
                TokenOrigin::File(path) => guard.with_file(organization, path.clone())?,
                TokenOrigin::Value(token) => {
                    guard.with_token(organization, token.expose_secret())?
                }
            };
        }
        Ok(guard)
    }

    fn serves(&self, organization: &Organization) -> bool {
        let mut sources = self.sources.iter();
        sources.any(|source| source.organization() == organization)
    }
}

impl Default for Exporter {
    fn default() -> Self {
        Self::new()
    }
}
