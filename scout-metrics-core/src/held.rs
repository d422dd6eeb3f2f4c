//! What a cache and a poller hold of their source: the last good snapshot and, after it, the last failure.

use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use crate::{Error, Organization, Result, Snapshot, backoff::Backoff, decorate::may_be_covered};

/// How long what is held is good for.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// Until this age a snapshot is fresh. No back-off is longer.
    pub(crate) time_to_live: Duration,
    /// For this long beyond the time to live it is served while refreshes fail.
    pub(crate) max_stale: Duration,
    /// Over which errors it is served. Any other makes it forgotten.
    pub(crate) stale_if: fn(&Error) -> bool,
    pub(crate) backoff: Backoff,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            time_to_live: DEFAULT_TIME_TO_LIVE,
            max_stale: Duration::from_secs(24 * 60 * 60),
            stale_if: may_be_covered,
            backoff: Backoff::default(),
        }
    }
}

/// How long a [`Cached`](crate::Cached) source serves a snapshot, and how long a [`Poller`](crate::Poller) waits
/// between two refreshes, unless they are told otherwise: 60 minutes.
///
/// Docker Scout's own endpoint caches for 60 minutes and Docker recommends to scrape no more often; asking sooner
/// returns the same bytes.
pub const DEFAULT_TIME_TO_LIVE: Duration = Duration::from_secs(60 * 60);

#[derive(Default)]
pub(crate) struct Held {
    entry: Option<Entry>,
    /// Set while the last refresh that ended is one that failed.
    failure: Option<Failure>,
}

struct Entry {
    snapshot: Snapshot,
    at: Instant,
}

struct Failure {
    error: Error,
    count: u32,
    at: Instant,
    delay: Duration,
}

impl Held {
    /// Returns what can be answered without asking the source: a fresh snapshot, or during a back-off a stale one or
    /// the error.
    pub(crate) fn answer(&self, now: Instant, terms: &Terms) -> Option<Result<Snapshot>> {
        if let Some(snapshot) = self.fresh(now, terms) {
            return Some(Ok(snapshot));
        }
        self.back_off(now)?;
        let error = self.last_error()?;
        Some(self.stale(now, terms).ok_or_else(|| error.clone()))
    }

    /// Returns the snapshot within its time to live.
    pub(crate) fn fresh(&self, now: Instant, terms: &Terms) -> Option<Snapshot> {
        self.younger_than(terms.time_to_live, now)
    }

    /// Returns the snapshot within the time for which it is served at all.
    pub(crate) fn stale(&self, now: Instant, terms: &Terms) -> Option<Snapshot> {
        self.younger_than(terms.time_to_live.saturating_add(terms.max_stale), now)
    }

    fn younger_than(&self, limit: Duration, now: Instant) -> Option<Snapshot> {
        let entry = self.entry.as_ref()?;
        let age = now.saturating_duration_since(entry.at);
        (age < limit).then(|| entry.snapshot.clone())
    }

    pub(crate) fn last_error(&self) -> Option<&Error> {
        self.failure.as_ref().map(|failure| &failure.error)
    }

    /// Returns what the last refresh returned, or `None` if there was none.
    pub(crate) fn outcome(&self) -> Option<Result<Snapshot>> {
        match (&self.failure, &self.entry) {
            (Some(failure), _) => Some(Err(failure.error.clone())),
            (None, Some(entry)) => Some(Ok(entry.snapshot.clone())),
            (None, None) => None,
        }
    }

    /// Returns the rest of the back-off, or `None` if there is none.
    pub(crate) fn back_off(&self, now: Instant) -> Option<Duration> {
        let failure = self.failure.as_ref()?;
        let rest = failure
            .delay
            .checked_sub(now.saturating_duration_since(failure.at));
        rest.filter(|rest| !rest.is_zero())
    }

    pub(crate) fn status(&self, now: Instant, terms: &Terms) -> RefreshStatus {
        let entry = self.entry.as_ref();
        RefreshStatus {
            age: entry.map(|entry| now.saturating_duration_since(entry.at)),
            is_fresh: self.fresh(now, terms).is_some(),
            is_refreshing: false,
            failures: self.failure.as_ref().map_or(0, |failure| failure.count),
            last_error: self.last_error().cloned(),
            next_in: self.back_off(now),
        }
    }

    /// Takes in what a refresh returned.
    ///
    /// Logs nothing, because it is called under a lock: that is for [`Settled::log`].
    pub(crate) fn settle(
        &mut self,
        result: Result<Snapshot>,
        now: Instant,
        terms: &Terms,
    ) -> Settled {
        match result {
            Ok(snapshot) => self.succeed(snapshot, now),
            Err(error) => self.fail(error, now, terms),
        }
    }

    fn succeed(&mut self, snapshot: Snapshot, now: Instant) -> Settled {
        let entry = Entry {
            snapshot: snapshot.clone(),
            at: now,
        };
        self.failure = None;
        let replaced = self.entry.replace(entry).map(|entry| entry.snapshot);
        Settled {
            answer: Ok(snapshot),
            replaced,
            failure: None,
        }
    }

    fn fail(&mut self, error: Error, now: Instant, terms: &Terms) -> Settled {
        let is_covered = (terms.stale_if)(&error);
        let forgotten = self.entry.take_if(|_| !is_covered);
        let count = self
            .failure
            .as_ref()
            .map_or(1, |failure| failure.count.saturating_add(1));
        let delay = terms.backoff.delay(count, &error);
        self.failure = Some(Failure {
            error: error.clone(),
            count,
            at: now,
            delay: delay.min(terms.time_to_live),
        });
        Settled {
            answer: self.stale(now, terms).ok_or_else(|| error.clone()),
            replaced: forgotten.map(|entry| entry.snapshot),
            failure: Some((error, count)),
        }
    }
}

/// What became of a refresh.
pub(crate) struct Settled {
    /// What is served to those who waited for it.
    pub(crate) answer: Result<Snapshot>,
    replaced: Option<Snapshot>,
    failure: Option<(Error, u32)>,
}

impl Settled {
    /// Warns of a failure, and of an answer that is empty where there was one that was not.
    pub(crate) fn log(&self, organization: &Organization) {
        if let Some((error, failures)) = &self.failure {
            warn!(
                %organization,
                kind = %error.kind(),
                failures,
                serves_stale = self.answer.is_ok(),
                error = error as &dyn std::error::Error,
                "cannot refresh the snapshot"
            );
            return;
        }
        let is_empty = self.answer.as_ref().is_ok_and(Snapshot::is_empty);
        let lost = self.replaced.as_ref().map_or(0, |old| old.streams().len());
        if is_empty && lost > 0 {
            warn!(%organization, "an empty snapshot replaces one with {lost} streams");
        }
    }
}

/// What a [`Cached`](crate::Cached) source or a [`Poller`](crate::Poller) holds, and how its last refresh ended.
#[derive(Clone, Debug)]
pub struct RefreshStatus {
    pub(crate) age: Option<Duration>,
    pub(crate) is_fresh: bool,
    pub(crate) is_refreshing: bool,
    pub(crate) failures: u32,
    pub(crate) last_error: Option<Error>,
    pub(crate) next_in: Option<Duration>,
}

impl RefreshStatus {
    /// Returns how long ago the snapshot was fetched, or `None` if there is none.
    ///
    /// A snapshot that is too old to be served is still there until a refresh succeeds.
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// Returns whether there is a snapshot within its time to live, or within the interval of the poller.
    pub fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Returns whether a refresh is running.
    pub fn is_refreshing(&self) -> bool {
        self.is_refreshing
    }

    /// Returns how many refreshes have failed since the last that succeeded.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns why the last refresh failed, or `None` if it succeeded or there was none.
    pub fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    /// Returns for how long the source is left alone: after a failure of a cache, or until the next refresh of a
    /// poller. `None` if nothing is waited for.
    pub fn next_in(&self) -> Option<Duration> {
        self.next_in
    }
}
