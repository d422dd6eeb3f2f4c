//! Sources of several organizations, each refreshed in the background.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, iter,
    pin::Pin,
    slice,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{
    future::join_all,
    stream::{FuturesUnordered, StreamExt},
};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout},
};

use super::{
    answers::Answers,
    source_set::{DEFAULT_CONCURRENCY, SourceSet, semaphore},
};
use crate::{
    DEFAULT_TIME_TO_LIVE, Error, MetricsSource, Organization, Poller, PollerBuilder, RefreshStatus,
    Result, Snapshot, Updates, backoff::Backoff,
};

/// Long enough to avoid a burst of requests, short enough that a process that has just started soon has data.
const DEFAULT_SPREAD: Duration = Duration::from_secs(10);

/// With this many organizations for each scrape that may run, a round takes ten minutes if Docker Scout needs 2.5 seconds for an
/// answer, as in Docker's example run.
const ORGANIZATIONS_PER_SCRAPE: usize = 250;

/// The share of each organization in the default of the longest back-off: together, failing ones retry some ten times a second.
const BACKOFF_SHARE: Duration = Duration::from_millis(100);

/// A [`Poller`] for each of several organizations, with a bound on how many refresh at the same time.
///
/// # Behaviour and defaults
///
/// - Each source is polled as [`Poller`] describes, with the same defaults. The options apply to all sources.
/// - At most [eight](PollerSetBuilder::with_concurrency) scrapes run at the same time, or one for each 250 organizations if
///   that is more. A poller that waits for its turn counts as refreshing.
/// - The first source is scraped at once, each of the others at a random time within the first
///   [ten seconds](PollerSetBuilder::with_spread).
/// - More than 3,000 organizations that fail together wait longer than five minutes, so that they do not retry more than some
///   ten times a second; see [`with_backoff`](PollerSetBuilder::with_backoff).
/// - After that, each has a place of its own in the interval, so that requests are spread evenly. To get there, after the
///   start, an outage or [`refresh_now`](Self::refresh_now), it is once refreshed after half an interval or more instead of a
///   whole one.
///
/// # Concurrency
///
/// A set is cheap to clone, and clones share the pollers.
///
/// # Cancellation
///
/// A poller stops when the last clone of the set and the last handle on that poller are dropped, or by
/// [`shutdown`](Self::shutdown).
///
/// # Order
///
/// Outermost, as for [`Poller`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use scout_metrics_core::{Error, MemorySource, Organization, PollerSet, Snapshot};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Error> {
/// let acme = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// let apex = MemorySource::new(Snapshot::new(Organization::new("apex")?, [])?);
/// let pollers = PollerSet::builder()
///     .with_source(acme)?
///     .with_source(apex)?
///     .with_interval(Duration::from_secs(3600))
///     .spawn();
///
/// let mut updates = pollers.updates();
/// let (organization, snapshot) = updates.next().await.expect("the pollers run");
/// assert_eq!(*snapshot?.organization(), organization);
/// pollers.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PollerSet {
    pollers: Arc<[Poller]>,
    /// The index of the poller of each organization.
    places: Arc<HashMap<Organization, usize>>,
    turns: Arc<Turns>,
}

impl PollerSet {
    /// Returns a builder without sources.
    pub fn builder() -> PollerSetBuilder {
        PollerSetBuilder {
            sources: SourceSet::new(),
            concurrency: None,
            spread: None,
            interval: DEFAULT_TIME_TO_LIVE,
            initial: BTreeMap::new(),
            options: Vec::new(),
        }
    }

    /// Returns the pollers in the order of the sources.
    pub fn pollers(&self) -> &[Poller] {
        &self.pollers
    }

    /// Returns the poller of an organization, or `None` if the set has no source of that organization.
    pub fn get(&self, organization: &str) -> Option<&Poller> {
        self.places
            .get(organization)
            .map(|&place| &self.pollers[place])
    }

    /// Returns the last good snapshots without waiting. Organizations without one that may be served are left out.
    pub fn snapshots(&self) -> impl Iterator<Item = Snapshot> {
        self.pollers.iter().filter_map(Poller::current)
    }

    /// Returns the state of each poller without waiting.
    pub fn statuses(&self) -> impl ExactSizeIterator<Item = (&Organization, RefreshStatus)> {
        let pollers = self.pollers.iter();
        pollers.map(|poller| (poller.organization(), poller.status()))
    }

    /// Returns the outcomes of the refreshes of all pollers that end from now on.
    pub fn updates(&self) -> SetUpdates {
        let pollers = self.pollers.iter();
        let updates = pollers.map(|poller| (poller.organization().clone(), poller.updates()));
        SetUpdates::new(updates.collect())
    }

    /// Refreshes all pollers without waiting for their intervals or their first turns, and returns what the sources
    /// answered.
    ///
    /// The bound on concurrent scrapes holds. See [`Poller::refresh_now`] for the errors.
    pub async fn refresh_now(&self) -> Answers {
        self.turns.end_spread.send_replace(true);
        let refreshes = self.pollers.iter().map(|poller| async move {
            let answer = poller.refresh_now().await;
            (poller.organization().clone(), answer)
        });
        Answers::new(join_all(refreshes).await)
    }

    /// Stops all pollers and waits until they and their current scrapes have ended.
    ///
    /// The last good snapshots are served as before until they are too old.
    pub async fn shutdown(&self) {
        join_all(self.pollers.iter().map(Poller::shutdown)).await;
    }

    /// Returns the pollers as a set of sources, which answer without waiting once their first refresh has ended.
    pub fn to_source_set(&self) -> SourceSet {
        SourceSet::of_distinct(self)
    }
}

/// Iterates over handles of the pollers, each of which is a [`MetricsSource`].
impl<'a> IntoIterator for &'a PollerSet {
    type Item = Poller;
    type IntoIter = iter::Cloned<slice::Iter<'a, Poller>>;

    fn into_iter(self) -> Self::IntoIter {
        self.pollers.iter().cloned()
    }
}

impl fmt::Debug for PollerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollerSet")
            .field("pollers", &self.pollers)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PollerSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PollerSet(")?;
        for (index, poller) in self.pollers.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{poller}")?;
        }
        f.write_str(")")
    }
}

/// The options of a [`PollerSet`], all of which have defaults.
#[must_use = "a set of pollers does nothing until it is spawned"]
pub struct PollerSetBuilder {
    sources: SourceSet,
    concurrency: Option<usize>,
    spread: Option<Duration>,
    interval: Duration,
    initial: BTreeMap<Organization, Snapshot>,
    options: Vec<PollerOption>,
}

type PollerOption = Box<dyn Fn(PollerBuilder) -> PollerBuilder + Send + Sync>;

impl PollerSetBuilder {
    /// Adds a source after the others.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the set already has a source of the same organization.
    pub fn with_source(mut self, source: impl MetricsSource) -> Result<Self> {
        self.sources = self.sources.with_source(source)?;
        Ok(self)
    }

    /// Adds sources after the others, in their order. A [`SourceSet`] can be passed as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if two sources have the same organization.
    pub fn with_sources(
        self,
        sources: impl IntoIterator<Item = impl MetricsSource>,
    ) -> Result<Self> {
        sources.into_iter().try_fold(self, Self::with_source)
    }

    /// Starts the poller of the snapshot's organization with it; see [`PollerBuilder::with_initial`].
    pub fn with_initial(mut self, snapshot: Snapshot) -> Self {
        self.initial
            .insert(snapshot.organization().clone(), snapshot);
        self
    }

    /// Sets the maximum number of scrapes that run at the same time, at least 1; by default 8, or one for each 250
    /// organizations if that is more.
    pub fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = Some(concurrency);
        self
    }

    /// Sets the time within which the first scrapes start, at random; 10 seconds by default.
    ///
    /// Later refreshes are spread over the interval. The time is at most the interval. With zero, all scrapes start together,
    /// as far as the concurrency allows, and later refreshes are only spread by the [jitter](Self::with_jitter).
    pub fn with_spread(mut self, spread: Duration) -> Self {
        self.spread = Some(spread);
        self
    }

    /// Sets how long each poller waits between two refreshes; see [`PollerBuilder::with_interval`].
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self.with_option(move |poller| poller.with_interval(interval))
    }

    /// Sets the maximum random time that is added to each interval; see [`PollerBuilder::with_jitter`].
    pub fn with_jitter(self, jitter: Duration) -> Self {
        self.with_option(move |poller| poller.with_jitter(jitter))
    }

    /// Sets how long a snapshot is served while refreshes fail; see [`PollerBuilder::with_max_stale`].
    pub fn with_max_stale(self, max_stale: Duration) -> Self {
        self.with_option(move |poller| poller.with_max_stale(max_stale))
    }

    /// Sets the errors after which the last good snapshot is served; see [`PollerBuilder::with_fallback_if`].
    pub fn with_fallback_if(
        self,
        predicate: impl Fn(&Error) -> bool + Send + Sync + 'static,
    ) -> Self {
        let predicate = Arc::new(predicate);
        self.with_option(move |poller| {
            let predicate = Arc::clone(&predicate);
            poller.with_fallback_if(move |error| predicate(error))
        })
    }

    /// Sets how long each poller waits after failures; see [`PollerBuilder::with_backoff`].
    ///
    /// By default the maximum is five minutes, or a tenth of a second for each organization if that is longer.
    pub fn with_backoff(self, first: Duration, max: Duration) -> Self {
        self.with_option(move |poller| poller.with_backoff(first, max))
    }

    fn with_option(
        mut self,
        option: impl Fn(PollerBuilder) -> PollerBuilder + Send + Sync + 'static,
    ) -> Self {
        self.options.push(Box::new(option));
        self
    }

    /// Starts a task for each source and returns a handle to all of them.
    ///
    /// # Panics
    ///
    /// If it is not called on a tokio runtime.
    pub fn spawn(self) -> PollerSet {
        let count = self.sources.sources().len();
        let default = DEFAULT_CONCURRENCY.max(count / ORGANIZATIONS_PER_SCRAPE);
        let turns = Arc::new(Turns {
            permits: semaphore(self.concurrency.unwrap_or(default)),
            end_spread: watch::Sender::new(false),
        });
        let spread = self.spread.unwrap_or(DEFAULT_SPREAD).min(self.interval);
        let now = Instant::now();
        let mut backoff = Backoff::default();
        let together = BACKOFF_SHARE.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        backoff.max = backoff.max.max(together);
        // Random, so that several processes do not have the same places.
        let first_place = fastrand::f64();
        let pollers = self.sources.into_iter().enumerate().map(|(index, source)| {
            let source = TakesTurns {
                source,
                turns: Arc::clone(&turns),
                created: now,
                delay: if index == 0 {
                    Duration::ZERO
                } else {
                    random_below(spread)
                },
            };
            let initial = self.initial.get(source.organization()).cloned();
            let mut poller = Poller::builder(source).with_backoff(backoff.first, backoff.max);
            if let Some(snapshot) = initial {
                poller = poller.with_initial(snapshot);
            }
            if !spread.is_zero() {
                poller = poller.with_slot((first_place + index as f64 / count as f64).fract());
            }
            let options = self.options.iter();
            options
                .fold(poller, |poller, option| option(poller))
                .spawn()
        });
        let pollers: Arc<[Poller]> = pollers.collect();
        let names = pollers.iter().map(|poller| poller.organization().clone());
        PollerSet {
            places: Arc::new(names.zip(0..).collect()),
            pollers,
            turns,
        }
    }
}

fn random_below(bound: Duration) -> Duration {
    bound.mul_f64(fastrand::f64())
}

impl fmt::Debug for PollerSetBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollerSetBuilder")
            .field("sources", &self.sources)
            .field("concurrency", &self.concurrency)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// The outcomes of the refreshes of a [`PollerSet`], as they end.
///
/// A slow receiver skips outcomes but always gets the latest of each organization. The pollers stop when their last
/// handles are dropped; this is not a handle.
pub struct SetUpdates {
    /// As they were when their last outcomes were returned.
    updates: Vec<(Organization, Updates)>,
    /// A wait for each poller that may still run, so that an update costs the same in a set of any size.
    waits: FuturesUnordered<Wait>,
}

/// Ends with the next outcome of the poller at an index.
type Wait = Pin<Box<dyn Future<Output = (usize, Updates, Option<Result<Snapshot>>)> + Send + Sync>>;

impl SetUpdates {
    fn new(updates: Vec<(Organization, Updates)>) -> Self {
        let waits = updates.iter().enumerate();
        Self {
            waits: waits
                .map(|(index, (_, updates))| wait(index, updates.clone()))
                .collect(),
            updates,
        }
    }

    /// Waits for the next refresh of any poller to end and returns its outcome, or `None` once all have stopped.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<(Organization, Result<Snapshot>)> {
        loop {
            let (index, updates, outcome) = self.waits.next().await?;
            let Some(outcome) = outcome else {
                continue;
            };
            let (organization, last) = &mut self.updates[index];
            last.clone_from(&updates);
            self.waits.push(wait(index, updates));
            return Some((organization.clone(), outcome));
        }
    }
}

fn wait(index: usize, mut updates: Updates) -> Wait {
    Box::pin(async move {
        let outcome = updates.next().await;
        (index, updates, outcome)
    })
}

impl Clone for SetUpdates {
    fn clone(&self) -> Self {
        Self::new(self.updates.clone())
    }
}

impl fmt::Debug for SetUpdates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetUpdates")
            .field("updates", &self.updates)
            .finish_non_exhaustive()
    }
}

/// Decides when the sources of a set are scraped.
struct Turns {
    permits: Arc<Semaphore>,
    /// Whether first scrapes start without waiting for their random times.
    end_spread: watch::Sender<bool>,
}

/// A source whose scrapes wait for their turn.
struct TakesTurns {
    source: Arc<dyn MetricsSource>,
    turns: Arc<Turns>,
    created: Instant,
    /// How long after its creation it is first scraped.
    delay: Duration,
}

impl TakesTurns {
    /// Waits for the time of the first scrape, if that has not come.
    async fn spread(&self) {
        let rest = self.delay.saturating_sub(self.created.elapsed());
        if rest.is_zero() {
            return;
        }
        let mut end = self.turns.end_spread.subscribe();
        // In both cases it may start: the time has come, or the wait was ended.
        let _ = timeout(rest, end.wait_for(|&is_ended| is_ended)).await;
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MetricsSource for TakesTurns {
    fn organization(&self) -> &Organization {
        self.source.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        self.spread().await;
        let _permit = self.turns.permits.acquire().await;
        self.source.scrape().await
    }
}

impl fmt::Debug for TakesTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

impl fmt::Display for TakesTurns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        sync::atomic::{AtomicBool, Ordering::SeqCst},
    };

    use tokio::time::sleep;

    use super::*;
    use crate::{
        ErrorKind, MemorySource,
        testing::{Scripted, down, seconds, snapshot},
    };

    const HOUR: Duration = seconds(3600);

    fn organization(number: usize) -> Organization {
        Organization::new(format!("org{number}")).unwrap()
    }

    fn memory(number: usize) -> MemorySource {
        MemorySource::new(Snapshot::new(organization(number), []).unwrap())
    }

    fn steady(sources: impl IntoIterator<Item = impl MetricsSource>) -> PollerSetBuilder {
        let builder = PollerSet::builder().with_sources(sources).unwrap();
        builder
            .with_spread(Duration::ZERO)
            .with_jitter(Duration::ZERO)
    }

    #[tokio::test(start_paused = true)]
    async fn first_scrapes_are_spread_over_ten_seconds() {
        let sources: Vec<MemorySource> = (0..100).map(memory).collect();
        let pollers = PollerSet::builder()
            .with_sources(sources.clone())
            .unwrap()
            .spawn();
        let started = || sources.iter().filter(|source| source.scrapes() > 0).count();
        sleep(Duration::from_millis(1)).await;
        assert!(sources[0].scrapes() == 1);
        assert!(started() < 20, "{} started at once", started());
        sleep(seconds(5)).await;
        assert!(
            (20..80).contains(&started()),
            "{} in the first half",
            started()
        );
        sleep(seconds(5)).await;
        assert_eq!(started(), 100);
        assert_eq!(pollers.snapshots().count(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn the_spread_is_not_longer_than_the_interval() {
        let builder = PollerSet::builder()
            .with_sources((0..20).map(memory))
            .unwrap();
        let pollers = builder.with_interval(seconds(1)).with_spread(HOUR).spawn();
        // Timers are rounded up to milliseconds, so the last scrape can begin as the second ends.
        sleep(seconds(1) + Duration::from_millis(1)).await;
        assert_eq!(pollers.snapshots().count(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_scrapes_at_the_same_time_is_bounded_in_every_refresh() {
        let upstream = Scripted::counting(seconds(1));
        let sources =
            (0..20).map(|number| upstream.clone().with_organization(organization(number)));
        let pollers = steady(sources)
            .with_concurrency(3)
            .with_interval(seconds(60))
            .spawn();
        sleep(seconds(30)).await;
        assert_eq!(upstream.calls(), 20);
        pollers.refresh_now().await;
        assert_eq!(upstream.calls(), 40);
        sleep(seconds(600)).await;
        assert!(upstream.calls() > 100);
        assert_eq!(upstream.most_at_once(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn refreshing_now_does_not_wait_for_first_turns_or_intervals() {
        let sources: Vec<MemorySource> = (0..20).map(memory).collect();
        sources[1].set(Err(down()));
        let builder = PollerSet::builder().with_sources(sources.clone()).unwrap();
        let pollers = builder.with_spread(HOUR).spawn();
        let start = Instant::now();
        for scrapes in 1..=2 {
            let answers = pollers.refresh_now().await;
            assert_eq!(start.elapsed(), Duration::ZERO);
            assert_eq!(answers.len(), 20);
            let error = answers.get("org1").unwrap().as_ref().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert_eq!(answers.errors().count(), 1);
            assert!(sources.iter().all(|source| source.scrapes() == scrapes));
        }
    }

    /// Returns the number of scrapes in each minute of the next hour.
    async fn scrapes_by_minute(upstream: &Scripted) -> Vec<usize> {
        let mut before = upstream.calls();
        let mut minutes = Vec::new();
        for _ in 0..60 {
            sleep(seconds(60)).await;
            let after = upstream.calls();
            minutes.push(after - before);
            before = after;
        }
        minutes
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_spread_evenly_after_the_start_and_after_an_outage() {
        let is_down = Arc::new(AtomicBool::new(false));
        let was_down = Arc::clone(&is_down);
        let upstream = Scripted::new(Duration::from_millis(1), move |_| {
            if was_down.load(SeqCst) {
                return Err(down());
            }
            Ok(snapshot("production"))
        });
        let sources =
            (0..240).map(|number| upstream.clone().with_organization(organization(number)));
        let builder = PollerSet::builder().with_sources(sources).unwrap();
        let pollers = builder.with_jitter(Duration::ZERO).spawn();
        sleep(seconds(11)).await;
        assert_eq!(pollers.snapshots().count(), 240);
        sleep(2 * HOUR).await;
        // The end of a minute may fall on either side of a scrape.
        let is_even = |scrapes: &usize| (3..=5).contains(scrapes);
        let minutes = scrapes_by_minute(&upstream).await;
        assert!(minutes.iter().all(is_even), "{minutes:?}");

        is_down.store(true, SeqCst);
        sleep(2 * HOUR).await;
        is_down.store(false, SeqCst);
        let minutes = scrapes_by_minute(&upstream).await;
        // The longest back-off is five minutes. Who recovers is not due again before half an hour.
        assert_eq!(minutes[..6].iter().sum::<usize>(), 240, "{minutes:?}");
        assert_eq!(minutes[6..30].iter().sum::<usize>(), 0, "{minutes:?}");
        let minutes = scrapes_by_minute(&upstream).await;
        assert!(minutes.iter().all(|scrapes| *scrapes <= 10), "{minutes:?}");
        let minutes = scrapes_by_minute(&upstream).await;
        assert!(minutes.iter().all(is_even), "{minutes:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_of_many_organizations_takes_ten_minutes() {
        let upstream = Scripted::counting(Duration::from_millis(2500));
        let sources =
            (0..4000).map(|number| upstream.clone().with_organization(organization(number)));
        let pollers = PollerSet::builder().with_sources(sources).unwrap().spawn();
        sleep(seconds(660)).await;
        assert_eq!(pollers.snapshots().count(), 4000);
        assert_eq!(upstream.most_at_once(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn many_organizations_that_fail_together_retry_some_ten_times_a_second() {
        let upstream = Scripted::new(Duration::ZERO, |_| Err(down()));
        let sources =
            (0..6000).map(|number| upstream.clone().with_organization(organization(number)));
        let pollers = PollerSet::builder().with_sources(sources).unwrap().spawn();
        sleep(HOUR / 2).await;
        let before = upstream.calls();
        sleep(seconds(100)).await;
        let retries = upstream.calls() - before;
        assert!((500..2000).contains(&retries), "{retries}");
        drop(pollers);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_receiver_gets_the_latest_outcome_of_each_organization() {
        let sources: Vec<MemorySource> = (0..3).map(memory).collect();
        let pollers = steady(sources.clone()).with_interval(HOUR).spawn();
        let mut updates = pollers.updates();
        sleep(HOUR / 2).await;
        sources[2].set(Err(down()));
        sleep(HOUR).await;
        let mut outcomes = HashSet::new();
        for _ in 0..3 {
            let (organization, outcome) = updates.next().await.unwrap();
            outcomes.insert((organization.to_string(), outcome.is_ok()));
        }
        let expected = [("org0", true), ("org1", true), ("org2", false)];
        assert_eq!(
            outcomes,
            expected
                .map(|(name, is_ok)| (name.to_owned(), is_ok))
                .into()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_organization_does_not_hide_the_updates_of_others() {
        let pollers = steady([memory(0), memory(1)])
            .with_interval(Duration::from_millis(1))
            .spawn();
        let mut updates = pollers.updates();
        let mut names = Vec::new();
        for _ in 0..6 {
            names.push(updates.next().await.unwrap().0.to_string());
            sleep(Duration::from_millis(5)).await;
        }
        let both = HashSet::from(["org0".to_owned(), "org1".to_owned()]);
        for pair in names.chunks(2) {
            assert_eq!(HashSet::from_iter(pair.iter().cloned()), both, "{names:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_loses_no_update() {
        let pollers = steady([
            memory(0).with_delay(seconds(2)),
            memory(1).with_delay(seconds(2)),
        ])
        .spawn();
        let mut updates = pollers.updates();
        assert!(timeout(seconds(1), updates.next()).await.is_err());
        for _ in 0..2 {
            assert!(updates.next().await.unwrap().1.is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn updates_end_when_all_pollers_have_stopped() {
        let pollers = steady([memory(0), memory(1)]).spawn();
        let mut updates = pollers.updates();
        sleep(seconds(1)).await;
        pollers.pollers()[0].shutdown().await;
        for _ in 0..2 {
            assert!(updates.next().await.is_some());
        }
        pollers.shutdown().await;
        assert!(updates.next().await.is_none());
        assert_eq!(pollers.snapshots().count(), 2);
        let answers = pollers.refresh_now().await;
        assert_eq!(answers.errors().count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_last_handle_stops_the_pollers() {
        let upstream = Scripted::counting(seconds(10));
        let pollers = steady([upstream.clone()]).spawn();
        let mut updates = pollers.updates();
        sleep(seconds(1)).await;
        assert_eq!(upstream.running(), 1);
        drop(pollers);
        assert!(updates.next().await.is_none());
        assert_eq!(upstream.running(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_options_apply_to_every_poller() {
        let sources: Vec<MemorySource> = (0..2).map(memory).collect();
        let pollers = steady(sources.clone())
            .with_interval(seconds(60))
            .with_backoff(seconds(30), seconds(30))
            .with_max_stale(seconds(10))
            .with_fallback_if(|error| error.kind() == ErrorKind::Unavailable)
            .spawn();
        sleep(seconds(1)).await;
        assert!(
            pollers
                .statuses()
                .all(|(_, status)| status.next_in() == Some(seconds(59)))
        );
        sources[0].set(Err(down()));
        sources[1].set(Err(Error::new(ErrorKind::NotFound, "gone")));
        pollers.refresh_now().await;
        let served: Vec<Organization> = pollers
            .snapshots()
            .map(|snapshot| snapshot.organization().clone())
            .collect();
        assert_eq!(served, [organization(0)]);
        let mut statuses = pollers.statuses();
        assert!(statuses.all(|(_, status)| status.next_in().unwrap() >= seconds(15)));
        sleep(seconds(75)).await;
        assert_eq!(pollers.snapshots().count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn pollers_are_found_shown_and_usable_as_sources() {
        let pollers = steady([memory(1), memory(2)]).spawn();
        assert_eq!(
            *pollers.get("org2").unwrap().organization(),
            organization(2)
        );
        assert!(pollers.get("org3").is_none());
        assert_eq!(
            pollers.to_string(),
            "PollerSet(Poller(3600s, Memory(org1)), Poller(3600s, Memory(org2)))"
        );
        let set = pollers.to_source_set();
        assert!(set.scrape_all().await.is_complete());
        let copy = SourceSet::from_sources(&pollers).unwrap();
        assert!(copy.organizations().eq(set.organizations()));
    }

    #[test]
    fn two_sources_of_the_same_organization_are_refused() {
        let error = PollerSet::builder()
            .with_sources([memory(1), memory(1)])
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}
