//! A source that answers from memory.

use std::{
    collections::VecDeque,
    fmt, iter,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::sleep;

use crate::{Error, MetricsSource, Organization, Result, Snapshot};

/// A [`MetricsSource`] that answers with snapshots and errors from a script.
///
/// For tests, documentation and demonstrations. A clone shares the script and the count of scrapes with the original,
/// so a test can pass a clone to the code under test, change what it answers, and count how often it was scraped.
///
/// The first scrape gets the first answer of the script, the next scrape the next answer; the last answer is repeated.
/// A script of one answer, as [`new`](Self::new) makes it, answers every scrape alike.
///
/// ```
/// use scout_metrics_core::{Error, ErrorKind, MemorySource, MetricsSource, Organization, Snapshot};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let snapshot = Snapshot::new(Organization::new("acme")?, [])?;
/// let source = MemorySource::new(snapshot.clone()).with_answers([
///     Ok(snapshot.clone()),
///     Err(Error::new(ErrorKind::Unavailable, "down for maintenance")),
/// ]);
/// assert!(source.scrape().await.is_ok());
/// assert!(source.scrape().await.is_err());
/// assert!(source.scrape().await.is_err());
///
/// source.set(Ok(snapshot));
/// assert!(source.scrape().await.is_ok());
/// assert_eq!(source.scrapes(), 4);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemorySource {
    organization: Organization,
    delay: Duration,
    script: Arc<Mutex<Script>>,
}

#[derive(Debug)]
struct Script {
    current: Result<Snapshot>,
    /// Whether a scrape got the current answer.
    is_used: bool,
    next: VecDeque<Result<Snapshot>>,
    scrapes: usize,
}

impl MemorySource {
    /// Creates a source that answers with a snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self::answering(snapshot.organization().clone(), Ok(snapshot))
    }

    /// Creates a source that answers with an error.
    pub fn failing(organization: Organization, error: Error) -> Self {
        Self::answering(organization, Err(error))
    }

    fn answering(organization: Organization, answer: Result<Snapshot>) -> Self {
        let script = Script {
            current: answer,
            is_used: false,
            next: VecDeque::new(),
            scrapes: 0,
        };
        Self {
            organization,
            delay: Duration::ZERO,
            script: Arc::new(Mutex::new(script)),
        }
    }

    /// Replaces the script with these answers, here and in every clone. An empty list changes nothing.
    #[must_use]
    pub fn with_answers(self, answers: impl IntoIterator<Item = Result<Snapshot>>) -> Self {
        let mut answers = answers.into_iter();
        if let Some(first) = answers.next() {
            self.script().replace(iter::once(first).chain(answers));
        }
        self
    }

    /// Sets how long a scrape takes; zero by default. Clones that exist already keep their delay.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Adds an answer to the end of the script, here and in every clone.
    pub fn push(&self, answer: Result<Snapshot>) {
        self.script().next.push_back(answer);
    }

    /// Replaces the script with one answer, here and in every clone.
    pub fn set(&self, answer: Result<Snapshot>) {
        self.script().replace(iter::once(answer));
    }

    /// Returns how many scrapes of the source and its clones have started.
    pub fn scrapes(&self) -> usize {
        self.script().scrapes
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    fn replace(&mut self, answers: impl Iterator<Item = Result<Snapshot>>) {
        self.next = answers.collect();
        self.advance();
    }

    fn answer(&mut self) -> Result<Snapshot> {
        if self.is_used {
            self.advance();
        }
        self.is_used = true;
        self.scrapes += 1;
        self.current.clone()
    }

    /// Makes the next answer the current one, if there is a next one.
    fn advance(&mut self) {
        if let Some(next) = self.next.pop_front() {
            self.current = next;
            self.is_used = false;
        }
    }
}

impl fmt::Display for MemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({})", self.organization)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MetricsSource for MemorySource {
    fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Takes the answer from the script when the scrape starts, and returns it after the delay.
    async fn scrape(&self) -> Result<Snapshot> {
        let answer = self.script().answer();
        if !self.delay.is_zero() {
            sleep(self.delay).await;
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::testing::{acme, down, seconds, snapshot};

    /// Scrapes and returns the name of the only stream, or `down`.
    async fn scrape(source: &MemorySource) -> String {
        match source.scrape().await {
            Ok(snapshot) => snapshot.streams()[0].name().to_string(),
            Err(_) => "down".to_owned(),
        }
    }

    #[tokio::test]
    async fn the_last_answer_of_a_script_is_repeated() {
        let answers = [Ok(snapshot("b")), Err(down()), Ok(snapshot("c"))];
        let source = MemorySource::new(snapshot("a")).with_answers(answers);
        for expected in ["b", "down", "c", "c", "c"] {
            assert_eq!(scrape(&source).await, expected);
        }
        assert_eq!(source.scrapes(), 5);
    }

    #[tokio::test]
    async fn an_empty_script_changes_nothing() {
        let source = MemorySource::failing(acme(), down()).with_answers([]);
        assert_eq!(scrape(&source).await, "down");
    }

    #[tokio::test]
    async fn a_pushed_answer_follows_those_before_it() {
        let source = MemorySource::new(snapshot("a"));
        source.push(Ok(snapshot("b")));
        for expected in ["a", "b", "b"] {
            assert_eq!(scrape(&source).await, expected);
        }
        source.clone().push(Err(down()));
        assert_eq!(scrape(&source).await, "down");
    }

    #[tokio::test]
    async fn setting_an_answer_drops_the_rest_of_the_script() {
        let source = MemorySource::new(snapshot("a"));
        source.push(Ok(snapshot("b")));
        source.set(Ok(snapshot("c")));
        assert_eq!(scrape(&source).await, "c");
        assert_eq!(scrape(&source).await, "c");
    }

    #[tokio::test(start_paused = true)]
    async fn a_scrape_takes_the_delay_and_counts_from_its_start() {
        let source = MemorySource::new(snapshot("a")).with_delay(seconds(2));
        let start = Instant::now();
        assert_eq!(scrape(&source).await, "a");
        assert_eq!(start.elapsed(), seconds(2));
        assert!(timeout(seconds(1), source.scrape()).await.is_err());
        assert_eq!(source.scrapes(), 2);
    }
}
