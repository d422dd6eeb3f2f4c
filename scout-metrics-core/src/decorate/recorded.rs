//! Records every good snapshot in a history, and serves the last one when the source fails.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tracing::{info, warn};

use super::recorder::{Recorder, RecordingStatus, within};
use crate::{
    Error, MetricsSource, Organization, RecordHistory, Result, Snapshot, predicate::ErrorPredicate,
};

/// A source that records every good snapshot in a history, and answers from it when the source fails.
///
/// # Behaviour and defaults
///
/// - A snapshot is recorded by a background task, so the answer does not wait for the disk. A snapshot that
///   [is the same](Snapshot::is_same) as the one before is recorded once.
/// - At most 16 snapshots wait for a slow disk; when there are more, the oldest of them is dropped. A write may take
///   30 seconds and is not repeated. One warning is logged when writes begin to fail, one line when they work again;
///   [`status`](Self::status) returns the last error.
/// - When the source fails, the last good snapshot is served if it is at most [25 hours](Self::DEFAULT_MAX_AGE) old
///   (see [`with_max_age`](Self::with_max_age)): the one that this source returned last, or else, after a restart, the
///   latest of the history, which has at most 5 seconds to answer. A snapshot of the history with a time in the
///   future is never served. [`Snapshot::scraped_at`] returns how old the data is.
/// - This applies to all errors except [`Unauthorized`](crate::ErrorKind::Unauthorized) and
///   [`Forbidden`](crate::ErrorKind::Forbidden); see [`with_fallback_if`](Self::with_fallback_if).
/// - If there is no such snapshot, or the history fails, the error of the source is returned. The error of the history is
///   logged.
///
/// # Concurrency
///
/// Any number of scrapes may run at once. Snapshots are recorded one at a time, in the order in which they were returned.
/// Clones share the task. Several recorded sources may share a history.
///
/// # Cancellation
///
/// Drops the scrape of the source, or the search in the history. Snapshots that are already queued are still recorded.
/// The task belongs to the clones: when the last one is dropped, it writes what is waiting, up to the first failure,
/// and ends. A runtime that shuts down ends it at once; call [`flush`](Self::flush) before.
///
/// # Order
///
/// Directly around the source, inside a [cache](crate::Cached) or a [poller](crate::Poller): these refresh by the age of
/// a snapshot, so an old one from the history does not keep them from scraping again. Put [`Observed`](crate::Observed)
/// inside, so that answers from the history do not count as success.
///
/// # Example
///
/// ```
/// use scout_metrics_core::{
///     Error, ErrorKind, HistoryExt, MemoryHistory, MemorySource, MetricsSource, MetricsSourceExt, Organization,
///     Snapshot, Stream,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let acme = Organization::new("acme")?;
/// let memory = MemorySource::new(Snapshot::new(acme.clone(), [Stream::new("production")])?);
/// let history = MemoryHistory::new();
/// let source = memory.clone().recorded(history.clone());
///
/// let good = source.scrape().await?;
/// source.flush().await?;
/// assert_eq!(history.latest(&acme).await?, Some(good.clone()));
///
/// memory.set(Err(Error::new(ErrorKind::Unavailable, "down")));
/// assert_eq!(source.scrape().await?, good);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Recorded<S> {
    source: S,
    recorder: Arc<Recorder>,
    fallback: Arc<Fallback>,
    max_age: Duration,
    fallback_if: ErrorPredicate,
}

/// The answers that are given when the source fails.
#[derive(Debug, Default)]
struct Fallback {
    last_good: Mutex<Option<Snapshot>>,
    is_serving: AtomicBool,
}

impl<S: MetricsSource> Recorded<S> {
    /// The default of the maximum age of a snapshot that is served in place of an error: a day and an hour, so that a
    /// job that runs once a day is covered.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(25 * 3600);

    /// How long the history may take to find the last good snapshot.
    const READ_TIMEOUT: Duration = Duration::from_secs(5);

    /// Wraps a source whose snapshots are recorded in a history.
    pub fn new(source: S, history: impl RecordHistory) -> Self {
        Self {
            source,
            recorder: Arc::new(Recorder::new(Arc::new(history))),
            fallback: Arc::default(),
            max_age: Self::DEFAULT_MAX_AGE,
            fallback_if: ErrorPredicate::default(),
        }
    }

    /// Sets the maximum age of a snapshot that is served in place of an error; 25 hours by default. With zero, errors
    /// are always returned.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets after which errors the last good snapshot is served; by default after all except
    /// [`Unauthorized`](crate::ErrorKind::Unauthorized) and [`Forbidden`](crate::ErrorKind::Forbidden).
    ///
    /// A panic of the closure is logged and counts as `false`.
    #[must_use]
    pub fn with_fallback_if(
        mut self,
        predicate: impl Fn(&Error) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.fallback_if = ErrorPredicate::new(predicate);
        self
    }

    /// Returns the state of the recording.
    pub fn status(&self) -> RecordingStatus {
        self.recorder.status()
    }

    /// Waits until the snapshots returned so far are recorded, for an orderly shutdown.
    ///
    /// If the disk hangs, this takes up to 30 seconds for each of up to 17 snapshots.
    ///
    /// # Errors
    ///
    /// The error of the last write, if it failed.
    pub async fn flush(&self) -> Result<()> {
        self.recorder.flush().await
    }

    fn succeed(&self, snapshot: &Snapshot) {
        if self.fallback.is_serving.swap(false, Relaxed) {
            info!(organization = %self.organization(), "{} answers again", self.source);
        }
        let before = self.remember(snapshot);
        if !before.is_some_and(|before| before.is_same(snapshot)) {
            self.recorder.offer(snapshot.clone());
        }
    }

    /// Keeps a snapshot as the last good one and returns the one before.
    fn remember(&self, snapshot: &Snapshot) -> Option<Snapshot> {
        let last_good = self.fallback.last_good.lock();
        let mut last_good = last_good.unwrap_or_else(PoisonError::into_inner);
        last_good.replace(snapshot.clone())
    }

    /// Returns the last good snapshot, unless it is too old.
    async fn last_good(&self) -> Option<Snapshot> {
        let now = SystemTime::now();
        let remembered = self
            .fallback
            .last_good
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(snapshot) = remembered.filter(|snapshot| snapshot.age() <= self.max_age) {
            return Some(snapshot);
        }
        let (history, organization) = (self.recorder.history(), self.organization());
        let read = history.at(organization, now, self.max_age);
        let found = within(Self::READ_TIMEOUT, read)
            .await
            .unwrap_or_else(|error| {
                warn!(
                    %organization,
                    kind = %error.kind(),
                    error = &error as &dyn std::error::Error,
                    "cannot read {history}"
                );
                None
            });
        // A snapshot with a time in the future was recorded before the clock was set back; its age is unknown.
        let snapshot = found.filter(|snapshot| {
            snapshot.organization() == organization
                && snapshot.scraped_at() <= now
                && snapshot.age() <= self.max_age
        })?;
        self.remember(&snapshot);
        Some(snapshot)
    }

    fn log_outage(&self, error: &Error) {
        if !self.fallback.is_serving.swap(true, Relaxed) {
            warn!(
                organization = %self.organization(),
                kind = %error.kind(),
                error = error as &dyn std::error::Error,
                "{} fails, serving the last good snapshot",
                self.source
            );
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: MetricsSource> MetricsSource for Recorded<S> {
    fn organization(&self) -> &Organization {
        self.source.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let error = match self.source.scrape().await {
            Ok(snapshot) => {
                self.succeed(&snapshot);
                return Ok(snapshot);
            }
            Err(error) => error,
        };
        let is_covered = self.fallback_if.accepts(&error, self.organization());
        if self.max_age.is_zero() || !is_covered {
            return Err(error);
        }
        let snapshot = self.last_good().await.ok_or_else(|| error.clone())?;
        self.log_outage(&error);
        Ok(snapshot)
    }
}

impl<S: fmt::Debug> fmt::Debug for Recorded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded")
            .field("source", &self.source)
            .field("history", self.recorder.history())
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Display> fmt::Display for Recorded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorded({}, {})", self.recorder.history(), self.source)
    }
}
