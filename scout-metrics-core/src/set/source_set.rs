//! Sources of several organizations, scraped together.

use std::{
    collections::HashSet,
    fmt, slice,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
    vec,
};

use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::answers::Answers;
use crate::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot, scrape};

/// Keeps a hundred organizations from being requested in one burst.
pub(super) const DEFAULT_CONCURRENCY: usize = 8;

/// Sources of several organizations, scraped together.
///
/// A set is not a [`MetricsSource`], because a source has one organization and returns everything or an error. With
/// two organizations one may answer while the other fails, and callers need both results, so
/// [`scrape_all`](Self::scrape_all) returns [`Answers`].
///
/// # Concurrency
///
/// At most eight scrapes run at the same time, over all calls and all clones of the set; see
/// [`with_concurrency`](Self::with_concurrency). Sources that answered quickly the last time start first, so that a few
/// slow ones do not keep the others from answering in time. A clone shares the sources.
///
/// # Cancellation
///
/// Dropping the future of a scrape drops the scrapes of all its sources.
///
/// # Order
///
/// Outermost: decorate each source before you add it to the set, so that a slow or failing source affects only itself.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use scout_metrics_core::{
///     Error, ErrorKind, MemorySource, MetricsSource, Organization, Snapshot, SourceSet,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let acme = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// let apex = MemorySource::new(Snapshot::new(Organization::new("apex")?, [])?);
/// let set = SourceSet::new()
///     .with_source(acme)?
///     .with_source(apex.with_delay(Duration::from_secs(60)))?;
///
/// let answers = set.scrape_all_within(Duration::from_millis(100)).await;
/// assert!(answers.get("acme").is_some_and(Result::is_ok));
/// for (organization, error) in answers.errors() {
///     assert_eq!(organization.as_str(), "apex");
///     assert_eq!(error.kind(), ErrorKind::Timeout);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SourceSet {
    sources: Vec<Arc<dyn MetricsSource>>,
    names: HashSet<Organization>,
    /// How long the last scrape of each source took, in nanoseconds; the maximum while it runs or if it was dropped.
    durations: Vec<Arc<AtomicU64>>,
    permits: Arc<Semaphore>,
}

impl SourceSet {
    /// Creates a set without sources.
    pub fn new() -> Self {
        Self {
            sources: Vec::new(),
            names: HashSet::new(),
            durations: Vec::new(),
            permits: semaphore(DEFAULT_CONCURRENCY),
        }
    }

    /// Creates a set of these sources, in this order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if two sources have the same organization.
    pub fn from_sources(sources: impl IntoIterator<Item = impl MetricsSource>) -> Result<Self> {
        let mut sources = sources.into_iter();
        sources.try_fold(Self::new(), Self::with_source)
    }

    /// Adds a source after the others.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the set already has a source of the same organization.
    pub fn with_source(mut self, source: impl MetricsSource) -> Result<Self> {
        let organization = source.organization();
        if self.names.contains(organization) {
            let error = Error::new(ErrorKind::Invalid, "the set already has a source of it");
            return Err(error.with_organization(organization));
        }
        self.push(source);
        Ok(self)
    }

    /// Creates a set of sources that are known to have different organizations.
    pub(super) fn of_distinct(sources: impl IntoIterator<Item = impl MetricsSource>) -> Self {
        let mut set = Self::new();
        sources.into_iter().for_each(|source| set.push(source));
        set
    }

    fn push(&mut self, source: impl MetricsSource) {
        self.names.insert(source.organization().clone());
        self.sources.push(Arc::new(source));
        self.durations.push(Arc::default());
    }

    /// Sets the maximum number of scrapes that run at the same time; 8 by default, at least 1.
    #[must_use]
    pub fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.permits = semaphore(concurrency);
        self
    }

    /// Returns the sources in their order.
    pub fn sources(&self) -> &[Arc<dyn MetricsSource>] {
        &self.sources
    }

    /// Returns the organizations in the order of the sources.
    pub fn organizations(&self) -> impl ExactSizeIterator<Item = &Organization> {
        self.sources.iter().map(|source| source.organization())
    }

    /// Scrapes every source once and returns an answer for each, in their order.
    ///
    /// A source that panics fails with [`ErrorKind::Other`].
    ///
    /// # Panics
    ///
    /// If it is not called on a tokio runtime.
    pub async fn scrape_all(&self) -> Answers {
        let mut answers = vec![None; self.sources.len()];
        let mut scrapes = self.start_scrapes();
        collect(&mut scrapes, &mut answers).await;
        self.complete(answers, ErrorKind::Other, "the scrape was aborted")
    }

    /// Scrapes every source once, and returns when all have answered or the time is over.
    ///
    /// A source that has not answered in time fails with [`ErrorKind::Timeout`], and its scrape is dropped. Time spent
    /// waiting for other scrapes to end counts: the [bound on concurrency](Self::with_concurrency) still holds.
    ///
    /// A source that panics fails with [`ErrorKind::Other`].
    ///
    /// # Panics
    ///
    /// If it is not called on a tokio runtime with a timer.
    pub async fn scrape_all_within(&self, limit: Duration) -> Answers {
        let mut answers = vec![None; self.sources.len()];
        let mut scrapes = self.start_scrapes();
        let collected = timeout(limit, collect(&mut scrapes, &mut answers)).await;
        if collected.is_ok() {
            return self.complete(answers, ErrorKind::Other, "the scrape was aborted");
        }
        let message = format!("no answer within {limit:?}");
        self.complete(answers, ErrorKind::Timeout, &message)
    }

    fn start_scrapes(&self) -> JoinSet<(usize, Result<Snapshot>)> {
        let mut fastest_first: Vec<usize> = (0..self.sources.len()).collect();
        fastest_first.sort_by_cached_key(|&index| self.durations[index].load(Relaxed));
        let scrape = |index: usize| {
            let source = Arc::clone(&self.sources[index]);
            let duration = Arc::clone(&self.durations[index]);
            let permits = Arc::clone(&self.permits);
            async move {
                let _permit = permits.acquire().await;
                (index, timed_scrape(&*source, &duration).await)
            }
        };
        fastest_first.into_iter().map(scrape).collect()
    }

    /// Pairs the answers with their organizations, with an error for those that are missing.
    fn complete(
        &self,
        answers: Vec<Option<Result<Snapshot>>>,
        kind: ErrorKind,
        message: &str,
    ) -> Answers {
        let pairs = self.organizations().zip(answers).map(|(name, answer)| {
            let missing = || Err(Error::new(kind, message).with_organization(name));
            (name.clone(), answer.unwrap_or_else(missing))
        });
        Answers::new(pairs.collect())
    }
}

pub(super) fn semaphore(concurrency: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(concurrency.clamp(1, Semaphore::MAX_PERMITS)))
}

async fn timed_scrape(source: &dyn MetricsSource, duration: &AtomicU64) -> Result<Snapshot> {
    duration.store(u64::MAX, Relaxed);
    let start = Instant::now();
    let answer = scrape::scrape(source).await;
    let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    duration.store(nanos, Relaxed);
    answer
}

/// Moves the answers of scrapes to their places as they arrive.
async fn collect(
    scrapes: &mut JoinSet<(usize, Result<Snapshot>)>,
    answers: &mut [Option<Result<Snapshot>>],
) {
    while let Some(ended) = scrapes.join_next().await {
        if let Ok((index, answer)) = ended {
            answers[index] = Some(answer);
        }
    }
}

impl Default for SourceSet {
    fn default() -> Self {
        Self::new()
    }
}

impl IntoIterator for SourceSet {
    type Item = Arc<dyn MetricsSource>;
    type IntoIter = vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.sources.into_iter()
    }
}

/// Iterates over handles of the sources, each of which is a source.
impl<'a> IntoIterator for &'a SourceSet {
    type Item = Arc<dyn MetricsSource>;
    type IntoIter = std::iter::Cloned<slice::Iter<'a, Self::Item>>;

    fn into_iter(self) -> Self::IntoIter {
        self.sources.iter().cloned()
    }
}

impl fmt::Debug for SourceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceSet")
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for SourceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceSet(")?;
        for (index, source) in self.sources.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{source}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        MemorySource,
        testing::{Scripted, down, seconds, snapshot},
    };

    fn organization(number: usize) -> Organization {
        Organization::new(format!("org{number}")).unwrap()
    }

    fn memory(number: usize) -> MemorySource {
        MemorySource::new(Snapshot::new(organization(number), []).unwrap())
    }

    /// Twenty sources that answer after a second each.
    fn twenty() -> SourceSet {
        let sources = (0..20).map(|number| memory(number).with_delay(seconds(1)));
        SourceSet::from_sources(sources).unwrap()
    }

    /// One letter for each answer: `A` for a snapshot, `T` for a timeout, `F` for another failure.
    fn outcomes(answers: &Answers) -> String {
        let letter = |answer: &Result<Snapshot>| match answer.as_ref().map_err(Error::kind) {
            Ok(_) => 'A',
            Err(ErrorKind::Timeout) => 'T',
            Err(_) => 'F',
        };
        answers.iter().map(|(_, answer)| letter(answer)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_in_the_order_of_the_sources() {
        let sources = (0..20).map(|number| memory(number).with_delay(seconds(20 - number as u64)));
        let answers = SourceSet::from_sources(sources).unwrap().scrape_all().await;
        assert!(answers.is_complete());
        let names: Vec<Organization> = answers.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, (0..20).map(organization).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_scrapes_at_the_same_time_is_bounded() {
        for (concurrency, takes) in [(0, 20), (1, 20), (8, 3), (20, 1), (usize::MAX, 1)] {
            let set = twenty().with_concurrency(concurrency);
            let start = Instant::now();
            assert!(set.scrape_all().await.is_complete());
            assert_eq!(start.elapsed(), seconds(takes), "concurrency {concurrency}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_bound_holds_over_calls_and_clones() {
        let set = twenty();
        let clone = set.clone();
        let start = Instant::now();
        tokio::join!(set.scrape_all(), clone.scrape_all());
        assert_eq!(start.elapsed(), seconds(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_fails_or_panics_affects_only_itself() {
        let scripts: [fn(usize) -> Result<Snapshot>; 3] = [
            |_| Err(down()),
            |_| panic!("by design"),
            |_| Ok(snapshot("a")),
        ];
        let sources = scripts.into_iter().enumerate().map(|(number, script)| {
            Scripted::new(seconds(1), script).with_organization(organization(number))
        });
        let answers = SourceSet::from_sources(sources).unwrap().scrape_all().await;
        let kinds: Vec<Option<ErrorKind>> = answers
            .iter()
            .map(|(_, answer)| answer.as_ref().err().map(Error::kind))
            .collect();
        assert_eq!(
            kinds,
            [Some(ErrorKind::Unavailable), Some(ErrorKind::Other), None]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn sources_without_an_answer_in_time_time_out() {
        let set = SourceSet::new()
            .with_source(memory(0))
            .unwrap()
            .with_source(memory(1).with_delay(seconds(1)))
            .unwrap();
        let start = Instant::now();
        let answers = set.scrape_all_within(Duration::from_millis(900)).await;
        assert_eq!(start.elapsed(), Duration::from_millis(900));
        assert_eq!(outcomes(&answers), "AT");
        let (_, error) = answers.errors().next().unwrap();
        assert_eq!(
            error.to_string(),
            "organization `org1`: no answer within 900ms"
        );
        let answers = set.scrape_all_within(Duration::MAX).await;
        assert_eq!(outcomes(&answers), "AA");
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_limit_does_not_lift_the_bound() {
        let upstream = Scripted::counting(seconds(1));
        let sources =
            (0..20).map(|number| upstream.clone().with_organization(organization(number)));
        let set = SourceSet::from_sources(sources).unwrap();
        let answers = set.scrape_all_within(Duration::from_millis(1500)).await;
        assert_eq!(upstream.most_at_once(), 8);
        assert_eq!(outcomes(&answers), "AAAAAAAATTTTTTTTTTTT");
        tokio::task::yield_now().await;
        assert_eq!(upstream.running(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_sources_do_not_keep_the_others_from_answering() {
        let slow = (0..8).map(|number| memory(number).with_delay(seconds(60)));
        let fast = (8..20).map(memory);
        let set = SourceSet::from_sources(slow.chain(fast)).unwrap();
        let first = set.scrape_all_within(seconds(1)).await;
        assert_eq!(outcomes(&first), "T".repeat(20));
        for _ in 0..3 {
            let next = set.scrape_all_within(seconds(1)).await;
            assert_eq!(outcomes(&next), "TTTTTTTTAAAAAAAAAAAA");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_future_drops_every_scrape() {
        let upstream = Scripted::counting(seconds(10));
        let set = SourceSet::new().with_source(upstream.clone()).unwrap();
        assert!(timeout(seconds(1), set.scrape_all()).await.is_err());
        tokio::task::yield_now().await;
        assert_eq!(upstream.calls(), 1);
        assert_eq!(upstream.running(), 0);
    }

    #[test]
    fn two_sources_of_the_same_organization_are_refused() {
        let error = SourceSet::from_sources([memory(1), memory(1)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(
            error.to_string(),
            "organization `org1`: the set already has a source of it"
        );
    }

    #[tokio::test]
    async fn shows_its_sources() {
        let set = SourceSet::from_sources([memory(1), memory(2)]).unwrap();
        assert_eq!(set.to_string(), "SourceSet(Memory(org1), Memory(org2))");
        let set = SourceSet::new();
        assert_eq!(set.to_string(), "SourceSet()");
        assert!(set.scrape_all().await.is_empty());
    }

    #[test]
    fn a_loop_yields_sources() {
        let set = SourceSet::from_sources([memory(1), memory(2)]).unwrap();
        let copy = SourceSet::from_sources(&set).unwrap();
        assert!(copy.organizations().eq(set.organizations()));
        assert_eq!(set.into_iter().count(), 2);
    }
}
