//! The source of one organization's metrics.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use scout_metrics_core::{AnomalyKind, MetricsSource, Organization, Result, Snapshot};
use scout_metrics_openmetrics::{Exposition, Limits, Mode, scout::SnapshotReader};
use tracing::Instrument;

use super::{
    ScoutClient,
    collect::{BodyKind, Collect, SnapshotCollector, TextCollector},
    fetch::Fetch,
};

/// The metrics of one organization, fetched from Docker Scout at each scrape.
///
/// Scout itself caches for 60 minutes, so a service should wrap the source in a cache or poller of `scout-metrics-core`.
///
/// - **Requests.** One `GET` for each scrape, up to three if it fails for a transient reason, all within 40 seconds; see
///   [`ScoutClientBuilder`](crate::ScoutClientBuilder) for these numbers. Requests are never conditional: a `304` is an
///   error.
/// - **Answers.** Metrics have status 200, the content type of one of the two formats or none at all, and a complete
///   body. HTML and JSON are errors whatever their content type. A body without samples is an error if it may be
///   truncated, because it has neither a length, nor chunks, nor the end mark of OpenMetrics. Otherwise it is a snapshot
///   without streams and with the anomaly [`Empty`](AnomalyKind::Empty).
/// - **Cancellation.** Dropping the future of a scrape closes its connection and leaves nothing behind.
/// - **Logs.** `tracing` has an event for each attempt, with its duration, bytes and samples, a warning the first time a
///   kind of anomaly is found, and a warning when an answer without data follows one with data. None of them shows the
///   token.
///
/// A clone shares everything with the original.
#[derive(Clone)]
pub struct ScoutSource {
    client: ScoutClient,
    reader: SnapshotReader,
    reported: Arc<Mutex<Reported>>,
}

/// The facts about snapshots that have been logged so far.
#[derive(Default)]
struct Reported {
    anomalies: HashSet<AnomalyKind>,
    last_had_data: bool,
}

impl ScoutSource {
    pub(crate) fn new(client: ScoutClient, organization: Organization) -> Self {
        Self {
            client,
            reader: SnapshotReader::new(organization),
            reported: Arc::default(),
        }
    }

    /// Sets how strictly the exposition must conform to its format. Default: [`Mode::Lenient`], with each forgiven rule
    /// as an anomaly.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.reader = self.reader.with_mode(mode);
        self
    }

    /// Sets the limits of an exposition. Default: [`Limits::default`].
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
    /// The body is unredacted: whatever a server or a proxy writes, such as the token that it was sent, is in it. So is
    /// text of it in the [`ParseError`](scout_metrics_openmetrics::ParseError) of a parser that reads it. The errors of
    /// [`scrape`](MetricsSource::scrape) do not contain the token.
    ///
    /// # Errors
    ///
    /// Those of [`scrape`](MetricsSource::scrape), except those of parsing: no `Anomaly`, `Decode` only for the
    /// compression, and `Limit` only for the size of the body.
    pub async fn exposition(&self) -> Result<Exposition> {
        self.fetch(TextCollector::new).await
    }

    async fn fetch<C: Collect>(
        &self,
        new_collector: impl Fn(BodyKind) -> C + Send + Sync,
    ) -> Result<C::Output> {
        let organization = self.organization();
        let span = tracing::debug_span!("scout_fetch", %organization);
        let fetch = Fetch::new(self.client.inner(), organization);
        let output = fetch.run(new_collector).instrument(span).await;
        output.map_err(|error| error.with_organization(organization))
    }

    /// Logs what is new about a snapshot. Texts of anomalies are left out, because the server wrote them.
    fn report(&self, snapshot: &Snapshot) {
        let organization = self.organization();
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        for anomaly in snapshot.anomalies() {
            if reported.anomalies.insert(anomaly.kind()) {
                let (kind, line) = (anomaly.kind(), anomaly.line());
                tracing::warn!(%organization, ?kind, line, "the exposition has an anomaly");
            }
        }
        let has_data = !snapshot.streams().is_empty();
        if reported.last_had_data && !has_data {
            tracing::warn!(%organization, "the exposition has no data, although the previous one had");
        }
        reported.last_had_data = has_data;
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

    /// Fetches the exposition and parses it as it arrives.
    ///
    /// # Errors
    ///
    /// - `Config`: the token file cannot be read or contains no token, and was not read in the last ten minutes.
    /// - `Unauthorized`, `Forbidden`, `NotFound`, `RateLimited`, `Redirect`, `Unavailable` and `Status`: the server, or
    ///   a proxy, answered with such a status. The error has the [`status`](scout_metrics_core::Error::status), the
    ///   start of the [`body`](scout_metrics_core::Error::body) and
    ///   [`retry_after`](scout_metrics_core::Error::retry_after).
    /// - `Timeout` and `Transport`: no complete answer was received.
    /// - `NotMetrics`, `Decode`, `Limit` and `Anomaly`: the answer is not an exposition, breaks its format, exceeds a
    ///   limit, or has anomalies that are errors here.
    ///
    /// The message names no local path; the [source](std::error::Error::source) does.
    async fn scrape(&self) -> Result<Snapshot> {
        let snapshot = self
            .fetch(|kind| SnapshotCollector::new(&self.reader, kind))
            .await?;
        self.report(&snapshot);
        Ok(snapshot)
    }
}
