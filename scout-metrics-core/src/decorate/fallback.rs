//! A second source that is scraped when the first one fails.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use tracing::{info, warn};

use crate::{
    Error, ErrorKind, MetricsSource, Organization, Result, Snapshot, predicate::ErrorPredicate,
};

/// A source that scrapes a second one when the first one fails.
///
/// # Behaviour and defaults
///
/// - The second source is scraped after any error except [`ErrorKind::Unauthorized`] and [`ErrorKind::Forbidden`], which
///   require manual intervention; see [`with_fallback_if`](Self::with_fallback_if).
/// - A warning with the error is logged when the first source starts to fail, and a line when it answers again.
///   [`Snapshot::scraped_at`] shows how old the data is.
/// - If both fail, the error of the first is returned and that of the second is logged.
/// - Both must have the same organization. Otherwise every scrape fails with [`ErrorKind::Config`], so that the mistake
///   is found before the first outage.
///
/// # Concurrency
///
/// As in the sources. Only whether an outage has been logged is kept between scrapes. A clone shares what the clones of
/// the sources share.
///
/// # Cancellation
///
/// Drops the scrape that is running, of either source.
///
/// # Order
///
/// Outside a [cache](crate::Cached). There, the last good snapshot of the cache is preferred to the fallback, the first
/// source is scraped again as soon as its back-off ends, and an answer of the fallback is not cached for an hour.
///
/// # Example
///
/// ```
/// use scout_metrics_core::{
///     Error, ErrorKind, MemorySource, MetricsSource, MetricsSourceExt, Organization, Snapshot, Stream,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let acme = Organization::new("acme")?;
/// let broken = MemorySource::failing(acme.clone(), Error::new(ErrorKind::Unavailable, "down"));
/// let last_known = MemorySource::new(Snapshot::new(acme, [Stream::new("production")])?);
///
/// let source = broken.or_else(last_known);
/// assert_eq!(source.scrape().await?.streams().len(), 1);
/// assert_eq!(source.to_string(), "Fallback(Memory(acme), Memory(acme))");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Fallback<A, B> {
    first: A,
    second: B,
    fallback_if: ErrorPredicate,
    is_failing: Arc<AtomicBool>,
}

impl<A: MetricsSource, B: MetricsSource> Fallback<A, B> {
    /// Wraps a source and a second one that is scraped when the first one fails.
    pub fn new(first: A, second: B) -> Self {
        Self {
            first,
            second,
            fallback_if: ErrorPredicate::default(),
            is_failing: Arc::default(),
        }
    }

    /// Sets the errors after which the second source is scraped; by default all except [`ErrorKind::Unauthorized`] and
    /// [`ErrorKind::Forbidden`].
    ///
    /// A predicate that panics counts as `false`.
    #[must_use]
    pub fn with_fallback_if(
        mut self,
        predicate: impl Fn(&Error) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.fallback_if = ErrorPredicate::new(predicate);
        self
    }

    fn log_outage(&self, error: &Error) {
        if !self.is_failing.swap(true, Relaxed) {
            warn!(
                organization = %self.organization(),
                kind = %error.kind(),
                error = error as &dyn std::error::Error,
                "{} fails, asking {}",
                self.first,
                self.second
            );
        }
    }

    fn log_recovery(&self, answer: &Result<Snapshot>) {
        if answer.is_ok() && self.is_failing.swap(false, Relaxed) {
            info!(organization = %self.organization(), "{} answers again", self.first);
        }
    }

    fn check_organizations(&self) -> Result<()> {
        let (first, second) = (self.first.organization(), self.second.organization());
        if first == second {
            return Ok(());
        }
        let message = format!("the fallback has another organization, `{second}`");
        Err(Error::new(ErrorKind::Config, message).with_organization(first))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: MetricsSource, B: MetricsSource> MetricsSource for Fallback<A, B> {
    fn organization(&self) -> &Organization {
        self.first.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        self.check_organizations()?;
        let error = match self.first.scrape().await {
            Err(error) if self.fallback_if.accepts(&error, self.organization()) => error,
            answer => {
                self.log_recovery(&answer);
                return answer;
            }
        };
        self.log_outage(&error);
        self.second.scrape().await.map_err(|second| {
            warn!(
                organization = %self.organization(),
                kind = %second.kind(),
                error = &second as &dyn std::error::Error,
                "{} fails too",
                self.second
            );
            error
        })
    }
}

impl<A: fmt::Debug, B: fmt::Debug> fmt::Debug for Fallback<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("first", &self.first)
            .field("second", &self.second)
            .finish_non_exhaustive()
    }
}

impl<A: fmt::Display, B: fmt::Display> fmt::Display for Fallback<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fallback({}, {})", self.first, self.second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        MemorySource, MetricsSourceExt,
        testing::{Scripted, acme, down, seconds, snapshot},
    };

    fn failing(kind: ErrorKind) -> MemorySource {
        let error = Error::new(kind, "the first failed").with_organization(&acme());
        MemorySource::failing(acme(), error)
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_answers_needs_no_fallback() {
        let second = Scripted::counting(seconds(0));
        let source = MemorySource::new(snapshot("first")).or_else(second.clone());
        let answer = source.scrape().await.unwrap();
        assert!(answer.stream("first").is_some());
        assert_eq!(second.calls(), 0);
    }

    #[tokio::test]
    async fn the_second_answers_when_the_first_fails() {
        let second = MemorySource::new(snapshot("second"));
        let source = failing(ErrorKind::Timeout).or_else(second);
        let answer = source.scrape().await.unwrap();
        assert!(answer.stream("second").is_some());
    }

    #[tokio::test]
    async fn the_error_of_the_first_is_returned_when_both_fail() {
        let source = failing(ErrorKind::Timeout).or_else(MemorySource::failing(acme(), down()));
        let error = source.scrape().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(error.to_string(), "organization `acme`: the first failed");
    }

    #[tokio::test]
    async fn a_denied_source_is_not_worked_around_unless_asked_for() {
        for kind in [ErrorKind::Unauthorized, ErrorKind::Forbidden] {
            let source = failing(kind).or_else(MemorySource::new(snapshot("second")));
            assert_eq!(source.scrape().await.unwrap_err().kind(), kind);
            let source = source.with_fallback_if(|_| true);
            assert!(source.scrape().await.is_ok());
        }
    }

    #[tokio::test]
    async fn a_predicate_that_panics_asks_for_no_fallback() {
        let source = failing(ErrorKind::Timeout)
            .or_else(MemorySource::new(snapshot("second")))
            .with_fallback_if(|_| panic!("by design"));
        let error = source.scrape().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    #[tokio::test]
    async fn a_fallback_of_another_organization_is_refused_before_it_is_needed() {
        let other = Organization::new("other").unwrap();
        let second = MemorySource::new(Snapshot::new(other, []).unwrap());
        let source = MemorySource::new(snapshot("first")).or_else(second);
        let error = source.scrape().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "organization `acme`: the fallback has another organization, `other`"
        );
    }
}
