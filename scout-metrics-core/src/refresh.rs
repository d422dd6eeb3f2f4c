//! The state of a cache or a poller: the last good snapshot and the failures since.

use std::time::Duration;

use serde::{Serialize, Serializer};
use tokio::time::Instant;
use tracing::warn;

use crate::{Error, Organization, Result, Snapshot, backoff::Backoff, predicate::ErrorPredicate};

/// How long a [`Cached`](crate::Cached) source serves a snapshot, and how long a [`Poller`](crate::Poller) waits between
/// two refreshes, by default: 60 minutes.
///
/// Docker Scout's own endpoint caches for 60 minutes, and Docker recommends scraping no more often: a scrape before that
/// returns the same bytes.
pub const DEFAULT_TIME_TO_LIVE: Duration = Duration::from_secs(60 * 60);

/// The options that a cache and a poller have in common.
#[derive(Clone)]
pub(crate) struct Terms {
    /// A snapshot is fresh until it has this age.
    pub(crate) time_to_live: Duration,
    /// A snapshot is served for this much longer while refreshes fail.
    pub(crate) max_stale: Duration,
    /// Accepts the errors after which the snapshot is kept.
    pub(crate) fallback_if: ErrorPredicate,
    pub(crate) backoff: Backoff,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            time_to_live: DEFAULT_TIME_TO_LIVE,
            max_stale: Duration::from_secs(24 * 60 * 60),
            fallback_if: ErrorPredicate::default(),
            backoff: Backoff::default(),
        }
    }
}

/// The result of a refresh, and whether the snapshot is kept if it failed.
///
/// Made before the state is locked, because it calls a predicate of the caller.
pub(crate) struct Outcome {
    result: Result<Snapshot>,
    keeps_snapshot: bool,
}

impl Outcome {
    pub(crate) fn new(
        result: Result<Snapshot>,
        terms: &Terms,
        organization: &Organization,
    ) -> Self {
        let keeps_snapshot = match &result {
            Ok(_) => true,
            Err(error) => terms.fallback_if.accepts(error, organization),
        };
        Self {
            result,
            keeps_snapshot,
        }
    }
}

#[derive(Default)]
pub(crate) struct RefreshState {
    entry: Option<Entry>,
    /// Set while the last refresh that ended is one that failed.
    failure: Option<Failure>,
}

struct Entry {
    snapshot: Snapshot,
    fetched: Instant,
    /// The age of the snapshot when it was fetched, because a source may replay an old one.
    ///
    /// In whole seconds: it comes from the wall clock, and a new snapshot shall be fresh for exactly the time to live.
    age_when_fetched: Duration,
    /// How long before `fetched` this program or an earlier run of it fetched the snapshot.
    fetched_before: Duration,
    /// Set when the clock has stepped, so that the age is in doubt, and for the snapshot of an earlier run.
    is_expired: bool,
}

impl Entry {
    fn new(snapshot: Snapshot, now: Instant) -> Self {
        Self {
            age_when_fetched: Duration::from_secs(snapshot.age().as_secs()),
            snapshot,
            fetched: now,
            fetched_before: Duration::ZERO,
            is_expired: false,
        }
    }

    /// Creates an entry that is due for a refresh at once, and served until it is too old, counted from its scrape.
    fn of_earlier_run(snapshot: Snapshot, now: Instant) -> Self {
        Self {
            fetched_before: snapshot.age(),
            is_expired: true,
            ..Self::new(snapshot, now)
        }
    }

    fn since_fetched(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.fetched)
    }

    /// An old snapshot is fresh for a while too. Otherwise each scrape would ask a source that has no newer one.
    fn is_fresh(&self, now: Instant, terms: &Terms) -> bool {
        let rest = terms.time_to_live.saturating_sub(self.age_when_fetched);
        let least = terms.time_to_live.min(terms.backoff.max);
        !self.is_expired && self.since_fetched(now) < rest.max(least)
    }

    fn may_be_served(&self, now: Instant, terms: &Terms) -> bool {
        let limit = terms.time_to_live.saturating_add(terms.max_stale);
        let since_fetched = self.since_fetched(now).saturating_add(self.fetched_before);
        since_fetched < limit
    }
}

struct Failure {
    error: Error,
    count: u32,
    at: Instant,
    delay: Duration,
}

impl RefreshState {
    /// Creates the state of a poller that starts with the snapshot of an earlier run.
    pub(crate) fn of_earlier_run(snapshot: Snapshot, now: Instant) -> Self {
        Self {
            entry: Some(Entry::of_earlier_run(snapshot, now)),
            failure: None,
        }
    }

    /// Returns how long a poller waits after a success: what is left of the interval if the source replayed an old
    /// snapshot, as during an outage, but not less than the longest back-off.
    pub(crate) fn pause(&self, interval: Duration, terms: &Terms) -> Duration {
        let age = self.entry.as_ref().map(|entry| entry.age_when_fetched);
        let rest = interval.saturating_sub(age.unwrap_or_default());
        rest.max(interval.min(terms.backoff.max))
    }

    /// Returns the answer without a scrape of the source: a fresh snapshot, or during a back-off a stale one or
    /// the error.
    pub(crate) fn answer(&self, now: Instant, terms: &Terms) -> Option<Result<Snapshot>> {
        if let Some(entry) = self.fresh(now, terms) {
            return Some(Ok(entry.snapshot.clone()));
        }
        self.back_off(now)?;
        let error = self.last_error()?;
        Some(self.stale(now, terms).ok_or_else(|| error.clone()))
    }

    fn fresh(&self, now: Instant, terms: &Terms) -> Option<&Entry> {
        self.entry
            .as_ref()
            .filter(|entry| entry.is_fresh(now, terms))
    }

    /// Returns the snapshot, fresh or stale, unless it is too old to be served.
    pub(crate) fn stale(&self, now: Instant, terms: &Terms) -> Option<Snapshot> {
        let entry = self.entry.as_ref()?;
        entry
            .may_be_served(now, terms)
            .then(|| entry.snapshot.clone())
    }

    /// Makes the snapshot stale, whatever its age.
    pub(crate) fn expire(&mut self) {
        if let Some(entry) = &mut self.entry {
            entry.is_expired = true;
        }
    }

    pub(crate) fn last_error(&self) -> Option<&Error> {
        self.failure.as_ref().map(|failure| &failure.error)
    }

    /// Returns the result of the last refresh, or `None` if there was none.
    pub(crate) fn last_result(&self) -> Option<Result<Snapshot>> {
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
        let age = |entry: &Entry| {
            let since_fetched = entry.since_fetched(now);
            since_fetched.saturating_add(entry.age_when_fetched)
        };
        RefreshStatus {
            age: self.entry.as_ref().map(age),
            is_fresh: self.fresh(now, terms).is_some(),
            is_refreshing: false,
            failures: self.failure.as_ref().map_or(0, |failure| failure.count),
            last_error: self.last_error().cloned(),
            next_in: self.back_off(now),
        }
    }

    /// Stores the outcome of a refresh.
    ///
    /// Logs nothing, because the state is locked: [`Settled::log`] does.
    pub(crate) fn settle(&mut self, outcome: Outcome, now: Instant, terms: &Terms) -> Settled {
        match outcome.result {
            Ok(snapshot) => self.succeed(snapshot, now, terms),
            Err(error) => self.fail(error, outcome.keeps_snapshot, now, terms),
        }
    }

    fn succeed(&mut self, snapshot: Snapshot, now: Instant, terms: &Terms) -> Settled {
        self.failure = None;
        let replaced = self.entry.take();
        if !terms.time_to_live.is_zero() {
            self.entry = Some(Entry::new(snapshot.clone(), now));
        }
        Settled {
            answer: Ok(snapshot),
            replaced: replaced.map(|entry| entry.snapshot),
            failure: None,
        }
    }

    fn fail(&mut self, error: Error, keeps_snapshot: bool, now: Instant, terms: &Terms) -> Settled {
        let forgotten = self.entry.take_if(|_| !keeps_snapshot);
        let count = self
            .failure
            .as_ref()
            .map_or(1, |failure| failure.count.saturating_add(1));
        self.failure = Some(Failure {
            error: error.clone(),
            count,
            at: now,
            delay: terms.backoff.delay(count, &error, terms.time_to_live),
        });
        Settled {
            answer: self.stale(now, terms).ok_or_else(|| error.clone()),
            replaced: forgotten.map(|entry| entry.snapshot),
            failure: Some((error, count)),
        }
    }
}

/// The changes that a refresh made.
pub(crate) struct Settled {
    /// The answer for the waiting callers.
    pub(crate) answer: Result<Snapshot>,
    replaced: Option<Snapshot>,
    failure: Option<(Error, u32)>,
}

impl Settled {
    /// Warns of a failure, and of an empty snapshot that replaces one with streams.
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

/// The state of a [`Cached`](crate::Cached) source or a [`Poller`](crate::Poller), and how its last refresh ended.
///
/// Serializes with a field for each method, `age_seconds` and `next_in_seconds` as numbers; absent values are `null`.
#[derive(Clone, Debug, Serialize)]
pub struct RefreshStatus {
    #[serde(rename = "age_seconds", serialize_with = "seconds")]
    pub(crate) age: Option<Duration>,
    pub(crate) is_fresh: bool,
    pub(crate) is_refreshing: bool,
    pub(crate) failures: u32,
    pub(crate) last_error: Option<Error>,
    #[serde(rename = "next_in_seconds", serialize_with = "seconds")]
    pub(crate) next_in: Option<Duration>,
}

impl RefreshStatus {
    /// Returns the age of the snapshot, or `None` if there is none.
    ///
    /// A snapshot that is too old to be served is kept until a refresh succeeds.
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// Returns whether there is a snapshot that is younger than its time to live, or than the interval of the poller.
    ///
    /// A source may answer with a snapshot that is older: it counts as fresh for up to five minutes, or the longest
    /// back-off that was set.
    pub fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Returns whether a refresh is running.
    pub fn is_refreshing(&self) -> bool {
        self.is_refreshing
    }

    /// Returns how many refreshes have failed since the last one that succeeded.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns why the last refresh failed, or `None` if it succeeded or there was none.
    pub fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    /// Returns how long the source will not be scraped: the rest of the back-off of a cache, or the time until the next
    /// refresh of a poller. `None` if the source may be scraped now.
    pub fn next_in(&self) -> Option<Duration> {
        self.next_in
    }
}

fn seconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    duration
        .map(|duration| duration.as_secs_f64())
        .serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::down;

    #[test]
    fn a_status_serializes() {
        let mut status = RefreshStatus {
            age: Some(Duration::from_millis(1500)),
            is_fresh: true,
            is_refreshing: false,
            failures: 0,
            last_error: None,
            next_in: None,
        };
        assert_eq!(
            serde_json::to_string(&status).unwrap(),
            r#"{"age_seconds":1.5,"is_fresh":true,"is_refreshing":false,"failures":0,"last_error":null,"next_in_seconds":null}"#
        );
        status.last_error = Some(down());
        let json = serde_json::to_value(&status).unwrap();
        assert_eq!(json["last_error"]["kind"], "unavailable");
    }
}
