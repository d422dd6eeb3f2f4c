//! From sources and tokens to a router.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use secrecy::{ExposeSecret, SecretString};

use scout_metrics_core::{
    Error, ErrorKind, History, MetricsSource, MetricsSourceExt, Observed, Organization, Result,
    Snapshot, SourceSet,
};
use scout_metrics_openmetrics::{ContentType, EncodeError, Encoder, Exposition, MetricFamily};

use super::{
    all_metrics::AllMetrics, auth::Guard, external_url::ExternalUrl, own_metrics::OwnMetrics,
    password_verifier::PasswordVerifier, routes, state::ExporterState,
};

/// The default of [`Exporter::with_max_snapshot_age`]: 25 hours.
///
/// By default, a poller and a cache keep a snapshot for up to 24 hours after the 60 minutes for which it is fresh. They
/// know why it is old, so they should be the first to refuse it.
pub const DEFAULT_MAX_SNAPSHOT_AGE: Duration = Duration::from_secs(25 * 60 * 60);

/// The default of [`Exporter::with_fresh_for`]: 2 hours.
///
/// Docker Scout computes its metrics once an hour, and a poller or a cache keeps a snapshot for an hour by default.
pub const DEFAULT_FRESH_FOR: Duration = Duration::from_secs(2 * 60 * 60);

/// The default of [`Exporter::with_startup_time`]: 5 minutes, the time for which Prometheus serves the last sample of a
/// target that went away.
pub const DEFAULT_STARTUP_TIME: Duration = Duration::from_secs(5 * 60);

/// Gathers sources and bearer tokens, and becomes a router.
///
/// See the [module](super) for routes, answers and authentication.
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
/// let router = exporter.with_source(poller).with_cache_control_max_age(hour).into_router()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Exporter {
    sources: Vec<Arc<dyn MetricsSource>>,
    tokens: Vec<(Option<Organization>, BearerToken)>,
    passwords: Option<Arc<dyn PasswordVerifier>>,
    external_url: Option<ExternalUrl>,
    max_snapshot_age: Duration,
    cache_control_max_age: Option<Duration>,
    startup_time: Duration,
    history: Option<Arc<dyn History>>,
    fresh_for: Duration,
    own_metrics: Arc<OwnMetrics>,
}

#[derive(Debug)]
enum BearerToken {
    File(PathBuf),
    Value(SecretString),
}

impl Exporter {
    /// Creates an exporter without sources and without bearer tokens.
    pub fn new() -> Self {
        Self {
            sources: Vec::new(),
            tokens: Vec::new(),
            passwords: None,
            external_url: None,
            max_snapshot_age: DEFAULT_MAX_SNAPSHOT_AGE,
            cache_control_max_age: None,
            startup_time: DEFAULT_STARTUP_TIME,
            history: None,
            fresh_for: DEFAULT_FRESH_FOR,
            own_metrics: Arc::default(),
        }
    }

    /// Returns a source whose scrapes are the fetches in the exporter's own metrics.
    ///
    /// Wrap the source inside a poller or a cache with it. Scrapes of the poller or cache are answered from memory; the
    /// scrapes inside show how long fetches take and whether they succeed. Without this, each scrape of the source that
    /// is served counts as a fetch.
    pub fn observe<S: MetricsSource>(&self, source: S) -> Observed<S> {
        self.own_metrics.expect(source.organization());
        let own_metrics = Arc::clone(&self.own_metrics);
        source.observed(move |fetch| own_metrics.observe(&fetch))
    }

    /// Returns an exporter without sources and without tokens that continues this one: with the same options, and with
    /// the same metrics of its own, whose counters go on.
    ///
    /// This is how a program changes what it serves without a restart. It keeps one exporter that it never serves, and
    /// serves a router that passes each request on to the router of the newest successor:
    ///
    /// ```
    /// use axum::{Router, extract::Request};
    /// use tokio::sync::watch;
    /// use tower::ServiceExt;
    /// # use scout_metrics_core::{MemorySource, Organization, Snapshot};
    /// # use scout_metrics_http::exporter::Exporter;
    ///
    /// # fn main() -> Result<(), scout_metrics_core::Error> {
    /// # let acme = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
    /// # let apex = MemorySource::new(Snapshot::new(Organization::new("apex")?, [])?);
    /// let exporter = Exporter::new();
    /// let routes = exporter.successor().with_source(acme.clone()).into_router()?;
    /// let (sender, receiver) = watch::channel(routes);
    /// let served: Router = Router::new().fallback(move |request: Request| {
    ///     let newest = receiver.borrow().clone();
    ///     newest.oneshot(request)
    /// });
    ///
    /// // Later:
    /// let routes = exporter.successor().with_source(acme).with_source(apex).into_router()?;
    /// sender.send_replace(routes);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The last router that was made determines which organizations the own metrics contain. Each router counts failed
    /// logins by itself.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self {
            sources: Vec::new(),
            tokens: Vec::new(),
            passwords: None,
            external_url: self.external_url.clone(),
            max_snapshot_age: self.max_snapshot_age,
            cache_control_max_age: self.cache_control_max_age,
            startup_time: self.startup_time,
            history: self.history.clone(),
            fresh_for: self.fresh_for,
            own_metrics: Arc::clone(&self.own_metrics),
        }
    }

    /// Registers a snapshot that an earlier run of the program fetched, such as the latest of a `History`.
    ///
    /// Until the first fetch succeeds, the exporter's own metrics show its time and age, and it counts as the first
    /// metrics of its organization for `/-/ready`. To serve it, start a poller [with
    /// it](scout_metrics_core::PollerBuilder::with_initial):
    ///
    /// ```
    /// use scout_metrics_core::{HistoryExt, Poller};
    /// # use scout_metrics_core::{MemoryHistory, MemorySource, MetricsSource, Organization, Snapshot};
    /// # use scout_metrics_http::exporter::Exporter;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scout_metrics_core::Error> {
    /// # let scout = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
    /// # let history = MemoryHistory::new();
    /// let exporter = Exporter::new();
    /// let latest = history.latest(scout.organization()).await?;
    /// let mut poller = Poller::builder(exporter.observe(scout));
    /// if let Some(snapshot) = latest {
    ///     exporter.restore(&snapshot);
    ///     poller = poller.with_initial(snapshot);
    /// }
    /// let router = exporter.with_source(poller.spawn()).into_router()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn restore(&self, snapshot: &Snapshot) {
        self.own_metrics.restore(snapshot);
    }

    /// Adds metrics of the program to `/metrics`, after the exporter's own.
    ///
    /// The closure is called for each answer and writes whole families. Their names must be unique and start with
    /// `scout_exporter_`, which no escaping scheme changes: then no source has them, because samples of sources with such names are
    /// [renamed](super#routes). If the closure fails, the answer is 500. [Successors](Self::successor) share the metrics.
    #[must_use]
    pub fn with_program_metrics(
        self,
        encode: impl Fn(&mut Encoder<String>) -> std::result::Result<(), EncodeError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.own_metrics.add(encode);
        self
    }

    /// Returns a function that returns the [exporter's own metrics](super#the-exporters-own-metrics), for a registry of the
    /// program.
    ///
    /// Those of the program are among them. The families are as of the call, and the function can be called after the exporter
    /// has become a router. With the feature `prometheus` or `prometheus-client`, `openmetrics::bridge` has a
    /// `FamilyCollector` that accepts it.
    ///
    /// ```
    /// use scout_metrics_core::{MemorySource, MetricsSource, Organization, Snapshot};
    /// use scout_metrics_http::exporter::Exporter;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scout_metrics_core::Error> {
    /// # let source = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
    /// let exporter = Exporter::new();
    /// let own_metrics = exporter.own_metrics();
    /// let router = exporter.with_source(source).into_router()?;
    ///
    /// let families = own_metrics();
    /// assert!(families.iter().any(|family| family.name() == "scout_exporter_up"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn own_metrics(
        &self,
    ) -> impl Fn() -> Vec<MetricFamily> + Clone + Send + Sync + use<> + 'static {
        let own_metrics = Arc::clone(&self.own_metrics);
        move || own_metrics.families()
    }

    /// Encodes snapshots as the route `/metrics` does: with a label `org`, and followed by the exporter's own metrics.
    ///
    /// This is for programs that scrape once and do not serve. The exporter's own metrics describe the sources that were
    /// passed to [`observe`](Self::observe), including those whose scrape failed. No two snapshots may be
    /// of the same organization.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Other`] if a snapshot cannot be encoded.
    ///
    /// # Examples
    ///
    /// ```
    /// use scout_metrics_core::{MemorySource, MetricsSource, Organization, Snapshot};
    /// use scout_metrics_http::exporter::Exporter;
    /// use scout_metrics_openmetrics::Format;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scout_metrics_core::Error> {
    /// # let source = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
    /// let exporter = Exporter::new();
    /// let snapshot = exporter.observe(source).scrape().await?;
    /// let exposition = exporter.encode(vec![snapshot], Format::Prometheus)?;
    /// let text = String::from_utf8_lossy(exposition.body());
    /// assert!(text.contains("scout_exporter_up{org=\"acme\"} 1\n"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn encode(
        &self,
        snapshots: Vec<Snapshot>,
        content_type: impl Into<ContentType>,
    ) -> Result<Exposition> {
        let (content_type, parts) =
            AllMetrics::default().encode(&snapshots, &self.own_metrics, content_type.into())?;
        Ok(Exposition::new(content_type, parts.concat()))
    }

    /// Adds a source, which serves its [`organization`](MetricsSource::organization).
    #[must_use]
    pub fn with_source(mut self, source: impl MetricsSource) -> Self {
        self.sources.push(Arc::new(source));
        self
    }

    /// Adds several sources, such as the pollers of a `PollerSet`.
    #[must_use]
    pub fn with_sources(self, sources: impl IntoIterator<Item = impl MetricsSource>) -> Self {
        sources.into_iter().fold(self, Self::with_source)
    }

    /// Adds a bearer token that all routes accept. White space around it is ignored.
    #[must_use]
    pub fn with_bearer_token(mut self, token: impl Into<String>) -> Self {
        let token = BearerToken::Value(token.into().into());
        self.tokens.push((None, token));
        self
    }

    /// Adds a file that holds a bearer token that all routes accept. White space around the token is ignored.
    ///
    /// The file is read again, so that a token can be rotated or revoked without a restart: a new token is accepted at
    /// once, and the old one is refused within a second. If the file cannot be read or holds no token, the token that
    /// was last read stays good until ten minutes after it was read: longer than a rotation during which the file is
    /// missing or half written. A file that every user of the machine can read is logged once, unless it belongs to
    /// another user or is on a read-only file system, as a secret in a container is.
    #[must_use]
    pub fn with_bearer_token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tokens.push((None, BearerToken::File(path.into())));
        self
    }

    /// Adds a bearer token that the routes of one organization accept. White space around it is ignored.
    ///
    /// All other routes require a token then, too, and refuse this one, because they show other organizations.
    #[must_use]
    pub fn with_organization_token(
        mut self,
        organization: Organization,
        token: impl Into<String>,
    ) -> Self {
        let token = BearerToken::Value(token.into().into());
        self.tokens.push((Some(organization), token));
        self
    }

    /// Adds a file that holds a bearer token that the routes of one organization accept.
    ///
    /// See [`with_organization_token`](Self::with_organization_token) and
    /// [`with_bearer_token_file`](Self::with_bearer_token_file).
    #[must_use]
    pub fn with_organization_token_file(
        mut self,
        organization: Organization,
        path: impl Into<PathBuf>,
    ) -> Self {
        let file = BearerToken::File(path.into());
        self.tokens.push((Some(organization), file));
        self
    }

    /// Sets the users that may log in with a password of their own, in addition to tokens; none by default.
    ///
    /// Replaces a verifier that was set before.
    #[must_use]
    pub fn with_password_verifier(mut self, verifier: impl PasswordVerifier) -> Self {
        self.passwords = Some(Arc::new(verifier));
        self
    }

    /// Sets the URL at which clients reach the root of the router, for example through a proxy; unknown by default.
    ///
    /// The targets of `/sd` and the paths in `/api/v1/organizations` are below this URL. By default they are where the
    /// request was sent. The URL has no influence on where the router is served.
    #[must_use]
    pub fn with_external_url(mut self, url: ExternalUrl) -> Self {
        self.external_url = Some(url);
        self
    }

    /// Sets the maximum [age](scout_metrics_core::Snapshot::age) of a snapshot that is served;
    /// [`DEFAULT_MAX_SNAPSHOT_AGE`] by default.
    ///
    /// The answer for an older snapshot is 503 with the reason, and `/metrics` leaves it out.
    #[must_use]
    pub fn with_max_snapshot_age(mut self, age: Duration) -> Self {
        self.max_snapshot_age = age;
        self
    }

    /// Sets the `max-age` of the `Cache-Control` header, for caches between this endpoint and its clients.
    ///
    /// Pass the interval at which the sources get a new snapshot: then caches keep an answer about one organization
    /// until the next snapshot is due. By default the header is `no-cache`: caches keep the answer, but must
    /// revalidate it each time, which costs a 304.
    #[must_use]
    pub fn with_cache_control_max_age(mut self, max_age: Duration) -> Self {
        self.cache_control_max_age = Some(max_age);
        self
    }

    /// Sets the history from which the pages show changes since yesterday and last week, trends, and since when policies
    /// have failed; none by default.
    ///
    /// It is read in the background, once for each snapshot: a history that is slow or fails delays no page, which says
    /// what is missing and why. The pages compare days, so the history needs no more than a snapshot for each of the last
    /// 90 days. Trends are shown for the first 10,000 streams of an organization.
    ///
    /// ```
    /// use scout_metrics_core::{MemoryHistory, MetricsSourceExt};
    /// # use scout_metrics_core::{MemorySource, Organization, Snapshot};
    /// # use scout_metrics_http::exporter::Exporter;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scout_metrics_core::Error> {
    /// # let scout = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
    /// let history = MemoryHistory::new();
    /// let exporter = Exporter::new().with_source(scout.recorded(history.clone())).with_history(history);
    /// let router = exporter.into_router()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_history(mut self, history: impl History) -> Self {
        self.history = Some(Arc::new(history));
        self
    }

    /// Sets the age from which the pages show a snapshot as old, in red; [`DEFAULT_FRESH_FOR`] by default.
    ///
    /// Pass twice the interval at which the sources get a new snapshot. Unlike
    /// [`with_max_snapshot_age`](Self::with_max_snapshot_age), this refuses nothing.
    #[must_use]
    pub fn with_fresh_for(mut self, age: Duration) -> Self {
        self.fresh_for = age;
        self
    }

    /// Sets how long after its creation the exporter waits for the first metrics of every [observed](Self::observe)
    /// source before it is ready without some of them; [`DEFAULT_STARTUP_TIME`] by default.
    ///
    /// Until then, `/-/ready` answers 503 while one of these organizations has had no metrics. After that time the
    /// metrics of one organization are enough, so that one refused token does not keep the others from being served.
    #[must_use]
    pub fn with_startup_time(mut self, time: Duration) -> Self {
        self.startup_time = time;
        self
    }

    /// Turns the exporter into a router to be served, merged or nested.
    ///
    /// Reads the token files, which blocks this thread.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a token or a token file cannot be used, or if a token belongs to an organization without a
    /// source;
    /// [`ErrorKind::Invalid`] if two sources have the same organization.
    pub fn into_router(self) -> Result<Router> {
        let mut awaited = Vec::new();
        let sources = self.sources.iter().map(|source| {
            let organization = source.organization();
            let source: Arc<dyn MetricsSource> = if self.own_metrics.expects(organization) {
                awaited.push(organization.clone());
                Arc::clone(source)
            } else {
                Arc::new(self.observe(Arc::clone(source)))
            };
            source.max_age(self.max_snapshot_age)
        });
        let sources = SourceSet::from_sources(sources)?;
        let guard = self.guard()?;
        self.own_metrics
            .retain(|organization| self.serves(organization));
        let state = ExporterState::new(
            sources,
            awaited,
            self.startup_time,
            self.cache_control_max_age,
            self.own_metrics,
        )
        .with_external_url(self.external_url)
        .with_pages(self.history, self.fresh_for);
        Ok(routes::router(state, guard))
    }

    fn guard(&self) -> Result<Guard> {
        let mut guard = Guard::default();
        if let Some(passwords) = &self.passwords {
            guard = guard.with_passwords(Arc::clone(passwords));
        }
        for (organization, token) in &self.tokens {
            let unknown = organization
                .as_ref()
                .filter(|organization| !self.serves(organization));
            if let Some(organization) = unknown {
                let message = "there is a bearer token for this organization, but no source";
                return Err(Error::new(ErrorKind::Config, message).with_organization(organization));
            }
            let organization = organization.clone();
            guard = match token {
                BearerToken::File(path) => guard.with_file(organization, path.clone())?,
                BearerToken::Value(token) => {
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
