//! A source that is refreshed in the background, so that no caller waits for it.
//!
//! One task scrapes, writes the outcome into the state, and waits. The state is a watch channel: handles read it in
//! place, and both handles and the task wait in it for a state that they need. Handles hold a guard that aborts the
//! task; the task holds a guard that sets the state to stopped, however the task ends.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{Instant, timeout},
};

use crate::{
    Error, ErrorKind, MetricsSource, Organization, RefreshStatus, Result, Snapshot,
    backoff::{Backoff, jitter},
    clock::ClockSteps,
    predicate::ErrorPredicate,
    refresh::{Outcome, RefreshState, Terms},
    scrape,
    slot::Slot,
};

/// The timer's resolution. A shorter interval would keep a core busy.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// How often a waiting poller looks for a step of the clock: timers do not run during a suspend, so none ends with it.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// A handle to a task that scrapes a source at an interval and keeps the last good snapshot.
///
/// # Behaviour and defaults
///
/// - The first scrape starts at once, each further one [60 minutes](crate::DEFAULT_TIME_TO_LIVE) after the end of the
///   last, and [up to a twentieth](PollerBuilder::with_jitter) of that later, at random.
/// - After a failure the source is scraped again after [one second, doubled with each consecutive failure up to five
///   minutes](PollerBuilder::with_backoff), half of it random, and never longer than the interval. If the server requests
///   a longer delay, it is obeyed up to [one hour](crate::MAX_RETRY_AFTER).
/// - A source may answer with an old snapshot, such as [`Recorded`](crate::Recorded) during an outage. It is scraped again
///   when that snapshot is as old as the interval, but not before the longest back-off.
/// - While refreshes fail, the last good snapshot is served for up to [24 hours](PollerBuilder::with_max_stale) beyond
///   the interval. After [`ErrorKind::Unauthorized`] or [`ErrorKind::Forbidden`] it is forgotten; see
///   [`PollerBuilder::with_fallback_if`].
/// - If the system's clock is set by more than a minute, or the machine was suspended, the source is scraped within ten
///   seconds, unless the last refresh failed.
/// - An empty snapshot is an answer like any other. One that replaces a snapshot with streams is logged as a warning.
///
/// As a [`MetricsSource`] it answers at once, with the snapshot or with the error of the last refresh. If there is
/// neither, because the first refresh is running, a scrape waits for it.
///
/// # Concurrency
///
/// One scrape of the source runs at a time. Handles are cheap to clone and share everything.
///
/// # Cancellation
///
/// Dropping a scrape or [`refresh_now`](Self::refresh_now) leaves the refresh running. Dropping the last handle stops
/// the task and drops its scrape; [`shutdown`](Self::shutdown) does the same and waits until the task has ended.
///
/// # Order
///
/// Outside of everything that belongs to a request. Do not put a [cache](crate::Cached) inside: it would answer some
/// refreshes with a snapshot nearly as old as the interval, and the poller is a cache already. A bound for a caller, such
/// as a [timeout](crate::Timeout), goes outside: inside, it aborts each refresh of a source that needs longer.
///
/// # Example
///
/// ```
/// use std::time::Duration;
///
/// use scout_metrics_core::{MemorySource, MetricsSource, Organization, Poller, Snapshot, Stream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), scout_metrics_core::Error> {
/// let acme = Organization::new("acme")?;
/// let memory = MemorySource::new(Snapshot::new(acme, [Stream::new("production")])?);
/// let poller = Poller::builder(memory).with_interval(Duration::from_secs(3600)).spawn();
///
/// assert_eq!(poller.scrape().await?.streams().len(), 1);
/// assert!(poller.current().is_some());
/// poller.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Poller {
    shared: Arc<Shared>,
    task: Arc<AbortOnDrop>,
}

impl Poller {
    /// Returns a builder for a poller of this source.
    pub fn builder(source: impl MetricsSource) -> PollerBuilder {
        PollerBuilder {
            source: Arc::new(source),
            jitter: None,
            terms: Terms::default(),
            clock: ClockSteps::default(),
            initial: None,
            part: None,
        }
    }

    /// Returns the last good snapshot without waiting, or `None` if there is none or it is too old to be served.
    pub fn current(&self) -> Option<Snapshot> {
        let state = self.shared.state.borrow();
        state.refresh.stale(Instant::now(), &self.shared.terms)
    }

    /// Returns the state of the poller and how the last refresh ended, without waiting.
    pub fn status(&self) -> RefreshStatus {
        let now = Instant::now();
        let state = self.shared.state.borrow();
        RefreshStatus {
            is_refreshing: state.phase == Phase::Refreshing,
            next_in: state.phase.rest(now),
            ..state.refresh.status(now, &self.shared.terms)
        }
    }

    /// Refreshes without waiting for the interval to end, and returns the answer of the source.
    ///
    /// If a refresh is already running, its answer is returned. The next interval begins when the refresh ends.
    ///
    /// # Errors
    ///
    /// The error of the source, even if a scrape would return the last good snapshot; [`ErrorKind::Unavailable`] if the
    /// poller has been shut down.
    pub async fn refresh_now(&self) -> Result<Snapshot> {
        let mut updates = self.updates();
        self.shared.state.send_if_modified(|state| {
            let is_waiting = matches!(state.phase, Phase::Waiting { .. });
            if is_waiting {
                state.phase = Phase::Refreshing;
            }
            is_waiting
        });
        let outcome = updates.next().await;
        outcome.unwrap_or_else(|| Err(self.shared.stopped()))
    }

    /// Returns a receiver of the outcomes of all refreshes that end from now on.
    pub fn updates(&self) -> Updates {
        let states = self.shared.state.subscribe();
        let seen = states.borrow().refreshes;
        Updates { states, seen }
    }

    /// Stops the task and waits until it has ended and its scrape has been dropped.
    ///
    /// The last good snapshot is still served until it is too old.
    pub async fn shutdown(&self) {
        self.task.0.abort();
        let mut states = self.shared.state.subscribe();
        let stopped = states.wait_for(|state| state.phase == Phase::Stopped).await;
        debug_assert!(stopped.is_ok(), "this handle holds the sender");
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MetricsSource for Poller {
    fn organization(&self) -> &Organization {
        self.shared.source.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        if let Some(answer) = self.shared.answer(&self.shared.state.borrow()) {
            return answer;
        }
        let mut states = self.shared.state.subscribe();
        let mut answer = None;
        let answered = states.wait_for(|state| {
            answer = self.shared.answer(state);
            answer.is_some()
        });
        let is_answered = answered.await.is_ok();
        debug_assert!(is_answered, "this handle holds the sender");
        answer.unwrap_or_else(|| Err(self.shared.stopped()))
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller")
            .field("source", &self.shared.source)
            .field("interval", &self.shared.interval)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared {
            source, interval, ..
        } = &*self.shared;
        write!(f, "Poller({interval:?}, {source})")
    }
}

/// The options of a [`Poller`], all of which have defaults.
#[must_use = "a poller does nothing until it is spawned"]
pub struct PollerBuilder {
    source: Arc<dyn MetricsSource>,
    jitter: Option<Duration>,
    terms: Terms,
    clock: ClockSteps,
    initial: Option<Snapshot>,
    part: Option<f64>,
}

impl PollerBuilder {
    /// Starts with a snapshot of an earlier run, such as the [latest](crate::HistoryExt::latest) of a history.
    ///
    /// It is served while the first refresh runs, and after failures like a snapshot of this poller, but
    /// [`with_max_stale`](Self::with_max_stale) counts from its [`scraped_at`](Snapshot::scraped_at). A snapshot of
    /// another organization, or with a time in the future, is ignored: its age is unknown.
    ///
    /// ```
    /// use scout_metrics_core::{
    ///     Error, ErrorKind, HistoryExt, MemoryHistory, MemorySource, MetricsSource, Organization, Poller, RecordHistory,
    ///     Snapshot,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// let acme = Organization::new("acme")?;
    /// let history = MemoryHistory::new();
    /// history.record(&Snapshot::new(acme.clone(), [])?).await?;
    ///
    /// let down = MemorySource::new(Snapshot::new(acme.clone(), [])?);
    /// down.set(Err(Error::new(ErrorKind::Unavailable, "down")));
    /// let mut poller = Poller::builder(down);
    /// if let Some(latest) = history.latest(&acme).await? {
    ///     poller = poller.with_initial(latest);
    /// }
    /// assert!(poller.spawn().scrape().await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_initial(mut self, snapshot: Snapshot) -> Self {
        let is_usable = snapshot.organization() == self.source.organization()
            && snapshot.scraped_at() <= SystemTime::now();
        self.initial = is_usable.then_some(snapshot);
        self
    }

    /// Sets how long to wait between two refreshes; 60 minutes by default, at least one millisecond.
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.terms.time_to_live = interval.max(SHORTEST_INTERVAL);
        self
    }

    /// Sets the maximum random time that is added to each interval, so that processes that were started together do not
    /// refresh together; a twentieth of the interval by default.
    pub fn with_jitter(mut self, jitter: Duration) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// Sets for how long beyond the interval the last good snapshot is served while refreshes fail; 24 hours by
    /// default.
    ///
    /// The time counts from when the snapshot was fetched; [`MaxAge`](crate::MaxAge) bounds the age of the data.
    pub fn with_max_stale(mut self, max_stale: Duration) -> Self {
        self.terms.max_stale = max_stale;
        self
    }

    /// Sets the errors after which the last good snapshot is served; by default all except
    /// [`ErrorKind::Unauthorized`] and [`ErrorKind::Forbidden`].
    ///
    /// After any other error the poller forgets the snapshot. A predicate that panics counts as `false`.
    pub fn with_fallback_if(
        mut self,
        predicate: impl Fn(&Error) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.terms.fallback_if = ErrorPredicate::new(predicate);
        self
    }

    /// Sets how long to wait after the first failure, and the maximum after many consecutive ones; 1 second and 5 minutes
    /// by default.
    pub fn with_backoff(mut self, first: Duration, max: Duration) -> Self {
        self.terms.backoff = Backoff { first, max };
        self
    }

    /// Sets after which part of an interval the poller is due, now and in each interval to come.
    pub(crate) fn with_slot(mut self, part: f64) -> Self {
        self.part = Some(part);
        self
    }

    /// Starts a task, which starts the first refresh, and returns a handle to it.
    ///
    /// # Panics
    ///
    /// If it is not called on a tokio runtime.
    pub fn spawn(self) -> Poller {
        let interval = self.terms.time_to_live;
        let jitter = self.jitter.unwrap_or(interval / 20);
        let now = Instant::now();
        let refresh = self
            .initial
            .map(|snapshot| RefreshState::of_earlier_run(snapshot, now));
        let shared = Arc::new(Shared {
            source: self.source,
            interval,
            jitter,
            slot: self.part.and_then(|part| Slot::after(part, interval, now)),
            terms: Terms {
                time_to_live: interval.saturating_add(jitter),
                ..self.terms
            },
            state: watch::Sender::new(State {
                refresh: refresh.unwrap_or_default(),
                ..State::default()
            }),
            clock: self.clock,
        });
        let task = StopOnDrop(Arc::clone(&shared));
        let task = tokio::spawn(async move { task.0.run().await });
        Poller {
            shared,
            task: Arc::new(AbortOnDrop(task.abort_handle())),
        }
    }
}

impl fmt::Debug for PollerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollerBuilder")
            .field("source", &self.source)
            .field("interval", &self.terms.time_to_live)
            .finish_non_exhaustive()
    }
}

/// Receives the outcomes of a poller's refreshes.
///
/// A slow receiver skips outcomes but always gets the latest. It does not keep the poller running, which stops when its
/// last handle is dropped.
///
/// ```
/// use scout_metrics_core::{MemorySource, Organization, Poller, Snapshot};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), scout_metrics_core::Error> {
/// let memory = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// let poller = Poller::builder(memory).spawn();
/// let mut updates = poller.updates();
///
/// assert!(updates.next().await.expect("the poller runs")?.is_empty());
/// drop(poller);
/// assert!(updates.next().await.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Updates {
    states: watch::Receiver<State>,
    seen: u64,
}

impl Updates {
    /// Waits for the next refresh to end and returns its outcome, or `None` once the poller has stopped.
    ///
    /// If several have ended since the last call, it returns the latest outcome. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Snapshot>> {
        let seen = self.seen;
        let news = self
            .states
            .wait_for(|state| state.refreshes > seen || state.phase == Phase::Stopped);
        let state = news.await.ok()?;
        if state.refreshes == seen {
            return None;
        }
        self.seen = state.refreshes;
        state.refresh.last_result()
    }
}

impl fmt::Debug for Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

struct Shared {
    source: Arc<dyn MetricsSource>,
    interval: Duration,
    jitter: Duration,
    slot: Option<Slot>,
    /// The time to live is the longest time between two refreshes.
    terms: Terms,
    state: watch::Sender<State>,
    clock: ClockSteps,
}

#[derive(Default)]
struct State {
    refresh: RefreshState,
    /// How many refreshes have ended.
    refreshes: u64,
    phase: Phase,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Phase {
    /// A refresh is running or has been requested.
    #[default]
    Refreshing,
    Waiting {
        since: Instant,
        delay: Duration,
    },
    Stopped,
}

impl Phase {
    /// Returns the rest of the wait, or `None` if the poller does not wait.
    fn rest(self, now: Instant) -> Option<Duration> {
        match self {
            Self::Waiting { since, delay } => {
                Some(delay.saturating_sub(now.saturating_duration_since(since)))
            }
            Self::Refreshing | Self::Stopped => None,
        }
    }
}

impl Shared {
    /// The task.
    async fn run(&self) {
        let mut states = self.state.subscribe();
        loop {
            self.state.send_if_modified(|state| {
                state.phase = Phase::Refreshing;
                false
            });
            let result = scrape::scrape(&*self.source).await;
            let delay = self.settle(result);
            self.wait(delay, &mut states).await;
        }
    }

    /// Waits until a refresh is due, because the delay has elapsed, a handle requests one or the clock has stepped.
    async fn wait(&self, delay: Duration, states: &mut watch::Receiver<State>) {
        let since = Instant::now();
        loop {
            let rest = delay.saturating_sub(since.elapsed());
            if rest.is_zero() {
                return;
            }
            let requested = states.wait_for(|state| state.phase == Phase::Refreshing);
            let is_requested = timeout(rest.min(CLOCK_CHECK_INTERVAL), requested)
                .await
                .is_ok();
            if is_requested || self.has_stepped_after_a_success() {
                return;
            }
        }
    }

    /// During a back-off the source is not scraped: its server may have requested that.
    fn has_stepped_after_a_success(&self) -> bool {
        self.clock.has_stepped() && self.state.borrow().refresh.last_error().is_none()
    }

    /// Writes the outcome of a refresh into the state and returns how long to wait for the next.
    fn settle(&self, result: Result<Snapshot>) -> Duration {
        let outcome = Outcome::new(result, &self.terms, self.source.organization());
        let now = Instant::now();
        let jitter = jitter(self.jitter);
        let mut settled = None;
        let mut delay = self.interval;
        self.state.send_modify(|state| {
            settled = Some(state.refresh.settle(outcome, now, &self.terms));
            delay = state.refresh.back_off(now).unwrap_or_else(|| {
                let pause = state.refresh.pause(self.interval, &self.terms);
                // A much shorter pause is for an old snapshot.
                let is_new = self.interval - pause.min(self.interval) <= self.interval / 20;
                let slot = self.slot.filter(|_| is_new);
                let pause = slot.map_or(pause, |slot| slot.wait(now));
                pause.saturating_add(jitter)
            });
            state.refreshes += 1;
            state.phase = Phase::Waiting { since: now, delay };
        });
        if let Some(settled) = settled {
            settled.log(self.source.organization());
        }
        delay
    }

    /// Returns the answer of a scrape, or `None` if it must wait.
    fn answer(&self, state: &State) -> Option<Result<Snapshot>> {
        if let Some(snapshot) = state.refresh.stale(Instant::now(), &self.terms) {
            return Some(Ok(snapshot));
        }
        if let Some(error) = state.refresh.last_error() {
            return Some(Err(error.clone()));
        }
        (state.phase == Phase::Stopped).then(|| Err(self.stopped()))
    }

    fn stopped(&self) -> Error {
        Error::new(ErrorKind::Unavailable, "the poller has been shut down")
            .with_organization(self.source.organization())
    }
}

/// Held by the handles.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Held by the task.
struct StopOnDrop(Arc<Shared>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0
            .state
            .send_modify(|state| state.phase = Phase::Stopped);
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        task::{JoinSet, yield_now},
        time::{advance, sleep},
    };

    use super::*;
    use crate::{
        MemorySource, MetricsSourceExt,
        testing::{Scripted, acme, down, seconds, snapshot, step_wall_clock, wall_clock},
    };

    const HOUR: Duration = seconds(3600);

    fn stream(answer: Result<Snapshot>) -> String {
        answer.unwrap().streams()[0].name().to_string()
    }

    fn steady(source: Scripted) -> PollerBuilder {
        Poller::builder(source).with_jitter(Duration::ZERO)
    }

    /// A source that fails in these calls.
    fn failing_in(calls: std::ops::RangeInclusive<usize>, error: Error) -> Scripted {
        Scripted::new(seconds(1), move |call| {
            if calls.contains(&call) {
                return Err(error.clone());
            }
            Ok(snapshot(&call.to_string()))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_refresh_is_immediate_and_the_others_come_hourly() {
        let upstream = Scripted::counting(seconds(1));
        let poller = steady(upstream.clone()).spawn();
        assert!(poller.current().is_none());
        assert!(poller.status().is_refreshing());
        assert_eq!(stream(poller.scrape().await), "1");
        assert_eq!(poller.status().next_in(), Some(HOUR));

        sleep(HOUR + Duration::from_millis(500)).await;
        assert_eq!(upstream.calls(), 2);
        // While the second runs, the first is served.
        assert_eq!(stream(poller.scrape().await), "1");
        sleep(seconds(2)).await;
        assert_eq!(stream(poller.scrape().await), "2");
        sleep(24 * HOUR).await;
        assert_eq!(upstream.calls(), 2 + 23);
    }

    /// A snapshot of an earlier run.
    fn earlier(age: Duration) -> Snapshot {
        snapshot("earlier").with_scraped_at(SystemTime::now() - age)
    }

    #[tokio::test(start_paused = true)]
    async fn starts_with_the_snapshot_of_an_earlier_run_and_refreshes_at_once() {
        let upstream = Scripted::counting(seconds(1));
        let poller = steady(upstream.clone())
            .with_initial(earlier(HOUR / 2))
            .spawn();
        assert_eq!(stream(poller.scrape().await), "earlier");
        assert!(!poller.status().is_fresh());
        assert_eq!(poller.status().age(), Some(HOUR / 2));
        sleep(seconds(2)).await;
        assert_eq!(stream(poller.scrape().await), "1");
        assert_eq!(upstream.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_snapshot_of_an_earlier_run_is_served_no_longer_than_any_other() {
        let upstream = failing_in(1..=usize::MAX, down());
        let poller = steady(upstream.clone())
            .with_initial(earlier(23 * HOUR))
            .spawn();
        sleep(2 * HOUR - seconds(2)).await;
        assert_eq!(stream(poller.scrape().await), "earlier");
        assert_eq!(poller.status().age(), Some(25 * HOUR - seconds(2)));
        sleep(seconds(4)).await;
        poller.scrape().await.unwrap_err();

        let too_old = steady(upstream).with_initial(earlier(26 * HOUR)).spawn();
        assert!(too_old.current().is_none());
        too_old.scrape().await.unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn a_snapshot_of_another_organization_or_of_the_future_is_not_served() {
        let other = Snapshot::new(Organization::new("other").unwrap(), []).unwrap();
        let future = snapshot("future").with_scraped_at(SystemTime::now() + HOUR);
        for snapshot in [other, future] {
            let poller = steady(Scripted::counting(seconds(1)))
                .with_initial(snapshot)
                .spawn();
            assert!(poller.current().is_none());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_forgets_the_snapshot_of_an_earlier_run() {
        let refused = Error::new(ErrorKind::Unauthorized, "refused");
        let upstream = failing_in(1..=usize::MAX, refused);
        let poller = steady(upstream).with_initial(earlier(HOUR)).spawn();
        sleep(seconds(2)).await;
        assert_eq!(
            poller.scrape().await.unwrap_err().kind(),
            ErrorKind::Unauthorized
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_interval_is_longer_by_a_random_twentieth_at_most() {
        let mut delays = Vec::new();
        for _ in 0..20 {
            let poller = Poller::builder(Scripted::counting(seconds(0))).spawn();
            poller.scrape().await.unwrap();
            delays.extend(poller.status().next_in());
        }
        assert!(
            delays
                .iter()
                .all(|&delay| delay >= HOUR && delay <= HOUR + HOUR / 20)
        );
        delays.dedup();
        assert!(delays.len() > 1, "{delays:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_refresh_serves_the_last_good_snapshot_and_is_tried_again_soon() {
        let upstream = failing_in(2..=3, down());
        let poller = steady(upstream.clone()).spawn();
        poller.scrape().await.unwrap();
        sleep(HOUR + seconds(1)).await;
        yield_now().await;
        assert_eq!(stream(poller.scrape().await), "1");
        let status = poller.status();
        assert_eq!(status.failures(), 1);
        assert_eq!(
            status.last_error().unwrap().to_string(),
            "organization `acme`: down"
        );
        assert_eq!(status.age(), Some(HOUR + seconds(1)));
        assert!(status.next_in().unwrap() <= seconds(1));

        sleep(seconds(10)).await;
        assert_eq!(stream(poller.scrape().await), "4");
        let status = poller.status();
        assert_eq!(status.failures(), 0);
        assert!(status.is_fresh());
        assert!(status.last_error().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_answer_does_not_delay_the_next_refresh_by_a_whole_interval() {
        for (age, pause) in [(0, 3600), (1800, 1800), (86_400, 300)] {
            let upstream = Scripted::new(seconds(0), move |_| {
                let time = std::time::SystemTime::now() - seconds(age);
                Ok(snapshot("old").with_scraped_at(time))
            });
            let poller = steady(upstream).spawn();
            poller.scrape().await.unwrap();
            assert_eq!(poller.status().next_in(), Some(seconds(pause)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_snapshot_the_error_is_served_at_once() {
        let poller = steady(failing_in(1..=100, down())).spawn();
        let first = poller.scrape().await.unwrap_err();
        assert_eq!(first.kind(), ErrorKind::Unavailable);
        let start = Instant::now();
        poller.scrape().await.unwrap_err();
        assert_eq!(start.elapsed(), seconds(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_snapshot_is_served_up_to_the_bound() {
        let poller = steady(failing_in(2..=1000, down()))
            .with_max_stale(seconds(100))
            .spawn();
        poller.scrape().await.unwrap();
        sleep(HOUR + seconds(99)).await;
        assert!(poller.scrape().await.is_ok());
        sleep(seconds(1)).await;
        assert!(poller.scrape().await.is_err());
        assert!(poller.current().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn without_staleness_a_scrape_waits_for_the_refresh() {
        let poller = steady(Scripted::counting(seconds(1)))
            .with_max_stale(Duration::ZERO)
            .spawn();
        poller.scrape().await.unwrap();
        sleep(HOUR).await;
        assert_eq!(stream(poller.scrape().await), "2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_snapshot_does_not_expire_before_its_refresh_is_due() {
        let poller = Poller::builder(Scripted::counting(seconds(1)))
            .with_max_stale(Duration::ZERO)
            .with_jitter(10 * HOUR)
            .spawn();
        poller.scrape().await.unwrap();
        let due = poller.status().next_in().unwrap();
        sleep(due - Duration::from_millis(1)).await;
        assert!(poller.current().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_source_is_not_served_from_memory() {
        let denied = Error::new(ErrorKind::Unauthorized, "denied");
        let poller = steady(failing_in(2..=2, denied)).spawn();
        poller.scrape().await.unwrap();
        let error = poller.refresh_now().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(poller.current().is_none());
        assert!(poller.scrape().await.is_err());
        sleep(seconds(5)).await;
        assert_eq!(stream(poller.scrape().await), "3");
    }

    #[tokio::test(start_paused = true)]
    async fn refresh_now_asks_the_source_and_restarts_the_interval() {
        let upstream = Scripted::counting(seconds(1));
        let poller = steady(upstream.clone()).spawn();
        poller.scrape().await.unwrap();
        sleep(HOUR / 2).await;
        let start = Instant::now();
        assert_eq!(stream(poller.refresh_now().await), "2");
        assert_eq!(start.elapsed(), seconds(1));
        assert_eq!(poller.status().next_in(), Some(HOUR));
        assert_eq!(stream(poller.refresh_now().await), "3");
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_to_refresh_share_one_request() {
        let upstream = Scripted::counting(seconds(1));
        let poller = steady(upstream.clone()).spawn();
        for expected in ["1", "2"] {
            let asking: JoinSet<_> = (0..1000)
                .map(|_| {
                    let poller = poller.clone();
                    async move { poller.refresh_now().await }
                })
                .collect();
            for answer in asking.join_all().await {
                assert_eq!(stream(answer), expected);
            }
        }
        assert_eq!(upstream.calls(), 2);
        assert_eq!(poller.status().next_in(), Some(HOUR));
    }

    #[tokio::test(start_paused = true)]
    async fn refresh_now_returns_the_error_that_a_scrape_covers() {
        let poller = steady(failing_in(2..=2, down())).spawn();
        poller.scrape().await.unwrap();
        assert!(poller.refresh_now().await.is_err());
        assert_eq!(stream(poller.scrape().await), "1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_stops_waiting_leaves_the_refresh_running() {
        let poller = steady(Scripted::counting(seconds(10))).spawn();
        assert!(timeout(seconds(1), poller.scrape()).await.is_err());
        assert!(timeout(seconds(1), poller.refresh_now()).await.is_err());
        sleep(seconds(9)).await;
        assert_eq!(stream(Ok(poller.current().unwrap())), "1");
    }

    #[tokio::test(start_paused = true)]
    async fn updates_return_every_outcome() {
        let poller = steady(failing_in(2..=2, down())).spawn();
        let mut updates = poller.updates();
        assert_eq!(stream(updates.next().await.unwrap()), "1");
        assert!(updates.next().await.unwrap().is_err());
        assert_eq!(stream(updates.next().await.unwrap()), "3");

        sleep(3 * HOUR).await;
        assert_eq!(stream(updates.next().await.unwrap()), "5");
        let mut late = poller.updates();
        assert_eq!(stream(late.next().await.unwrap()), "6");
        drop(poller);
        assert!(late.next().await.is_none());
        assert_eq!(stream(updates.next().await.unwrap()), "6");
        assert!(updates.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_panics_is_asked_again() {
        let upstream = Scripted::new(seconds(1), |call| match call {
            1 => panic!("by design"),
            _ => Ok(snapshot("2")),
        });
        let poller = steady(upstream).spawn();
        assert_eq!(poller.scrape().await.unwrap_err().kind(), ErrorKind::Other);
        sleep(seconds(5)).await;
        assert_eq!(stream(poller.scrape().await), "2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_predicate_that_panics_does_not_stop_the_poller() {
        let poller = steady(failing_in(2..=2, down()))
            .with_fallback_if(|_| panic!("by design"))
            .spawn();
        poller.scrape().await.unwrap();
        assert!(poller.refresh_now().await.is_err());
        assert!(poller.current().is_none());
        sleep(seconds(5)).await;
        assert_eq!(stream(poller.scrape().await), "3");
    }

    #[tokio::test(start_paused = true)]
    async fn an_observer_that_panics_does_not_stop_the_poller() {
        let source = Scripted::counting(seconds(1)).observed(|_| panic!("by design"));
        let poller = Poller::builder(source).spawn();
        assert_eq!(stream(poller.scrape().await), "1");
        assert_eq!(stream(poller.refresh_now().await), "2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_of_the_clock_leads_to_a_refresh() {
        let mut builder = steady(Scripted::counting(seconds(1)));
        builder.clock = ClockSteps::new(wall_clock);
        let poller = builder.spawn();
        poller.scrape().await.unwrap();
        sleep(seconds(100)).await;
        assert_eq!(stream(poller.scrape().await), "1");
        for (step, expected) in [(108_000, "2"), (-108_000, "3")] {
            step_wall_clock(step);
            sleep(seconds(12)).await;
            assert_eq!(stream(poller.scrape().await), expected);
            sleep(seconds(100)).await;
            assert_eq!(stream(poller.scrape().await), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_of_the_clock_does_not_end_a_back_off() {
        let error = down().with_retry_after(seconds(120));
        let upstream = failing_in(1..=100, error);
        let mut builder = steady(upstream.clone());
        builder.clock = ClockSteps::new(wall_clock);
        let poller = builder.spawn();
        poller.scrape().await.unwrap_err();
        step_wall_clock(108_000);
        sleep(seconds(110)).await;
        assert_eq!(upstream.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_as_long_as_the_server_asks_even_beyond_the_interval() {
        let upstream = failing_in(1..=100, down().with_retry_after(seconds(120)));
        let poller = steady(upstream.clone()).with_interval(seconds(3)).spawn();
        poller.scrape().await.unwrap_err();
        assert_eq!(poller.status().next_in(), Some(seconds(120)));
        sleep(seconds(119)).await;
        assert_eq!(upstream.calls(), 1);
        sleep(seconds(2)).await;
        assert_eq!(upstream.calls(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_last_handle_stops_the_task() {
        let upstream = Scripted::counting(seconds(10));
        let poller = steady(upstream.clone()).spawn();
        let clone = poller.clone();
        sleep(seconds(1)).await;
        drop(poller);
        yield_now().await;
        assert_eq!(upstream.running(), 1);
        drop(clone);
        yield_now().await;
        assert_eq!(upstream.running(), 0);
        advance(24 * HOUR).await;
        assert_eq!(upstream.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_waits_for_the_task_and_the_snapshot_stays() {
        let upstream = Scripted::counting(seconds(10));
        let poller = steady(upstream.clone()).spawn();
        poller.scrape().await.unwrap();
        sleep(HOUR + seconds(1)).await;
        assert_eq!(upstream.running(), 1);
        let waiting = {
            let poller = poller.clone();
            tokio::spawn(async move { poller.refresh_now().await })
        };
        yield_now().await;
        for _ in 0..2 {
            poller.shutdown().await;
            assert_eq!(upstream.running(), 0);
        }
        assert_eq!(stream(poller.scrape().await), "1");
        assert!(!poller.status().is_refreshing());
        let stopped = "organization `acme`: the poller has been shut down";
        assert_eq!(waiting.await.unwrap().unwrap_err().to_string(), stopped);
        assert_eq!(poller.refresh_now().await.unwrap_err().to_string(), stopped);
        sleep(48 * HOUR).await;
        assert_eq!(poller.scrape().await.unwrap_err().to_string(), stopped);
    }

    #[test]
    fn a_poller_outlives_its_runtime_without_hanging() {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap()
        };
        let first = runtime();
        let poller = first.block_on(async { steady(Scripted::counting(HOUR)).spawn() });
        drop(first);
        runtime().block_on(async {
            let error = poller.scrape().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            poller.refresh_now().await.unwrap_err();
            poller.shutdown().await;
        });
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_and_shortest_durations_do_no_harm() {
        let poller = Poller::builder(failing_in(2..=2, down().with_retry_after(Duration::MAX)))
            .with_interval(Duration::MAX)
            .with_jitter(Duration::MAX)
            .with_max_stale(Duration::MAX)
            .with_backoff(Duration::MAX, Duration::MAX)
            .spawn();
        poller.scrape().await.unwrap();
        poller.refresh_now().await.unwrap_err();
        assert!(poller.status().next_in().unwrap() >= Duration::MAX / 2 - seconds(1));
        assert_eq!(stream(poller.refresh_now().await), "3");

        let upstream = Scripted::counting(Duration::ZERO);
        let poller = steady(upstream.clone())
            .with_interval(Duration::ZERO)
            .spawn();
        sleep(seconds(1)).await;
        assert!((100..=1000).contains(&upstream.calls()));
        assert_eq!(poller.to_string(), "Poller(1ms, Scripted(acme))");
    }

    #[tokio::test]
    async fn shows_what_it_wraps() {
        let poller = Poller::builder(MemorySource::failing(acme(), down())).spawn();
        assert_eq!(poller.to_string(), "Poller(3600s, Memory(acme))");
    }
}
