//! Several organizations at once.

use std::{collections::HashSet, fmt, sync::Arc};

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot, scrape};

const DEFAULT_CONCURRENCY: usize = 8;

/// Sources of several organizations, scraped together.
///
/// It is no [`MetricsSource`] itself, because a source is of one organization and answers whole or not at all: with
/// two organizations one may answer while the other fails, and both are worth knowing. So
/// [`scrape_all`](Self::scrape_all) returns an answer for each.
///
/// # Default
///
/// Eight scrapes at once, so that a hundred organizations are not asked for in one burst; see
/// [`with_concurrency`](Self::with_concurrency).
///
/// # Concurrency
///
/// Each scrape runs in a task of its own. Two calls of `scrape_all` at once have nothing to do with each other. A
/// clone shares the sources.
///
/// # Cancellation
///
/// Dropping the future of `scrape_all` drops every scrape.
///
/// # Order
///
/// Outermost: decorate each source before they are merged, so that one that is slow or fails does so alone.
///
/// # Example
///
/// ```
/// use scout_metrics_core::{Error, ErrorKind, MemorySource, Merged, MetricsSource, Organization, Snapshot};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let good = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// let bad = MemorySource::failing(Organization::new("apex")?, Error::new(ErrorKind::Timeout, "slow"));
/// let merged = Merged::new([Box::new(good) as Box<dyn MetricsSource>, Box::new(bad)])?;
///
/// let answers = merged.scrape_all().await;
/// assert!(answers[0].1.is_ok());
/// assert_eq!(answers[1].0.as_str(), "apex");
/// assert_eq!(answers[1].1.as_ref().unwrap_err().kind(), ErrorKind::Timeout);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Merged {
    sources: Vec<Arc<dyn MetricsSource>>,
    concurrency: usize,
}

impl Merged {
    /// Puts sources together, in this order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if two sources are of one organization.
    pub fn new(sources: impl IntoIterator<Item = impl MetricsSource>) -> Result<Self> {
        let mut merged = Self {
            sources: Vec::new(),
            concurrency: DEFAULT_CONCURRENCY,
        };
        let mut seen = HashSet::new();
        for source in sources {
            let organization = source.organization().clone();
            if seen.contains(&organization) {
                let message = "two sources of one organization cannot be merged";
                let error = Error::new(ErrorKind::Invalid, message);
                return Err(error.with_organization(&organization));
            }
            seen.insert(organization);
            merged.sources.push(Arc::new(source));
        }
        Ok(merged)
    }

    /// Sets how many scrapes run at once, 8 by default; zero means one.
    #[must_use]
    pub fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }

    /// Returns the sources in their order.
    pub fn sources(&self) -> &[Arc<dyn MetricsSource>] {
        &self.sources
    }

    /// Scrapes every source once and returns an answer for each, in their order.
    ///
    /// A source that panics is one that fails, with [`ErrorKind::Other`].
    ///
    /// # Panics
    ///
    /// If it is not called on a tokio runtime.
    pub async fn scrape_all(&self) -> Vec<(Organization, Result<Snapshot>)> {
        let permits = Arc::new(Semaphore::new(self.concurrency.min(Semaphore::MAX_PERMITS)));
        let scrapes: JoinSet<_> = self
            .sources
            .iter()
            .enumerate()
            .map(|(index, source)| {
                let (permits, source) = (Arc::clone(&permits), Arc::clone(source));
                async move {
                    let _permit = permits.acquire().await;
                    (index, scrape::scrape(&*source).await)
                }
            })
            .collect();
        let mut answers = scrapes.join_all().await;
        answers.sort_unstable_by_key(|&(index, _)| index);
        answers
            .into_iter()
            .map(|(index, answer)| (self.sources[index].organization().clone(), answer))
            .collect()
    }
}

impl fmt::Display for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Merged(")?;
        for (index, source) in self.sources.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{source}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::{
        MemorySource,
        testing::{Scripted, down, seconds, snapshot},
    };

    fn organization(number: usize) -> Organization {
        Organization::new(format!("org{number}")).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn answers_stand_in_the_order_of_the_sources() {
        let sources = (0..20_usize).map(|number| {
            Scripted::new(seconds(20 - number as u64), |_| Ok(snapshot("a")))
                .with_organization(organization(number))
        });
        let answers = Merged::new(sources).unwrap().scrape_all().await;
        let names: Vec<Organization> = answers.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, (0..20).map(organization).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_scrapes_than_allowed_run_at_once() {
        for (concurrency, takes) in [(0, 20), (1, 20), (8, 3), (20, 1), (usize::MAX, 1)] {
            let sources = (0..20_usize).map(|number| {
                Scripted::counting(seconds(1)).with_organization(organization(number))
            });
            let merged = Merged::new(sources).unwrap().with_concurrency(concurrency);
            let start = Instant::now();
            assert_eq!(merged.scrape_all().await.len(), 20);
            assert_eq!(start.elapsed(), seconds(takes), "{concurrency} at once");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_or_panics_does_so_alone() {
        let scripts: [fn(usize) -> Result<Snapshot>; 3] = [
            |_| Err(down()),
            |_| panic!("by design"),
            |_| Ok(snapshot("a")),
        ];
        let sources = scripts.into_iter().enumerate().map(|(number, script)| {
            Scripted::new(seconds(1), script).with_organization(organization(number))
        });
        let answers = Merged::new(sources).unwrap().scrape_all().await;
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
    async fn dropping_it_drops_every_scrape() {
        let upstream = Scripted::counting(seconds(10));
        let merged = Merged::new([upstream.clone()]).unwrap();
        assert!(timeout(seconds(1), merged.scrape_all()).await.is_err());
        tokio::task::yield_now().await;
        assert_eq!(upstream.calls(), 1);
        assert_eq!(upstream.running(), 0);
    }

    #[test]
    fn two_sources_of_one_organization_are_refused() {
        let source = MemorySource::new(snapshot("a"));
        let error = Merged::new([source.clone(), source]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(
            error.to_string(),
            "organization `acme`: two sources of one organization cannot be merged"
        );
    }

    #[tokio::test]
    async fn shows_what_it_merges_also_nothing() {
        let source = |number| MemorySource::new(Snapshot::new(organization(number), []).unwrap());
        let merged = Merged::new([source(1), source(2)]).unwrap();
        assert_eq!(merged.to_string(), "Merged(Memory(org1), Memory(org2))");
        let nothing = Merged::new(Vec::<MemorySource>::new()).unwrap();
        assert_eq!(nothing.to_string(), "Merged()");
        assert!(nothing.scrape_all().await.is_empty());
    }
}
