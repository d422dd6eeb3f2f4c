//! A bound on how long a scrape takes.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot};

/// A source that gives up on another one after a time, with an error of kind [`ErrorKind::Timeout`].
///
/// There is no default. A backend has a bound of its own; this one is for a caller who has less time.
///
/// # Concurrency
///
/// Each scrape has its own time, from its first poll. A clone shares what the clone of the source shares.
///
/// # Cancellation
///
/// The inner scrape is dropped when the time has elapsed or the outer scrape is dropped.
///
/// # Order
///
/// For a caller who has little time, outside a [cache](crate::Cached): it bounds how long this caller waits, and the
/// refresh continues for the next one. Inside the cache it aborts the refresh, so a source that always needs longer
/// never answers. Use it there only to bound a source that may take forever.
///
/// ```
/// # use std::time::Duration;
/// # use scout_metrics_core::{MemorySource, MetricsSource, MetricsSourceExt, Organization, Snapshot};
/// # fn main() -> Result<(), scout_metrics_core::Error> {
/// # let scout = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// # let unbounded = scout.clone();
/// const HOUR: Duration = Duration::from_secs(3600);
///
/// // A caller waits for 10 seconds; a refresh may take longer.
/// let right = scout.cached(HOUR).timeout(Duration::from_secs(10));
///
/// // A refresh ends after two minutes, which is far more than the source ever needs.
/// let bounded = unbounded.timeout(Duration::from_secs(120)).cached(HOUR);
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
/// let source = memory.timeout(Duration::from_secs(5));
/// assert!(source.scrape().await.is_ok());
/// assert_eq!(source.to_string(), "Timeout(5s, Memory(acme))");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Timeout<S> {
    source: S,
    after: Duration,
}

impl<S: MetricsSource> Timeout<S> {
    /// Wraps a source whose scrapes end after a time.
    pub fn new(source: S, after: Duration) -> Self {
        Self { source, after }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: MetricsSource> MetricsSource for Timeout<S> {
    fn organization(&self) -> &Organization {
        self.source.organization()
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let answer = tokio::time::timeout(self.after, self.source.scrape()).await;
        answer.unwrap_or_else(|_elapsed| {
            let message = format!("no answer within {:?}", self.after);
            Err(Error::new(ErrorKind::Timeout, message).with_organization(self.organization()))
        })
    }
}

impl<S: fmt::Display> fmt::Display for Timeout<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timeout({:?}, {})", self.after, self.source)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::{
        MetricsSourceExt,
        testing::{Scripted, down, seconds, snapshot},
    };

    #[tokio::test(start_paused = true)]
    async fn gives_up_in_time_and_stops_the_work() {
        let upstream = Scripted::counting(seconds(10));
        let start = Instant::now();
        let error = upstream
            .clone()
            .timeout(seconds(5))
            .scrape()
            .await
            .unwrap_err();
        assert_eq!(start.elapsed(), seconds(5));
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(
            error.to_string(),
            "organization `acme`: no answer within 5s"
        );
        assert_eq!(upstream.running(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn passes_on_what_comes_in_time() {
        let source = Scripted::new(seconds(1), |call| match call {
            1 => Ok(snapshot("1")),
            _ => Err(down()),
        })
        .timeout(Duration::MAX);
        assert!(source.scrape().await.is_ok());
        let error = source.scrape().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }

    #[tokio::test(start_paused = true)]
    async fn outside_a_cache_the_refresh_goes_on_for_the_others() {
        let upstream = Scripted::counting(seconds(10));
        let cached = upstream.clone().cached(seconds(3600));
        let impatient = cached.clone().timeout(seconds(1));
        let (impatient, patient) = tokio::join!(impatient.scrape(), cached.scrape());
        assert!(impatient.is_err());
        assert!(patient.is_ok());
        assert_eq!(upstream.calls(), 1);
    }
}
