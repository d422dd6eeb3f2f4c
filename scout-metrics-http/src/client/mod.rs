//! The Docker Scout client.

mod answer;
mod body;
mod builder;
mod connect;
mod credentials;
mod deadline;
mod endpoint;
mod error;
mod excerpt;
mod fetch;
mod redact;
mod retry;
#[cfg(feature = "rustls")]
mod tls;

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use scout_metrics_core::{Anomaly, AnomalyKind, MetricsSource, Organization, Result, Snapshot};
use scout_metrics_openmetrics::{
    Exposition, Format, Limits, Mode,
    scout::{SnapshotDecoder, SnapshotReader},
};
use tracing::Instrument;

pub use self::builder::ScoutClientBuilder;
use self::credentials::Credentials;
use self::{
    endpoint::Endpoint,
    fetch::{BodyKind, Collect, Fetch},
    redact::redact,
    retry::RetryPolicy,
};
use crate::token::Token;

/// A client for the metrics endpoint of Docker Scout.
///
/// It holds credentials, options and connections; [`organization`](Self::organization) returns the source of one
/// organization's metrics. A clone shares everything with the original.
///
/// # Examples
///
/// ```no_run
/// use scout_metrics_core::MetricsSource;
/// use scout_metrics_http::ScoutClient;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> scout_metrics_core::Result<()> {
/// let scout = ScoutClient::builder()
///     .with_token_file("/run/secrets/docker_pat")
///     .build()?;
/// let acme = scout.organization("acme")?;
/// for stream in acme.scrape().await?.streams() {
///     println!("{:<20} {}", stream.name(), stream.vulnerabilities());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ScoutClient(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    endpoint: Endpoint,
    credentials: Credentials,
    timeout: Duration,
    body_limit: u64,
    retry: RetryPolicy,
}

impl ScoutClient {
    /// Returns a builder with the defaults, which needs a token and nothing else.
    pub fn builder() -> ScoutClientBuilder {
        ScoutClientBuilder::new()
    }

    /// Returns the source of an organization's metrics. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](scout_metrics_core::ErrorKind::Invalid) if the name is not that of an organization.
    pub fn organization(&self, name: impl AsRef<str>) -> Result<ScoutSource> {
        Ok(ScoutSource::new(self.clone(), Organization::new(name)?))
    }
}

impl fmt::Debug for ScoutClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScoutClient")
            .field("server", &self.0.endpoint.server())
            .field("credentials", &self.0.credentials)
            .field("timeout", &self.0.timeout)
            .field("body_limit", &self.0.body_limit)
            .field("max_attempts", &self.0.retry.max_attempts)
            .finish_non_exhaustive()
    }
}

/// The metrics of one organization, fetched from Docker Scout at each scrape.
///
/// Scout itself caches for 60 minutes, so a service puts a cache or poller of `scout-metrics-core` before it.
///
/// - **Requests.** One `GET` for each scrape, up to three if it fails for a reason that may pass, all within 40 seconds;
///   see [`ScoutClientBuilder`] for these numbers. Nothing is asked conditionally: an unasked `304` is an error.
/// - **Answers.** Metrics are an answer with status 200, a content type of one of the two formats or none at all, and
///   a body that ended properly. HTML and JSON are errors whatever they are called.
/// - **Cancellation.** Dropping the future of a scrape closes its connection and leaves nothing behind.
/// - **Logs.** `tracing` has an event for each attempt, with its duration, bytes and samples, and a warning for each kind of anomaly that is found for the
///   first time. The token is in none of them.
///
/// A clone shares everything with the original.
#[derive(Clone)]
pub struct ScoutSource {
    client: ScoutClient,
    reader: SnapshotReader,
    reported: Arc<Mutex<HashSet<AnomalyKind>>>,
}

impl ScoutSource {
    fn new(client: ScoutClient, organization: Organization) -> Self {
        Self {
            client,
            reader: SnapshotReader::new(organization),
            reported: Arc::default(),
        }
    }

    /// Sets how exactly the exposition has to keep to its format. Default: [`Mode::Lenient`], with each forgiven rule
    /// as an anomaly.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.reader = self.reader.with_mode(mode);
        self
    }

    /// Sets how much of everything an exposition may hold. Default: [`Limits::default`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.reader = self.reader.with_limits(limits);
        self
    }

    /// Sets whether anomalies make a scrape fail. Default: `false`.
    #[must_use]
    pub fn with_anomalies_as_errors(mut self, are_errors: bool) -> Self {
        self.reader = self.reader.with_anomalies_as_errors(are_errors);
        self
    }

    /// Fetches the exposition as the server wrote it: authenticated, decompressed, complete as far as HTTP can tell,
    /// and not parsed.
    ///
    /// # Errors
    ///
    /// Those of [`scrape`](MetricsSource::scrape) but `Anomaly`, `Decode` for the text itself, and limits other than
    /// that of the body.
    pub async fn exposition(&self) -> Result<Exposition> {
        self.fetch(|kind| WholeBody {
            format: kind.format,
            body: Vec::new(),
        })
        .await
    }

    async fn fetch<C: Collect>(
        &self,
        new_collector: impl Fn(BodyKind) -> C + Send + Sync,
    ) -> Result<C::Output> {
        let organization = self.organization();
        let span = tracing::debug_span!("scout_fetch", %organization);
        let fetch = Fetch::new(&self.client.0, organization);
        let output = fetch.run(new_collector).instrument(span).await;
        output.map_err(|error| error.with_organization(organization))
    }

    /// Logs each kind of anomaly once. What it says may be anything that the server sent, so it is left out.
    fn report(&self, anomalies: &[Anomaly]) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        for anomaly in anomalies {
            if reported.insert(anomaly.kind()) {
                let (kind, line) = (anomaly.kind(), anomaly.line());
                let organization = self.organization();
                tracing::warn!(%organization, ?kind, line, "the exposition has an anomaly");
            }
        }
    }
}

impl fmt::Debug for ScoutSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScoutSource")
            .field("client", &self.client)
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ScoutSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scout({})", self.organization())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MetricsSource for ScoutSource {
    fn organization(&self) -> &Organization {
        self.reader.organization()
    }

    /// Fetches and reads the exposition, as it arrives.
    ///
    /// # Errors
    ///
    /// - `Config`: the token file holds no token, and has not for ten minutes.
    /// - `Unauthorized`, `Forbidden`, `NotFound`, `RateLimited`, `Redirect`, `Unavailable` and `Status`: the server says
    ///   so. [`status`](scout_metrics_core::Error::status), the start of the
    ///   [`body`](scout_metrics_core::Error::body) and [`retry_after`](scout_metrics_core::Error::retry_after) are kept.
    /// - `Timeout` and `Transport`: no whole answer came.
    /// - `NotMetrics`, `Decode`, `Limit` and `Anomaly`: the answer is no exposition, breaks its format, is too large, or
    ///   is odd and that is an error here.
    async fn scrape(&self) -> Result<Snapshot> {
        let snapshot = self
            .fetch(|kind| {
                let reader = self.reader.clone().with_format(kind.format);
                reader
                    .with_required_final_newline(!kind.has_known_end)
                    .decoder()
            })
            .await?;
        self.report(snapshot.anomalies());
        Ok(snapshot)
    }
}

/// Collects the parts of a body.
struct WholeBody {
    format: Format,
    body: Vec<u8>,
}

impl Collect for WholeBody {
    type Output = Exposition;

    fn feed(&mut self, part: &[u8]) -> Result<()> {
        self.body.extend_from_slice(part);
        Ok(())
    }

    fn samples(&self) -> Option<usize> {
        None
    }

    fn finish(self) -> Result<Exposition> {
        Ok(Exposition::new(self.format, self.body))
    }
}

impl Collect for SnapshotDecoder {
    type Output = Snapshot;

    fn feed(&mut self, part: &[u8]) -> Result<()> {
        self.feed(part)
    }

    fn samples(&self) -> Option<usize> {
        Some(self.samples())
    }

    fn finish(self) -> Result<Snapshot> {
        self.finish()
    }
}

/// Returns a text of the server for a message: escaped, shortened, and without the token.
fn shown(value: &[u8], token: &Token) -> String {
    const SHOWN: usize = 200;
    let text = String::from_utf8_lossy(value);
    redact(&text, token)
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect()
}
