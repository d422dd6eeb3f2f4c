//! The last good answer, kept and shared.
//!
//! One refresh is a *flight*: a spawned task that asks the source, writes the outcome into the state and gives the
//! answer to everyone who waits. Each waiting caller holds the flight in an [`Arc`], the state holds it in a [`Weak`].
//! So a caller can leave without taking the refresh along, the last one to leave cancels it, and nothing has to be
//! tidied up by whoever started it. The lock around the state is held for a few instructions, never across an await.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{runtime::Handle, sync::watch, task::AbortHandle, time::Instant};
use tracing::Instrument;

use crate::{
    Error, ErrorKind, MetricsSource, Organization, RefreshStatus, Result, Snapshot, attempt,
    backoff::Backoff,
    held::{Held, Terms},
};

/// A source that asks another one at most once per time to live, however many ask it.
///
/// # Behaviour and defaults
///
/// - A snapshot is served for the time to live: [60 minutes](crate::DEFAULT_TIME_TO_LIVE). The first scrape after that
///   refreshes it and waits for the answer; a [`Poller`](crate::Poller) refreshes ahead of its callers.
/// - If the refresh fails, the last good snapshot is served for up to [24 hours](Self::with_max_stale) beyond its time
///   to live, and the error after that. [`Snapshot::scraped_at`] and [`status`](Self::status) tell.
/// - If the refresh fails because access was denied ([`ErrorKind::Unauthorized`], [`ErrorKind::Forbidden`]), the
///   snapshot is forgotten and the error is served; see [`with_stale_if`](Self::with_stale_if).
/// - After a failure the source is left alone for [one second, doubled with each failure in a row up to five
///   minutes](Self::with_backoff), of which half is random, or for as long as the server asked for; never for longer
///   than the time to live. Scrapes in between are answered at once, with the stale snapshot or with the error.
/// - An empty snapshot is an answer like any other. One that replaces a snapshot with streams is logged as a warning.
///
/// Time is monotonic: steps of the system's clock have no effect.
///
/// # Concurrency
///
/// Any number of scrapes of an expired snapshot share one request and its answer. It runs in a task of its own on the
/// runtime of the caller who came first. If the source panics, all of them get an error of kind [`ErrorKind::Other`].
/// A clone shares the snapshot and the request.
///
/// # Cancellation
///
/// A caller who stops waiting leaves the request to the others. When nobody waits, it is cancelled.
///
/// # Order
///
/// Outside of what belongs to a request to the source, such as a [timeout](crate::Timeout) for it; inside of what belongs
/// to a caller, such as the caller's own timeout, or a [fallback](crate::Fallback).
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
    source: Arc<S>,
    terms: Terms,
    state: Arc<RwLock<State>>,
}

impl<S: MetricsSource> Cached<S> {
    /// Wraps a source, with the defaults above.
    pub fn new(source: S) -> Self {
        Self {
            source: Arc::new(source),
            terms: Terms::default(),
            state: Arc::default(),
        }
    }

    /// Sets how long a snapshot is served before the source is asked again; 60 minutes by default.
    ///
    /// With zero nothing is kept, and scrapes that run at the same time still share one request.
    #[must_use]
    pub fn with_time_to_live(mut self, time_to_live: Duration) -> Self {
        self.terms.time_to_live = time_to_live;
        self
    }

    /// Sets for how long beyond its time to live a snapshot is served while refreshes fail; 24 hours by default.
    ///
    /// With zero an error is served as soon as the snapshot has expired. The meaning is that of `stale-if-error` in
    /// RFC 5861.
    #[must_use]
    pub fn with_max_stale(mut self, max_stale: Duration) -> Self {
        self.terms.max_stale = max_stale;
        self
    }

    /// Sets over which errors the last good snapshot is served; by default over all but [`ErrorKind::Unauthorized`]
    /// and [`ErrorKind::Forbidden`].
    ///
    /// Any other error makes the cache forget the snapshot.
    #[must_use]
    pub fn with_stale_if(mut self, is_served_over: fn(&Error) -> bool) -> Self {
        self.terms.stale_if = is_served_over;
        self
    }

    /// Sets how long the source is left alone after the first failure, and at most after many in a row; 1 second and
    /// 5 minutes by default.
    #[must_use]
    pub fn with_backoff(mut self, first: Duration, max: Duration) -> Self {
        self.terms.backoff = Backoff { first, max };
        self
    }

    /// Returns what the cache holds and how the last refresh ended, without waiting.
    pub fn status(&self) -> RefreshStatus {
        let flight = Weak::clone(&self.read().flight);
        let is_refreshing = flight.upgrade().is_some_and(|flight| flight.is_running());
        let status = self.read().held.status(Instant::now(), &self.terms);
        RefreshStatus {
            is_refreshing,
            ..status
        }
    }

    /// Returns the answer that the cache can give now, or the refresh to wait for.
    fn look_up(&self) -> Lookup {
        let now = Instant::now();
        let mut state = self.write();
        if let Some(answer) = state.held.answer(now, &self.terms) {
            return Lookup::Answer(answer);
        }
        if let Some(flight) = state.flight() {
            return Lookup::Join(flight);
        }
        let Ok(runtime) = Handle::try_current() else {
            return Lookup::Answer(Err(self.no_runtime()));
        };
        let flight = Arc::new(self.take_off(&runtime));
        state.flight = Arc::downgrade(&flight);
        Lookup::Lead(flight)
    }

    fn take_off(&self, runtime: &Handle) -> Flight {
        let (landed, answer) = watch::channel(None);
        let this = self.clone();
        let refresh = async move {
            let result = attempt::scrape(&*this.source).await;
            landed.send_replace(Some(this.settle(result)));
        };
        let task = runtime.spawn(refresh.in_current_span()).abort_handle();
        Flight { answer, task }
    }

    /// Writes the outcome of a refresh into the state and returns the answer for those who wait.
    fn settle(&self, result: Result<Snapshot>) -> Result<Snapshot> {
        let now = Instant::now();
        let settled = self.write().held.settle(result, now, &self.terms);
        settled.log(self.organization());
        settled.answer
    }

    fn no_runtime(&self) -> Error {
        let message = "a cached source has to be scraped on a tokio runtime";
        Error::new(ErrorKind::Config, message).with_organization(self.organization())
    }

    fn cut_off(&self) -> Error {
        let message = "the refresh ended without an answer, as when its runtime shuts down";
        Error::new(ErrorKind::Unavailable, message).with_organization(self.organization())
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: MetricsSource> MetricsSource for Cached<S> {
    fn organization(&self) -> &Organization {
        self.source.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let answer = self.read().held.answer(Instant::now(), &self.terms);
        if let Some(answer) = answer {
            return answer;
        }
        loop {
            let (flight, is_own) = match self.look_up() {
                Lookup::Answer(answer) => return answer,
                Lookup::Join(flight) => (flight, false),
                Lookup::Lead(flight) => (flight, true),
            };
            if let Some(answer) = flight.landed().await {
                return answer;
            }
            // Somebody else's runtime ended under the flight; one on this runtime takes its place.
            if is_own {
                return Err(self.cut_off());
            }
        }
    }
}

impl<S> Clone for Cached<S> {
    fn clone(&self) -> Self {
        Self {
            source: Arc::clone(&self.source),
            terms: self.terms,
            state: Arc::clone(&self.state),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("source", &self.source)
            .field("time_to_live", &self.terms.time_to_live)
            .field("max_stale", &self.terms.max_stale)
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Display> fmt::Display for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cached({:?}, {})", self.terms.time_to_live, self.source)
    }
}

/// What a scrape finds in the state.
enum Lookup {
    Answer(Result<Snapshot>),
    Join(Arc<Flight>),
    Lead(Arc<Flight>),
}

#[derive(Default)]
struct State {
    held: Held,
    flight: Weak<Flight>,
}

impl State {
    fn flight(&self) -> Option<Arc<Flight>> {
        self.flight.upgrade().filter(|flight| flight.is_running())
    }
}

/// One refresh on its way, cancelled when the last who waits for it has gone.
struct Flight {
    answer: watch::Receiver<Option<Result<Snapshot>>>,
    task: AbortHandle,
}

impl Flight {
    /// Waits for the answer; `None` if the task ended without one, because its runtime did.
    async fn landed(&self) -> Option<Result<Snapshot>> {
        let mut answer = self.answer.clone();
        let landed = answer.wait_for(Option::is_some).await;
        landed.ok().and_then(|answer| answer.clone())
    }

    fn is_running(&self) -> bool {
        self.answer.borrow().is_none() && self.answer.has_changed().is_ok()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.task.abort();
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
        testing::{Random, Scripted, acme, down, seconds, snapshot},
    };

    const TTL: Duration = seconds(3600);

    fn stream(answer: Result<Snapshot>) -> String {
        answer.unwrap().streams()[0].name().to_string()
    }

    /// A source that answers well once and fails after that.
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
    async fn the_request_is_cancelled_when_nobody_waits() {
        let upstream = Scripted::counting(seconds(10));
        let source = upstream.clone().cached(TTL);
        let mut callers = spawn_callers(&source, 3);
        sleep(seconds(5)).await;
        assert_eq!(upstream.running(), 1);
        assert!(source.status().is_refreshing());

        callers.shutdown().await;
        yield_now().await;
        assert_eq!(upstream.running(), 0);
        assert!(!source.status().is_refreshing());
        assert_eq!(stream(source.scrape().await), "2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_gives_up_does_so_alone() {
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
                "organization `acme`: the source panicked while it was scraped, a bug in it"
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
            .with_stale_if(|_| true);
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
    async fn waits_as_long_as_the_server_asks_and_no_longer_than_the_time_to_live() {
        for (asked, waits) in [(600, 600), (1_000_000, TTL.as_secs())] {
            let error = down().with_retry_after(seconds(asked));
            let source = Scripted::new(seconds(0), move |_| Err(error.clone())).cached(TTL);
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
        assert_eq!(failing.status().next_in(), Some(Duration::MAX));

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
        let flight = source.read().flight().unwrap();
        // Held here, by the leader and, once it has joined, by the follower.
        while Arc::strong_count(&flight) < 3 && !follower.is_finished() {
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
            "organization `acme`: the refresh ended without an answer, as when its runtime shuts down"
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
            "organization `acme`: a cached source has to be scraped on a tokio runtime"
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
            assert!(self.upstream.most_at_once() <= 1);
            assert!(!self.source.status().is_refreshing());
            self.check_that_the_source_was_left_alone();
        }

        fn caller(&self) -> impl Future<Output = ()> + Send + use<> {
            let (random, source) = (self.random.clone(), self.source.clone());
            let answered = Arc::clone(&self.answered);
            let Terms {
                time_to_live,
                max_stale,
                ..
            } = source.terms;
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

        fn check_that_the_source_was_left_alone(&self) {
            let Terms {
                time_to_live,
                backoff,
                ..
            } = self.source.terms;
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
    async fn threads_that_come_and_go_strand_nobody() {
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
