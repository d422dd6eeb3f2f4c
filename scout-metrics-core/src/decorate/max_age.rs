//! A bound on how old a snapshot may be.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot, text::Rounded};

/// A source that refuses snapshots of another one that are too old, with an error of kind
/// [`ErrorKind::Unavailable`].
///
/// Caches, pollers and recorded sources keep serving the last good snapshot while a source fails. This decorator limits
/// the age of the data, however many of them it wraps.
///
/// # Behaviour
///
/// A snapshot whose age exceeds the limit is an error that names both. A snapshot from the future has no age. There is
/// no default limit.
///
/// # Concurrency
///
/// As in the source. A clone shares what the clone of the source shares.
///
/// # Cancellation
///
/// Drops the scrape of the source.
///
/// # Order
///
/// Outside every decorator that keeps snapshots, such as a [cache](crate::Cached) or a [poller](crate::Poller); inside a
/// [fallback](crate::Fallback) that should answer in this case.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use scout_metrics_core::{MemorySource, MetricsSource, MetricsSourceExt, Organization, Snapshot};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), scout_metrics_core::Error> {
/// const HOUR: Duration = Duration::from_secs(3600);
/// let old = Snapshot::new(Organization::new("acme")?, [])?
///     .with_scraped_at(SystemTime::now() - 26 * HOUR);
/// let source = MemorySource::new(old).max_age(25 * HOUR);
///
/// assert_eq!(
///     source.scrape().await.unwrap_err().to_string(),
///     "organization `acme`: the last snapshot is 26h old, older than the limit of 25h"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MaxAge<S> {
    source: S,
    limit: Duration,
}

impl<S: MetricsSource> MaxAge<S> {
    /// Wraps a source whose snapshots are refused when they are older than a limit.
    pub fn new(source: S, limit: Duration) -> Self {
        Self { source, limit }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: MetricsSource> MetricsSource for MaxAge<S> {
    fn organization(&self) -> &Organization {
        self.source.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let snapshot = self.source.scrape().await?;
        let age = snapshot.age();
        if age <= self.limit {
            return Ok(snapshot);
        }
        let message = format!(
            "the last snapshot is {} old, older than the limit of {}",
            Rounded(age),
            Rounded(self.limit)
        );
        Err(Error::new(ErrorKind::Unavailable, message).with_organization(self.organization()))
    }
}

impl<S: fmt::Display> fmt::Display for MaxAge<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaxAge({:?}, {})", self.limit, self.source)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use tokio::time::advance;

    use super::*;
    use crate::{
        MemorySource, MetricsSourceExt,
        testing::{acme, down, seconds, snapshot},
    };

    fn scraped(ago: Duration) -> MemorySource {
        MemorySource::new(snapshot("1").with_scraped_at(SystemTime::now() - ago))
    }

    #[tokio::test(start_paused = true)]
    async fn a_snapshot_up_to_the_limit_passes() {
        let source = scraped(seconds(3590)).max_age(seconds(3600));
        assert!(source.scrape().await.is_ok());
        assert_eq!(source.to_string(), "MaxAge(3600s, Memory(acme))");
        let future = SystemTime::now() + seconds(1_000_000);
        let source = MemorySource::new(snapshot("1").with_scraped_at(future));
        assert!(source.max_age(Duration::ZERO).scrape().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_older_one_is_an_error_that_names_both() {
        for (age, limit, text) in [
            (93_600, 90_000, "26h old, older than the limit of 25h"),
            (3661, 3600, "1h 1m old, older than the limit of 1h"),
            (185, 184, "3m 5s old, older than the limit of 3m 4s"),
            (5, 0, "5s old, older than the limit of 0s"),
        ] {
            let source = scraped(seconds(age)).max_age(seconds(limit));
            let error = source.scrape().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert_eq!(error.message(), format!("the last snapshot is {text}"));
            assert_eq!(error.organization(), Some(&acme()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_age_of_a_snapshot_in_a_cache_grows() {
        let source = MemorySource::new(snapshot("1"))
            .cached(seconds(7200))
            .max_age(seconds(3600));
        assert!(source.scrape().await.is_ok());
        advance(seconds(3601)).await;
        assert!(source.scrape().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_passes_as_it_is() {
        let source = MemorySource::failing(acme(), down()).max_age(seconds(1));
        let error = source.scrape().await.unwrap_err();
        assert_eq!(error.to_string(), "organization `acme`: down");
    }
}
