//! Past snapshots from a server with Prometheus' query API.

mod answer;
mod api;
mod builder;
mod promql;
mod scrapes;
mod search;
mod window;

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use scout_metrics_core::{Error, ErrorKind, History, Organization, Result, Snapshot, range_times};

pub use self::builder::PrometheusHistoryBuilder;
use self::{
    api::Api,
    promql::{FAMILIES, Matchers},
    search::Search,
    window::{Part, Window, millis, seconds},
};
use crate::transport::{deadline::Deadline, redact::Secrets};

/// The snapshots that a server with [Prometheus' query API] has: Prometheus, Thanos, Mimir, VictoriaMetrics, Grafana Cloud.
///
/// The server scrapes an exporter of this crate or Docker Scout itself, or others write into it; this history only reads.
///
/// # Contract
///
/// As [`History`], with these differences, which are due to what such a server stores:
///
/// - **A snapshot is a scrape** of the server: the samples of one organization that have the same time, which is the
///   [`scraped_at`](Snapshot::scraped_at). An exporter serves the snapshot of its last fetch at each scrape, so consecutive
///   snapshots are mostly equal, and the data in them is older than their time by up to the interval of its fetches (and by
///   its outages, for as long as it serves stale snapshots).
/// - **Absent is not zero.** A stream, severity or policy that the last scrape did not have is not in the snapshot, even if
///   an earlier scrape in the same window had it. A scrape without any sample of the organization is no snapshot.
/// - **Kept:** all that [`encode`](scout_metrics_openmetrics::scout::encode) writes into the families of Docker Scout and
///   `scout_stream_empty`. Streams come back in the order of their names, policies in the order of their identifiers.
///   Samples of unknown families, and anomalies without a sample, are not kept. Anomalies have no lines.
/// - **Settled.** What is younger than 30 seconds is not returned; see
///   [`with_ingestion_delay`](PrometheusHistoryBuilder::with_ingestion_delay). The clocks of both machines must agree at
///   least that much.
/// - **Complete.** Answers that say that they are partial are errors, and servers are asked not to give any. If a server
///   only warns, the warning is logged, and is in each snapshot of the answer as an anomaly of the kind
///   [`Other`](scout_metrics_core::AnomalyKind::Other), so that a gate cannot tell.
/// - **Times** before 2012 are not asked for.
///
/// # How it asks
///
/// A [range](History::range) is one query for each of the four families, for up to 1,000 steps; an answer that would be too
/// large is asked for in halves. The query returns the series of the last scrape before each step, as far as the server
/// looks back: as far as the step is long, but at most a day, in Prometheus 3.5, Thanos and VictoriaMetrics; five minutes in
/// Prometheus 2.42 and others that do not know the parameter. Where that finds nothing, the number of samples is asked for,
/// and the samples themselves are read if there are any: after an outage, or if scrapes are rarer than the server looks back.
/// At most 200,000 samples are read at once, and an answer has at most ten million values, as in `SqliteHistory`.
///
/// Requests have no effect on the server, and are retried as those of the [`ScoutClient`](crate::ScoutClient).
///
/// # Errors
///
/// Those of the contract, and for the server's answers: [`Unauthorized`](ErrorKind::Unauthorized),
/// [`Forbidden`](ErrorKind::Forbidden), [`NotFound`](ErrorKind::NotFound) (no API below the URL),
/// [`RateLimited`](ErrorKind::RateLimited), [`Redirect`](ErrorKind::Redirect), [`Status`](ErrorKind::Status) (it refuses the
/// query), [`NotMetrics`](ErrorKind::NotMetrics) (it does not answer with JSON), [`Decode`](ErrorKind::Decode) (the JSON is
/// not an answer, or a value is not a count), [`Transport`](ErrorKind::Transport). No text shows a token.
///
/// # Examples
///
/// ```no_run
/// use scout_metrics_http::{HistoryExt, Organization, PrometheusHistory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> scout_metrics_http::Result<()> {
/// let history = PrometheusHistory::builder("https://mimir.example/prometheus")
///     .with_user("12345")
///     .with_token_file("/run/secrets/mimir")
///     .with_header("X-Scope-OrgID", "security")
///     .with_matcher("job", "scout")
///     .build()?;
/// let acme = Organization::new("acme")?;
/// let week = std::time::Duration::from_secs(7 * 24 * 3600);
/// if let Some(comparison) = history.compare(&acme, week).await? {
///     for change in comparison.changes() {
///         println!("{change}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// [Prometheus' query API]: https://prometheus.io/docs/prometheus/latest/querying/api/
#[derive(Clone)]
pub struct PrometheusHistory(Arc<Inner>);

struct Inner {
    api: Api,
    scope: Scope,
    matchers: Matchers,
    /// The labels that are not of Docker Scout's metrics.
    foreign: HashSet<String>,
    ingestion_delay: Duration,
}

/// How samples belong to an organization.
#[derive(Debug)]
enum Scope {
    /// By the value of a label.
    Label(String),
    /// All are of one.
    One(Organization),
}

impl PrometheusHistory {
    /// Returns a builder for the server at a URL, such as `https://mimir.example/prometheus`: `/api/v1/query_range` is
    /// appended to its path.
    pub fn builder(url: impl Into<String>) -> PrometheusHistoryBuilder {
        PrometheusHistoryBuilder::new(url.into())
    }

    /// Returns the time up to which the server is expected to have everything.
    fn settled(&self) -> i64 {
        let settled = SystemTime::now().checked_sub(self.0.ingestion_delay);
        settled.map_or(0, millis)
    }

    /// Returns the selection of an organization's samples, or `None` if the server has none by definition.
    fn matchers(&self, organization: &Organization) -> Option<Matchers> {
        let matchers = self.0.matchers.clone();
        match &self.0.scope {
            Scope::Label(label) => Some(matchers.with(label, organization.as_str())),
            Scope::One(one) => (one == organization).then_some(matchers),
        }
    }

    async fn search(
        &self,
        organization: &Organization,
        windows: &[Window],
        parts: Vec<Part>,
    ) -> Result<Vec<Snapshot>> {
        let Some(matchers) = self.matchers(organization) else {
            return Ok(Vec::new());
        };
        let search = Search {
            api: &self.0.api,
            matchers,
            foreign: &self.0.foreign,
            deadline: &Deadline::after(self.0.api.timeout),
            told: Mutex::default(),
        };
        let found = search.snapshots(organization, windows, parts).await;
        found.map_err(|error| error.with_organization(organization))
    }

    /// Returns the values that a label has in the families of Docker Scout.
    async fn label_values(&self, label: &str) -> Result<(Vec<String>, Secrets)> {
        let selectors = FAMILIES.map(|family| self.0.matchers.selector(family));
        let mut parameters: Vec<_> = selectors.map(|selector| ("match[]", selector)).into();
        parameters.push(("start", seconds(window::EARLIEST)));
        parameters.push(("end", seconds(self.settled())));
        let deadline = Deadline::after(self.0.api.timeout);
        let path = format!("label/{label}/values");
        let answer = self.0.api.get(&path, &parameters, &deadline).await?;
        for warning in answer.warnings {
            tracing::warn!(warning, "the list of organizations may be incomplete");
        }
        Ok((answer.data, answer.secrets))
    }
}

impl fmt::Debug for PrometheusHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrometheusHistory")
            .field("server", &self.0.api.place())
            .field("authorization", &self.0.api.authorization)
            .field("scope", &self.0.scope)
            .field("matchers", &self.0.matchers)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PrometheusHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrometheusHistory({})", self.0.api.place())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl History for PrometheusHistory {
    /// Returns the organizations that have samples.
    ///
    /// # Errors
    ///
    /// [`Decode`](ErrorKind::Decode) if the label has a value that is not the name of an organization: set another label,
    /// or a matcher that excludes it. Otherwise see [`PrometheusHistory`].
    async fn organizations(&self) -> Result<Vec<Organization>> {
        match &self.0.scope {
            Scope::One(one) => {
                let (families, _) = self.label_values("__name__").await?;
                Ok(families.first().map(|_| one.clone()).into_iter().collect())
            }
            Scope::Label(label) => {
                let (names, secrets) = self.label_values(label).await?;
                let names = names.into_iter().map(|name| {
                    Organization::new(name).map_err(|error| {
                        let message = format!("the label `{label}` does not have an organization");
                        let error = Error::new(ErrorKind::Decode, message).with_source(error);
                        secrets.redact_error(error)
                    })
                });
                let mut organizations = names.collect::<Result<Vec<_>>>()?;
                organizations.sort();
                Ok(organizations)
            }
        }
    }

    async fn at(
        &self,
        organization: &Organization,
        time: SystemTime,
        tolerance: Duration,
    ) -> Result<Option<Snapshot>> {
        let Some(window) = Window::before(time, tolerance, self.settled()) else {
            return Ok(None);
        };
        let part = Part::new(0..1, &[window], 1);
        let found = self.search(organization, &[window], vec![part]).await?;
        Ok(found.into_iter().next())
    }

    async fn range(
        &self,
        organization: &Organization,
        start: SystemTime,
        end: SystemTime,
        step: Duration,
    ) -> Result<Vec<Snapshot>> {
        let times = range_times(start, end, step)?;
        let (windows, parts) = window::windows(&times, step, self.settled());
        self.search(organization, &windows, parts).await
    }
}
