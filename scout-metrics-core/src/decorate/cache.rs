//! The last good answer, kept and shared.
//!
//! One refresh is a *flight*: a spawned task that scrapes the source, writes the outcome into the state and gives the
//! answer to every waiting caller. The handles hold the flight, so it ends by itself however impatient the callers
//! are, and is aborted with the last handle. The task holds the state, but no handle. Locks are held for a few
//! instructions, never across an await and never while code of the caller runs.

use std::{
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    runtime::Handle,
    sync::watch,
    task::AbortHandle,
    time::{Instant, timeout},
};
use tracing::Instrument;

use crate::{
    Error, ErrorKind, MetricsSource, Organization, RefreshStatus, Result, Snapshot,
    backoff::Backoff,
    clock::ClockSteps,
    predicate::ErrorPredicate,
    refresh::{Outcome, RefreshState, Terms},
    scrape,
};

/// A source that scrapes another one at most once per time to live, however many callers it has.
///
/// # Behaviour and defaults
///
/// - A snapshot is served until its age reaches the time to live, [60 minutes](crate::DEFAULT_TIME_TO_LIVE). The next
///   scrape starts a refresh and waits for the answer. A [`Poller`](crate::Poller) refreshes ahead of its callers.
/// - A scrape that could be answered with an expired snapshot waits at most [five seconds](Self::with_max_wait) for the
///   refresh, and is then answered with that snapshot. The refresh continues.
/// - If the refresh fails, the last good snapshot is served for up to [24 hours](Self::with_max_stale) beyond its time
///   to live, and the error after that. [`Snapshot::scraped_at`] and [`status`](Self::status) show the age.
/// - If the refresh fails because access was denied ([`ErrorKind::Unauthorized`], [`ErrorKind::Forbidden`]), the
///   snapshot is forgotten and the error is served; see [`with_fallback_if`](Self::with_fallback_if).
/// - After a failure the source is not scraped for [one second, doubled with each consecutive failure up to five
///   minutes](Self::with_backoff), half of it random, and never longer than the time to live. If the server requests a
///   longer delay, it is obeyed up to [one hour](crate::MAX_RETRY_AFTER). Scrapes in between are answered at once, with
///   the stale snapshot or with the error.
/// - A source may answer with a snapshot that is already older than the time to live. It is scraped again after the
///   longest back-off, or after the time to live if that is shorter.
/// - An empty snapshot is an answer like any other. One that replaces a snapshot with streams is logged as a warning.
///
/// Time is monotonic. If the system's clock is set by more than a minute, or the machine was suspended, the snapshot
/// expires, because its age is in doubt.
///
/// # Concurrency
///
/// At most one request runs at any time. All scrapes that need a refresh share it and its answer. It runs in a task of
/// its own on the runtime of the first caller. If the source panics, all of them get an error of kind
/// [`ErrorKind::Other`]. A clone shares the snapshot and the request.
///
/// # Cancellation
///
/// A request that has started belongs to the cache: it continues even if all callers stop waiting, and its answer is kept
/// for the next scrape. Dropping the last handle aborts it.
///
/// # Order
///
/// Inside: whatever belongs to a request, such as a [timeout](crate::Timeout) of a source that may take forever.
/// Outside: whatever belongs to a caller, such as the caller's own timeout or a [fallback](crate::Fallback).
///
/// ```
/// # use std::time::Duration;
/// # use scout_metrics_core::{MemorySource, MetricsSource, MetricsSourceExt, Organization, Snapshot};
/// # fn main() -> Result<(), scout_metrics_core::Error> {
/// # let scout = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// # let slow = scout.clone();
/// const HOUR: Duration = Duration::from_secs(3600);
/// const PATIENCE: Duration = Duration::from_secs(10);
///
/// // Right: a caller waits for ten seconds. A request that needs twelve continues and answers the next caller.
/// let right = scout.cached(HOUR).timeout(PATIENCE);
///
/// // Wrong for callers with little time: each request that needs twelve seconds is given up after ten, so the cache
/// // never gets an answer.
/// let wrong = slow.timeout(PATIENCE).cached(HOUR);
/// # Ok(())
/// # }
/// ```
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use scout_metrics_core::{MemorySource, MetricsSource, MetricsSourceExt, Organization, Snapshot};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), scout_metrics_core::Error> {
/// let memory = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// let source = memory
///     .cached(Duration::from_secs(3600))
///     .with_max_stale(Duration::from_secs(6 * 3600));
///
/// let first = source.scrape().await?;
/// assert!(source.scrape().await?.is_same(&first));
/// assert!(source.status().is_fresh());
/// assert_eq!(source.to_string(), "Cached(3600s, Memory(acme))");
/// # Ok(())
/// # }
/// ```
pub struct Cached<S> {
    shared: Arc<Shared<S>>,
    flight: Arc<Mutex<Flight>>,
    terms: Terms,
    max_wait: Duration,
}

impl<S: MetricsSource> Cached<S> {
    /// Half of Prometheus' default scrape timeout of ten seconds.
    const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(5);

    /// Wraps a source, with the defaults above.
    pub fn new(source: S) -> Self {
        Self {
            shared: Arc::new(Shared {
                source,
                state: RwLock::default(),
                clock: ClockSteps::default(),
            }),
            flight: Arc::default(),
            terms: Terms::default(),
            max_wait: Self::DEFAULT_MAX_WAIT,
        }
    }

    /// Sets the age until which a snapshot is served before the source is asked again; 60 minutes by default.
    ///
    /// With zero no snapshot is kept, so none is served stale; scrapes that run at the same time still share one
    /// request. After a failure the source is then scraped again at once, unless the server requested a delay.
    #[must_use]
    pub fn with_time_to_live(mut self, time_to_live: Duration) -> Self {
        self.terms.time_to_live = time_to_live;
        self
    }

    /// Sets for how long beyond its time to live a snapshot is served while refreshes fail; 24 hours by default.
    ///
    /// With zero an error is served as soon as the snapshot has expired. The meaning is that of `stale-if-error` in
    /// RFC 5861. The time counts from when the snapshot was fetched; [`MaxAge`](crate::MaxAge) bounds the age of the
    /// data.
    #[must_use]
    pub fn with_max_stale(mut self, max_stale: Duration) -> Self {
        self.terms.max_stale = max_stale;
        self
    }

    /// Sets how long a scrape waits for a refresh before it is answered with an expired snapshot; 5 seconds by default,
    /// half of Prometheus' default scrape timeout.
    ///
    /// With zero it does not wait at all. Without a snapshot to serve, a scrape waits until the refresh ends.
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Sets the errors after which the last good snapshot is served; by default all except
    /// [`ErrorKind::Unauthorized`] and [`ErrorKind::Forbidden`].
    ///
    /// After any other error the cache forgets the snapshot. A predicate that panics counts as `false`.
    #[must_use]
    pub fn with_fallback_if(
        mut self,
        predicate: impl Fn(&Error) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.terms.fallback_if = ErrorPredicate::new(predicate);
        self
    }

    /// Sets how long the source is not scraped after the first failure, and the maximum after many consecutive ones;
    /// 1 second and 5 minutes by default.
    #[must_use]
    pub fn with_backoff(mut self, first: Duration, max: Duration) -> Self {
        self.terms.backoff = Backoff { first, max };
        self
    }

    /// Returns the state of the cache and how the last refresh ended, without waiting.
    pub fn status(&self) -> RefreshStatus {
        let is_refreshing = self.flight().join().is_some();
        let status = self.shared.read().status(Instant::now(), &self.terms);
        RefreshStatus {
            is_refreshing,
            ..status
        }
    }

    /// Returns the answer that the cache can give without scraping the source.
    fn answer(&self) -> Option<Result<Snapshot>> {
        let now = Instant::now();
        if self.shared.clock.has_stepped_by(now) {
            self.shared.write().expire();
        }
        self.shared.read().answer(now, &self.terms)
    }

    fn stale(&self) -> Option<Snapshot> {
        self.shared.read().stale(Instant::now(), &self.terms)
    }

    /// Returns the answer that the cache can give now, or the refresh to wait for.
    fn look_up(&self) -> Lookup {
        let mut flight = self.flight();
        // Before the state is read: a flight that has landed has written its outcome there.
        let running = flight.join();
        if let Some(answer) = self.answer() {
            return Lookup::Answer(answer);
        }
        if let Some(landing) = running {
            return Lookup::Join(landing);
        }
        let Ok(runtime) = Handle::try_current() else {
            return Lookup::Answer(Err(self.no_runtime()));
        };
        let (started, landing) = self.take_off(&runtime);
        *flight = started;
        Lookup::Lead(landing)
    }

    fn take_off(&self, runtime: &Handle) -> (Flight, Landing) {
        let (landed, landing) = watch::channel(None);
        let landed = Arc::new(landed);
        let weak = Arc::downgrade(&landed);
        let (shared, terms) = (Arc::clone(&self.shared), self.terms.clone());
        let refresh = async move {
            let answer = shared.refresh(&terms).await;
            landed.send_replace(Some(answer));
        };
        let task = runtime.spawn(refresh.in_current_span()).abort_handle();
        let flight = Flight {
            landed: weak,
            task: Some(task),
        };
        (flight, landing)
    }

    /// Waits for the answer of a refresh, at most for the maximum wait if there is a stale snapshot.
    ///
    /// Returns `None` if the task ended without an answer, because its runtime did.
    async fn wait(&self, landing: Landing) -> Option<Result<Snapshot>> {
        let mut landed = pin!(landed(landing));
        if self.stale().is_some() {
            if let Ok(answer) = timeout(self.max_wait, landed.as_mut()).await {
                return answer;
            }
            if let Some(stale) = self.stale() {
                return Some(Ok(stale));
            }
        }
        landed.await
    }

    fn no_runtime(&self) -> Error {
        let message = "a cached source must be scraped on a tokio runtime";
        Error::new(ErrorKind::Config, message).with_organization(self.organization())
    }

    fn cut_off(&self) -> Error {
        let message = "the refresh ended without an answer because its runtime shut down";
        Error::new(ErrorKind::Unavailable, message).with_organization(self.organization())
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: MetricsSource> MetricsSource for Cached<S> {
    fn organization(&self) -> &Organization {
        self.shared.source.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        if let Some(answer) = self.answer() {
            return answer;
        }
        loop {
            let (landing, is_own) = match self.look_up() {
                Lookup::Answer(answer) => return answer,
                Lookup::Join(landing) => (landing, false),
                Lookup::Lead(landing) => (landing, true),
            };
            if let Some(answer) = self.wait(landing).await {
                return answer;
            }
            // The runtime of another caller ended, and its flight with it. A new one starts on this runtime.
            if is_own {
                return self.stale().ok_or_else(|| self.cut_off());
            }
        }
    }
}

impl<S> Clone for Cached<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            flight: Arc::clone(&self.flight),
            terms: self.terms.clone(),
            max_wait: self.max_wait,
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("source", &self.shared.source)
            .field("time_to_live", &self.terms.time_to_live)
            .field("max_stale", &self.terms.max_stale)
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Display> fmt::Display for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = &self.shared.source;
        write!(f, "Cached({:?}, {source})", self.terms.time_to_live)
    }
}

/// The result of a look at the state by a scrape.
enum Lookup {
    Answer(Result<Snapshot>),
    Join(Landing),
    Lead(Landing),
}

/// The state that the handles share with the flight.
struct Shared<S> {
    source: S,
    state: RwLock<RefreshState>,
    clock: ClockSteps,
}

impl<S: MetricsSource> Shared<S> {
    /// Refreshes the state and returns the answer for the waiting callers.
    async fn refresh(&self, terms: &Terms) -> Result<Snapshot> {
        let organization = self.source.organization();
        let result = scrape::scrape(&self.source).await;
        let outcome = Outcome::new(result, terms, organization);
        let settled = self.write().settle(outcome, Instant::now(), terms);
        settled.log(organization);
        settled.answer
    }
}

impl<S> Shared<S> {
    fn read(&self) -> RwLockReadGuard<'_, RefreshState> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, RefreshState> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

type Landing = watch::Receiver<Option<Result<Snapshot>>>;

/// Waits for the answer; `None` if the task ended without one.
async fn landed(mut landing: Landing) -> Option<Result<Snapshot>> {
    let answer = landing.wait_for(Option::is_some).await;
    answer.ok().and_then(|answer| answer.clone())
}

/// The last refresh that was started, aborted when the last handle is dropped.
#[derive(Default)]
struct Flight {
    /// Held by the task, so that an answer is not kept after all waiting callers have received it.
    landed: Weak<watch::Sender<Option<Result<Snapshot>>>>,
    task: Option<AbortHandle>,
}

impl Flight {
    /// Returns what to wait for, if the refresh is still running.
    fn join(&self) -> Option<Landing> {
        let landed = self.landed.upgrade()?;
        let is_running = landed.borrow().is_none();
        is_running.then(|| landed.subscribe())
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        future::poll_fn,
        hash::{BuildHasher, RandomState},
        sync::Mutex,
        task::{Context, Poll, Waker},
    };

    use tokio::{
        task::{JoinSet, yield_now},
        time::{advance, sleep, timeout},
    };

    use super::*;
    use crate::{
        MemorySource, MetricsSourceExt,
        testing::{Random, Scripted, acme, down, seconds, snapshot, step_wall_clock, wall_clock},
    };

    const TTL: Duration = seconds(3600);

    impl<S: MetricsSource> Cached<S> {
        fn with_wall_clock(mut self, wall: fn() -> std::time::SystemTime) -> Self {
            let shared = Arc::get_mut(&mut self.shared).expect("it has not been cloned");
            shared.clock = ClockSteps::new(wall);
            self
        }
    }

    fn stream(answer: Result<Snapshot>) -> String {
        answer.unwrap().streams()[0].name().to_string()
    }

    /// A source that succeeds once and fails after that.
    fn fails_after_the_first(error: Error) -> Scripted {
        Scripted::new(seconds(1), move |call| match call {
            1 => Ok(snapshot("1")),
            _ => Err(error.clone()),
        })
    }

    fn spawn_callers(source: &Cached<Scripted>, n: usize) -> JoinSet<Result<Snapshot>> {
        (0..n)
            .map(|_| {
                let source = source.clone();
                async move { source.scrape().await }
            })
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn serves_the_same_snapshot_until_the_time_to_live_elapses() {
        let source = Scripted::counting(seconds(1)).cached(TTL);
        let first = source.scrape().await.unwrap();
        advance(TTL - Duration::from_nanos(1)).await;
        assert!(source.scrape().await.unwrap().is_same(&first));
        advance(Duration::from_nanos(1)).await;
        assert_eq!(stream(source.scrape().await), "2");
    }

    #[tokio::test(start_paused = true)]
    async fn the_default_time_to_live_is_an_hour() {
        let source = Cached::new(Scripted::counting(seconds(0)));
        source.scrape().await.unwrap();
        advance(seconds(59 * 60)).await;
        assert_eq!(stream(source.scrape().await), "1");
        advance(seconds(60)).await;
        assert_eq!(stream(source.scrape().await), "2");
    }

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_callers_of_an_expired_entry_make_one_request() {
        let upstream = Scripted::counting(seconds(1));
        let source = upstream.clone().cached(TTL);
        source.scrape().await.unwrap();
        advance(TTL).await;

        let answers = spawn_callers(&source, 10_000).join_all().await;
        assert_eq!(answers.len(), 10_000);
        let first = answers[0].clone().unwrap();
        assert!(
            answers
                .into_iter()
                .all(|answer| answer.unwrap().is_same(&first))
        );
        assert_eq!(upstream.calls(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn ten_thousand_callers_of_a_failing_source_make_one_request() {
        let upstream = Scripted::new(seconds(1), |_| Err(down()));
        let source = upstream.clone().cached(TTL);
        for _ in 0..2 {
            let answers = spawn_callers(&source, 10_000).join_all().await;
            assert!(answers.into_iter().all(|answer| answer.is_err()));
        }
        assert_eq!(upstream.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_is_dropped_leaves_the_request_to_its_followers() {
        let upstream = Scripted::counting(seconds(10));
        let source = upstream.clone().cached(TTL);
        let mut leader = spawn_callers(&source, 1);
        yield_now().await;
        let followers = spawn_callers(&source, 100);
        sleep(seconds(5)).await;
        leader.shutdown().await;

        for answer in followers.join_all().await {
            assert_eq!(stream(answer), "1");
        }
        assert_eq!(upstream.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn impatient_callers_of_a_slow_source_get_answers_from_the_second_minute_on() {
        for time_to_live in [TTL, seconds(60)] {
            let upstream = Scripted::counting(seconds(12));
            let source = upstream.clone().cached(time_to_live);
            let start = Instant::now();
            for call in 0..240 {
                tokio::time::sleep_until(start + call * seconds(15)).await;
                let answer = timeout(seconds(10), source.scrape()).await;
                assert!(call < 4 || answer.is_ok_and(|answer| answer.is_ok()));
            }
            assert_eq!(upstream.most_at_once(), 1);
            let hour = seconds(3600).as_secs();
            assert!(upstream.calls() as u64 <= hour / time_to_live.as_secs() + 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn callers_who_hang_up_leave_one_request_whose_answer_is_kept() {
        let upstream = Scripted::counting(seconds(10));
        let source = upstream.clone().cached(TTL);
        for _ in 0..5 {
            assert!(timeout(seconds(1), source.scrape()).await.is_err());
        }
        assert_eq!(upstream.calls(), 1);
        assert_eq!(upstream.running(), 1);
        assert!(source.status().is_refreshing());

        sleep(seconds(6)).await;
        assert!(!source.status().is_refreshing());
        let start = Instant::now();
        assert_eq!(stream(source.scrape().await), "1");
        assert_eq!(start.elapsed(), seconds(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_without_waiting_callers_starts_the_back_off() {
        let upstream = Scripted::new(seconds(10), |_| Err(down()));
        let source = upstream.clone().cached(TTL);
        assert!(timeout(seconds(1), source.scrape()).await.is_err());
        sleep(Duration::from_millis(9_100)).await;
        source.scrape().await.unwrap_err();
        assert_eq!(upstream.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_last_handle_aborts_the_request() {
        let upstream = Scripted::counting(seconds(10));
        let source = upstream.clone().cached(TTL);
        let clone = source.clone();
        assert!(timeout(seconds(1), source.scrape()).await.is_err());
        drop(source);
        yield_now().await;
        assert_eq!(upstream.running(), 1);
        drop(clone);
        yield_now().await;
        assert_eq!(upstream.running(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stale_snapshot_is_served_when_the_refresh_needs_longer_than_the_maximum_wait() {
        let upstream = Scripted::counting(seconds(12));
        let source = upstream.clone().cached(TTL);
        source.scrape().await.unwrap();
        advance(TTL).await;
        for (max_wait, waits) in [(seconds(5), seconds(5)), (Duration::ZERO, seconds(0))] {
            let source = source.clone().with_max_wait(max_wait);
            let start = Instant::now();
            assert_eq!(stream(source.scrape().await), "1");
            assert_eq!(start.elapsed(), waits);
        }
        sleep(seconds(7)).await;
        assert_eq!(stream(source.scrape().await), "2");
        assert_eq!(upstream.calls(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_scrape_waits_for_the_refresh_when_the_stale_snapshot_gets_too_old() {
        let source = Scripted::counting(seconds(12))
            .cached(TTL)
            .with_max_stale(seconds(3));
        source.scrape().await.unwrap();
        advance(TTL).await;
        assert_eq!(stream(source.scrape().await), "2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_panicking_predicate_forgets_the_snapshot_and_nothing_else() {
        let upstream = fails_after_the_first(down());
        let source = upstream
            .clone()
            .cached(TTL)
            .with_fallback_if(|_| panic!("by design"));
        source.scrape().await.unwrap();
        advance(TTL).await;
        for answer in spawn_callers(&source, 50).join_all().await {
            assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unavailable);
        }
        assert_eq!(upstream.calls(), 2);
        assert_eq!(source.status().failures(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_predicate_may_use_the_cache() {
        let own = Arc::new(Mutex::new(None::<Cached<Scripted>>));
        let seen = Arc::clone(&own);
        let source = fails_after_the_first(down())
            .cached(TTL)
            .with_fallback_if(move |_| {
                let source = seen.lock().unwrap().clone();
                source.is_some_and(|source| source.status().age().is_some())
            });
        *own.lock().unwrap() = Some(source.clone());
        source.scrape().await.unwrap();
        advance(TTL).await;
        assert_eq!(stream(source.scrape().await), "1");
        own.lock().unwrap().take();
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_of_the_clock_expires_the_snapshot() {
        for step in [108_000, -108_000] {
            let upstream = Scripted::counting(seconds(1));
            let source = upstream.clone().cached(TTL).with_wall_clock(wall_clock);
            source.scrape().await.unwrap();
            advance(seconds(10)).await;
            assert_eq!(stream(source.scrape().await), "1");
            step_wall_clock(step);
            advance(seconds(1)).await;
            assert!(source.status().is_fresh());
            assert_eq!(stream(source.scrape().await), "2");
            advance(seconds(10)).await;
            assert_eq!(stream(source.scrape().await), "2");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_replays_an_old_snapshot_is_asked_again_soon_but_not_at_once() {
        let upstream = Scripted::new(seconds(0), |call| {
            let hours_ago = std::time::SystemTime::now() - 10 * TTL;
            Ok(snapshot(&call.to_string()).with_scraped_at(hours_ago))
        });
        let source = upstream.clone().cached(TTL);
        assert_eq!(stream(source.scrape().await), "1");
        assert_eq!(source.status().age(), Some(10 * TTL));
        advance(seconds(299)).await;
        assert_eq!(stream(source.scrape().await), "1");
        advance(seconds(1)).await;
        assert_eq!(stream(source.scrape().await), "2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_gives_up_does_not_affect_others() {
        let source = Scripted::counting(seconds(10)).cached(TTL);
        let (impatient, patient) =
            tokio::join!(timeout(seconds(1), source.scrape()), source.scrape());
        assert!(impatient.is_err());
        assert_eq!(stream(patient), "1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_panics_fails_every_caller_and_can_be_asked_again() {
        let upstream = Scripted::new(seconds(1), |call| match call {
            1 => panic!("token dckr_pat_secret"),
            _ => Ok(snapshot("2")),
        });
        let source = upstream.clone().cached(TTL);
        for answer in spawn_callers(&source, 100).join_all().await {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Other);
            assert_eq!(
                error.to_string(),
                "organization `acme`: the source panicked, which is a bug in it"
            );
        }
        assert_eq!(upstream.calls(), 1);
        advance(seconds(1)).await;
        assert_eq!(stream(source.scrape().await), "2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_refresh_serves_the_last_good_snapshot_up_to_the_bound() {
        let source = fails_after_the_first(down())
            .cached(TTL)
            .with_max_stale(seconds(7200));
        let first = source.scrape().await.unwrap();
        advance(TTL).await;
        assert!(source.scrape().await.unwrap().is_same(&first));

        let status = source.status();
        assert_eq!(status.age(), Some(TTL + seconds(1)));
        assert!(!status.is_fresh());
        assert_eq!(status.failures(), 1);
        assert_eq!(status.last_error().unwrap().kind(), ErrorKind::Unavailable);

        advance(seconds(7200 - 2)).await;
        assert_eq!(
            source.scrape().await.unwrap_err().to_string(),
            "organization `acme`: down"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_bound_holds_during_the_back_off_too() {
        let source = fails_after_the_first(down())
            .cached(TTL)
            .with_max_stale(seconds(100))
            .with_backoff(seconds(3600), seconds(3600));
        source.scrape().await.unwrap();
        advance(TTL).await;
        assert!(source.scrape().await.is_ok());
        advance(seconds(98)).await;
        assert!(source.scrape().await.is_ok());
        advance(seconds(1)).await;
        assert!(source.scrape().await.is_err());
        assert!(source.status().next_in().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_after_failures_starts_afresh() {
        let source = Scripted::new(seconds(1), |call| match call {
            2..=4 => Err(down()),
            _ => Ok(snapshot(&call.to_string())),
        })
        .cached(TTL);
        source.scrape().await.unwrap();
        advance(TTL).await;
        for _ in 0..3 {
            assert_eq!(stream(source.scrape().await), "1");
            advance(seconds(300)).await;
        }
        assert_eq!(source.status().failures(), 3);
        assert_eq!(stream(source.scrape().await), "5");
        let status = source.status();
        assert!(status.is_fresh());
        assert_eq!(status.age(), Some(seconds(0)));
        assert_eq!(status.failures(), 0);
        assert!(status.last_error().is_none());
        assert!(status.next_in().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_source_is_not_served_from_memory() {
        for kind in [ErrorKind::Unauthorized, ErrorKind::Forbidden] {
            let source = Scripted::new(seconds(1), move |call| match call {
                1 => Ok(snapshot("1")),
                2 => Err(Error::new(kind, "denied")),
                _ => Err(down()),
            })
            .cached(TTL);
            source.scrape().await.unwrap();
            advance(TTL).await;
            assert_eq!(source.scrape().await.unwrap_err().kind(), kind);
            advance(seconds(60)).await;
            let later = source.scrape().await.unwrap_err();
            assert_eq!(later.kind(), ErrorKind::Unavailable, "the snapshot is back");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_served_stale_can_be_chosen() {
        let denied = Error::new(ErrorKind::Unauthorized, "denied");
        let source = fails_after_the_first(denied)
            .cached(TTL)
            .with_fallback_if(|_| true);
        source.scrape().await.unwrap();
        advance(TTL).await;
        assert_eq!(stream(source.scrape().await), "1");
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_not_hammered() {
        let upstream = fails_after_the_first(down());
        let source = upstream.clone().cached(TTL);
        source.scrape().await.unwrap();
        advance(TTL).await;
        let outage = seconds(3600);
        let start = Instant::now();
        while start.elapsed() < outage {
            assert!(source.scrape().await.is_ok());
            advance(Duration::from_millis(500)).await;
        }
        // Waits of 1, 2, 4, ... 256 s and then 300 s make 19 if none is shortened and 35 if all are halved.
        let failed = upstream.calls() - 1;
        assert!((15..=35).contains(&failed), "{failed} requests in an hour");
    }

    #[tokio::test(start_paused = true)]
    async fn waits_as_long_as_the_server_asks_up_to_an_hour() {
        for (time_to_live, asked, waits) in [(3600, 600, 600), (3, 120, 120), (3, 10_000, 3600)] {
            let error = down().with_retry_after(seconds(asked));
            let source = Scripted::new(seconds(0), move |_| Err(error.clone()))
                .cached(seconds(time_to_live));
            source.scrape().await.unwrap_err();
            assert_eq!(source.status().next_in(), Some(seconds(waits)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_time_to_live_only_callers_at_the_same_time_share() {
        let upstream = Scripted::counting(seconds(1));
        let source = upstream.clone().cached(Duration::ZERO);
        spawn_callers(&source, 100).join_all().await;
        assert_eq!(upstream.calls(), 1);
        assert_eq!(stream(source.scrape().await), "2");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_time_to_live_nothing_is_served_from_memory() {
        let source = fails_after_the_first(down()).cached(Duration::ZERO);
        source.scrape().await.unwrap();
        assert_eq!(source.status().age(), None);
        for wait in [0, 3600] {
            advance(seconds(wait)).await;
            source.scrape().await.unwrap_err();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_durations_do_not_overflow() {
        let for_ever = |source: Scripted| {
            source
                .cached(Duration::MAX)
                .with_max_stale(Duration::MAX)
                .with_backoff(Duration::MAX, Duration::MAX)
        };
        let failing = for_ever(Scripted::new(seconds(0), |_| {
            Err(down().with_retry_after(Duration::MAX))
        }));
        failing.scrape().await.unwrap_err();
        assert!(failing.status().next_in().unwrap() >= Duration::MAX / 2 - seconds(1));

        let good = for_ever(Scripted::counting(seconds(0)));
        good.scrape().await.unwrap();
        advance(seconds(1_000_000_000)).await;
        assert_eq!(good.status().age(), Some(seconds(1_000_000_000)));
        assert_eq!(stream(good.scrape().await), "1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clone_shares_the_snapshot() {
        let upstream = Scripted::counting(seconds(1));
        let source = upstream.clone().cached(TTL);
        let clone = source.clone();
        let first = source.scrape().await.unwrap();
        assert!(clone.scrape().await.unwrap().is_same(&first));
        assert_eq!(upstream.calls(), 1);
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    }

    #[test]
    fn another_runtime_takes_over_when_the_leaders_runtime_ends() {
        let source = Scripted::counting(Duration::from_millis(1)).cached(TTL);
        let doomed = runtime();
        let mut leader = source.scrape();
        doomed.block_on(async {
            poll_fn(|context| Poll::Ready(leader.as_mut().poll(context).is_pending())).await;
            yield_now().await;
        });

        let follower = {
            let source = source.clone();
            std::thread::spawn(move || runtime().block_on(source.scrape()))
        };
        let waiting = || {
            let landed = source.flight().landed.upgrade();
            landed.map_or(0, |landed| landed.receiver_count())
        };
        while waiting() < 2 && !follower.is_finished() {
            std::thread::yield_now();
        }
        drop(doomed);
        assert_eq!(stream(follower.join().unwrap()), "2");
        drop(leader);
    }

    #[test]
    fn a_runtime_that_has_shut_down_is_an_error() {
        let source = MemorySource::new(snapshot("1")).cached(TTL);
        let handle = runtime().handle().clone();
        assert_eq!(
            handle.block_on(source.scrape()).unwrap_err().to_string(),
            "organization `acme`: the refresh ended without an answer because its runtime shut down"
        );
    }

    #[test]
    fn needs_a_runtime_only_to_refresh() {
        let source = MemorySource::new(snapshot("1")).cached(TTL);
        let mut context = Context::from_waker(Waker::noop());
        let mut scrape_at_once = || match source.scrape().as_mut().poll(&mut context) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("there is nothing to wait for"),
        };
        assert_eq!(
            scrape_at_once().unwrap_err().to_string(),
            "organization `acme`: a cached source must be scraped on a tokio runtime"
        );
        runtime().block_on(source.scrape()).unwrap();
        assert_eq!(stream(scrape_at_once()), "1");
    }

    /// Callers come, wait and leave at random while the source answers, fails and panics at random.
    #[test]
    fn random_interleavings_keep_every_promise() {
        let first_seed = RandomState::new().hash_one(());
        for seed in (0..300).map(|n| first_seed.wrapping_add(n)) {
            let random = Random::new(seed);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(Simulation::new(random).run());
        }
    }

    struct Simulation {
        random: Random,
        upstream: Scripted,
        delay: Duration,
        source: Cached<Scripted>,
        /// When the source answered, by the number of the call, and whether well.
        answered: Arc<Mutex<BTreeMap<usize, (Instant, bool)>>>,
    }

    impl Simulation {
        fn new(random: Random) -> Self {
            let answered = Arc::<Mutex<BTreeMap<usize, (Instant, bool)>>>::default();
            let delay = random.millis(200);
            let upstream = {
                let (random, answered) = (random.clone(), Arc::clone(&answered));
                Scripted::new(delay, move |call| {
                    let fate = random.below(4);
                    answered
                        .lock()
                        .unwrap()
                        .insert(call, (Instant::now(), fate > 1));
                    match fate {
                        0 => panic!("by chance"),
                        1 => Err(down()),
                        _ => Ok(snapshot(&call.to_string())),
                    }
                })
            };
            let source = upstream
                .clone()
                .cached(random.millis(300))
                .with_max_stale(random.millis(300))
                .with_max_wait(random.millis(100))
                .with_backoff(random.millis(50), random.millis(500));
            Self {
                random,
                upstream,
                delay,
                source,
                answered,
            }
        }

        async fn run(self) {
            let mut callers: JoinSet<()> = (0..20).map(|_| self.caller()).collect();
            let everyone_is_answered = async {
                while let Some(caller) = callers.join_next().await {
                    caller.unwrap();
                }
            };
            timeout(seconds(3600), everyone_is_answered).await.unwrap();
            sleep(self.delay + seconds(1)).await;
            assert!(self.upstream.most_at_once() <= 1);
            assert!(!self.source.status().is_refreshing());
            self.check_that_the_source_was_not_scraped();
        }

        fn caller(&self) -> impl Future<Output = ()> + Send + use<> {
            let (random, source) = (self.random.clone(), self.source.clone());
            let answered = Arc::clone(&self.answered);
            let Terms {
                time_to_live,
                max_stale,
                ..
            } = source.terms.clone();
            async move {
                for _ in 0..10 {
                    sleep(random.millis(300)).await;
                    let patience = random.millis(400);
                    let Ok(Ok(snapshot)) = timeout(patience, source.scrape()).await else {
                        continue;
                    };
                    let call: usize = snapshot.streams()[0].name().as_str().parse().unwrap();
                    let (at, _) = answered.lock().unwrap()[&call];
                    let age = at.elapsed();
                    assert!(age.is_zero() || age < time_to_live + max_stale, "{age:?}");
                }
            }
        }

        fn check_that_the_source_was_not_scraped(&self) {
            let Terms {
                time_to_live,
                backoff,
                ..
            } = self.source.terms.clone();
            let answered = self.answered.lock().unwrap();
            for ((_, (before, was_good)), (_, (after, _))) in
                answered.iter().zip(answered.iter().skip(1))
            {
                let asked_again = (*after - self.delay).saturating_duration_since(*before);
                let least = if *was_good {
                    time_to_live
                } else {
                    time_to_live.min(backoff.first.min(backoff.max) / 2)
                };
                assert!(asked_again >= least, "{asked_again:?} < {least:?}");
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn threads_that_come_and_go_strand_no_caller() {
        let random = Random::new(RandomState::new().hash_one(()));
        let source = Scripted::counting(Duration::ZERO).cached(Duration::ZERO);
        let callers: JoinSet<usize> = (0..8)
            .map(|_| {
                let (random, source) = (random.clone(), source.clone());
                async move {
                    let mut answers = 0;
                    for _ in 0..200 {
                        let patience = Duration::from_micros(random.below(2000));
                        let answer = timeout(patience, source.scrape()).await;
                        answers += usize::from(answer.is_ok_and(|answer| answer.is_ok()));
                    }
                    answers
                }
            })
            .collect();
        let answers = timeout(seconds(60), callers.join_all()).await.unwrap();
        assert!(answers.iter().sum::<usize>() > 0);
        timeout(seconds(60), source.scrape())
            .await
            .unwrap()
            .unwrap();
    }

    #[test]
    fn shows_what_it_wraps() {
        let source = MemorySource::failing(acme(), down()).cached(TTL);
        assert_eq!(source.to_string(), "Cached(3600s, Memory(acme))");
        let source = source.with_time_to_live(Duration::from_millis(1500));
        assert_eq!(source.to_string(), "Cached(1.5s, Memory(acme))");
    }
}
