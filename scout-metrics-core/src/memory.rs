//! A source that answers from memory.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;

use crate::{Error, MetricsSource, Organization, Result, Snapshot};

/// A [`MetricsSource`] that answers with the snapshot, or the error, that it was last given.
///
/// For tests, documentation and demonstrations. A clone shares the answer with the original, so a test can hand one to
/// the code under test and change what it sees.
///
/// ```
/// use scout_metrics_core::{Error, ErrorKind, MemorySource, MetricsSource, Organization, Snapshot};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let source = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// assert!(source.scrape().await?.is_empty());
///
/// source.set(Err(Error::new(ErrorKind::Unavailable, "down for maintenance")));
/// assert_eq!(source.scrape().await.unwrap_err().kind(), ErrorKind::Unavailable);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemorySource {
    organization: Organization,
    answer: Arc<RwLock<Result<Snapshot>>>,
}

impl MemorySource {
    /// Creates a source that answers with a snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            organization: snapshot.organization().clone(),
            answer: Arc::new(RwLock::new(Ok(snapshot))),
        }
    }

    /// Creates a source that answers with an error until it is given something else.
    pub fn failing(organization: Organization, error: Error) -> Self {
        Self {
            organization,
            answer: Arc::new(RwLock::new(Err(error))),
        }
    }

    /// Changes the answer, here and in every clone.
    pub fn set(&self, answer: Result<Snapshot>) {
        *self.answer.write().unwrap_or_else(PoisonError::into_inner) = answer;
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

    async fn scrape(&self) -> Result<Snapshot> {
        self.answer
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
