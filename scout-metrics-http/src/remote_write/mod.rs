//! Pushes metrics to databases with Prometheus remote write: Prometheus, Mimir, Thanos, VictoriaMetrics, Grafana Cloud, and
//! the OpenTelemetry collector.
//!
//! [`RemoteWrite`] is a task for services, [`RemoteWriter`] writes once, and [`encode`] makes the message of any families.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use scout_metrics_http::{PollerSet, ScoutClient, remote_write::RemoteWrite};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> scout_metrics_http::Result<()> {
//! let scout = ScoutClient::builder().with_token_file("/run/secrets/docker_pat").build()?;
//! let pollers = PollerSet::builder().with_sources(scout.organizations(["acme", "apex"])?)?.spawn();
//! let pushed = RemoteWrite::builder("https://mimir.example/api/v1/push")
//!     .with_token_file("/run/secrets/mimir")
//!     .with_header("X-Scope-OrgID", "security")
//!     .with_label("job", "scout")
//!     .spawn(&pollers)?;
//!
//! // Later, when the program ends:
//! let stats = pushed.shutdown(Duration::from_secs(10)).await;
//! println!("wrote {} samples", stats.sent());
//! # Ok(())
//! # }
//! ```

mod batch;
mod builder;
mod encode;
mod message;
mod negotiation;
mod queue;
mod receiver;
mod rising;
mod sender;
mod stats;
mod table;
mod task;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tracker;
mod writer;

use std::{fmt, sync::Arc, time::Duration};

use tokio::{task::AbortHandle, time::timeout};

use self::task::Shared;
pub use self::{
    builder::RemoteWriteBuilder,
    encode::encode,
    stats::{DropReason, RemoteWriteStats},
    writer::RemoteWriter,
};

/// A version of the protocol.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ProtocolVersion {
    /// [1.0], which all receivers understand except a few new ones: no types, no help texts, every text of every sample.
    ///
    /// [1.0]: https://prometheus.io/docs/specs/prw/remote_write_spec/
    V1,
    /// [2.0]: each text once, types and help texts, and answers that say how much was written.
    ///
    /// [2.0]: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
    V2,
}

impl ProtocolVersion {
    /// Returns `1.0` or `2.0`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::V1 => "application/x-protobuf",
            Self::V2 => "application/x-protobuf;proto=io.prometheus.write.v2.Request",
        }
    }

    /// Returns the value of `X-Prometheus-Remote-Write-Version`. That of 1.0 says 0.1.0, because senders wrote this before
    /// there was a specification.
    fn header(self) -> &'static str {
        match self {
            Self::V1 => "0.1.0",
            Self::V2 => "2.0.0",
        }
    }
}

/// Writes `1.0` or `2.0`.
impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A handle to a task that writes the snapshots of pollers to a receiver.
///
/// # Behaviour and defaults
///
/// - All samples that an exporter would serve are written, with the label `org` and those of
///   [`with_label`](RemoteWriteBuilder::with_label): at once when a snapshot arrives, and again [each
///   minute](RemoteWriteBuilder::with_interval), because Prometheus forgets a series that has no sample for five minutes.
/// - A sample has the time at which it was queued, as if an exporter had been scraped then. The time of the snapshot would
///   not do: samples of a series must have rising times.
/// - A series ends with a staleness marker when a new snapshot does not have it, and when the poller has no snapshot that may
///   be served. A series that the new snapshot has is not interrupted.
/// - 2.0 is tried first, and 1.0 if the receiver does not understand it, unless [the version is
///   set](RemoteWriteBuilder::with_version).
/// - A request has at most [2000 samples and 1 MiB](RemoteWriteBuilder::with_request_limits). It is sent again after a
///   failure to get an answer, a redirect, which is not followed, HTTP 429 and HTTP 5xx, with [growing
///   pauses](RemoteWriteBuilder::with_backoff). Samples that the receiver refuses, because it answers with any other 4xx,
///   are dropped: they would be refused again, as those are that are out of order or too old.
/// - Samples wait in [up to 64 MiB](RemoteWriteBuilder::with_queue_limit) of memory for [up to two
///   hours](RemoteWriteBuilder::with_max_age) while the receiver is down. The oldest are dropped first.
/// - The first failure of an outage and its end are logged, and the first refusal, with the receiver's reason.
///   [`stats`](Self::stats) counts everything.
///
/// # Concurrency
///
/// One request is on its way at a time, so the samples of a series never get out of order. Handles are cheap to clone and
/// share everything.
///
/// # Cancellation
///
/// Dropping the last handle stops the task; what waits is lost. [`shutdown`](Self::shutdown) writes it first.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use scout_metrics_http::{
///     MemorySource, Organization, Poller, Snapshot,
///     remote_write::{DropReason, RemoteWrite},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> scout_metrics_http::Result<()> {
/// let source = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// let poller = Poller::builder(source).spawn();
/// let pushed = RemoteWrite::builder("http://localhost:9090/api/v1/write").spawn([poller])?;
///
/// let stats = pushed.shutdown(Duration::from_secs(10)).await;
/// assert_eq!(stats.sent(), 0);
/// assert_eq!(stats.dropped(DropReason::Refused), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RemoteWrite {
    shared: Arc<Shared>,
    task: Arc<AbortOnDrop>,
}

impl RemoteWrite {
    /// Returns a builder for the URL of a receiver, such as `http://localhost:9090/api/v1/write`.
    pub fn builder(url: impl Into<String>) -> RemoteWriteBuilder {
        RemoteWriteBuilder::new(url.into())
    }

    fn new(shared: Arc<Shared>, task: AbortHandle) -> Self {
        Self {
            shared,
            task: Arc::new(AbortOnDrop(task)),
        }
    }

    /// Returns what has been done so far.
    pub fn stats(&self) -> RemoteWriteStats {
        self.shared.stats()
    }

    /// Writes what waits, and stops the task when that is done or the time is over. Returns what was done.
    ///
    /// With [`with_end_of_series`](RemoteWriteBuilder::with_end_of_series) all series are marked as ended first. Samples that
    /// still wait at the end are dropped, and counted with the reason [`DropReason::Shutdown`]. The pollers are not stopped.
    ///
    /// Dropping the future does not undo it: the task ends when everything is written, or the last handle is dropped.
    pub async fn shutdown(&self, within: Duration) -> RemoteWriteStats {
        self.shared.closing.send_replace(true);
        let mut done = self.shared.done.subscribe();
        if timeout(within, done.wait_for(|is_done| *is_done))
            .await
            .is_err()
        {
            self.task.0.abort();
            let done = done.wait_for(|is_done| *is_done).await;
            debug_assert!(done.is_ok(), "this handle holds the sender");
        }
        self.stats()
    }
}

impl fmt::Debug for RemoteWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteWrite")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Held by the handles.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
