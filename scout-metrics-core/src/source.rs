//! The trait that every backend and every decorator implements.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    Cached, Fallback, MaxAge, Observation, Observed, Organization, Result, Snapshot, Timeout,
};

/// Something that Docker Scout metrics of one organization can be scraped from.
///
/// Backends ([`MemorySource`](crate::MemorySource), and in the other crates `FileSource` and `ScoutSource`) fetch
/// the data. Decorators ([`Cached`], [`Fallback`], [`MaxAge`], [`Observed`],
/// [`Timeout`]) wrap another source. Both are sources, so they compose, and an
/// `Arc<dyn MetricsSource>` or `Box<dyn MetricsSource>` is one too.
///
/// # Contract
///
/// - **Organization.** [`organization`](Self::organization) returns the same name for the whole life of the source,
///   without waiting; every snapshot belongs to that organization.
/// - **Whole or nothing.** A scrape returns everything that the source has, or an error, but never a part of it. Complete
///   data that looks odd is returned with [anomalies](Snapshot::anomalies).
/// - **Concurrency.** Any number of scrapes may run at once. Each may ask upstream; asking once for many callers is
///   what [`Cached`] is for.
/// - **Cancellation.** Dropping the future of a scrape at any await point stops its work and leaves the source usable.
/// - **Time.** A scrape ends: a backend bounds the time it waits for others.
/// - **Clones** of a source share what they hold, such as connections, credentials and cached answers.
/// - **Wrappers** forward [`organization`](Self::organization), pass errors on with their kind, and show what they wrap
///   in their `Display`, which is for logs: `Cached(3600s, Memory(acme))`.
/// - **Errors** have the kind that says what happened and contain the organization; see [`ErrorKind`](crate::ErrorKind).
///   Neither their texts nor the `Debug` and `Display` of a source contain a secret.
///
/// `conformance::check` (feature `conformance`) tests the points that can be tested from outside.
///
/// # Example
///
/// ```
/// use scout_metrics_core::{MetricsSource, Organization, Result, Snapshot, Stream};
///
/// #[derive(Debug)]
/// struct Fixed(Organization);
///
/// impl std::fmt::Display for Fixed {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "Fixed({})", self.0)
///     }
/// }
///
/// #[async_trait::async_trait]
/// impl MetricsSource for Fixed {
///     fn organization(&self) -> &Organization {
///         &self.0
///     }
///
///     async fn scrape(&self) -> Result<Snapshot> {
///         Snapshot::new(self.0.clone(), [Stream::new("production")])
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let source = Fixed(Organization::new("acme")?);
/// assert_eq!(source.scrape().await?.streams().len(), 1);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait MetricsSource: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Returns the organization that every snapshot of this source is of.
    fn organization(&self) -> &Organization;

    /// Scrapes the source once.
    ///
    /// # Errors
    ///
    /// Whatever keeps the source from answering whole, with the kind that says what it was.
    async fn scrape(&self) -> Result<Snapshot>;
}

macro_rules! forward_to_inner {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: MetricsSource + ?Sized> MetricsSource for $pointer<T> {
            fn organization(&self) -> &Organization {
                (**self).organization()
            }

            async fn scrape(&self) -> Result<Snapshot> {
                (**self).scrape().await
            }
        }
    };
}

forward_to_inner!(Arc);
forward_to_inner!(Box);

/// Decorators as methods, on every [`MetricsSource`].
///
/// ```
/// use std::time::Duration;
///
/// use scout_metrics_core::{MemorySource, MetricsSource, MetricsSourceExt, Organization, Snapshot};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), scout_metrics_core::Error> {
/// let memory = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// let source = memory.cached(Duration::from_secs(3600));
/// assert!(source.scrape().await?.is_empty());
/// # Ok(())
/// # }
/// ```
pub trait MetricsSourceExt: MetricsSource + Sized {
    /// Wraps the source in a cache that serves a snapshot for a time to live; see [`Cached`] for its defaults.
    fn cached(self, time_to_live: Duration) -> Cached<Self> {
        Cached::new(self).with_time_to_live(time_to_live)
    }

    /// Refuses snapshots that are older than a limit; see [`MaxAge`].
    fn max_age(self, limit: Duration) -> MaxAge<Self> {
        MaxAge::new(self, limit)
    }

    /// Reports every scrape to an observer; see [`Observed`].
    fn observed(self, observer: impl Fn(Observation) + Send + Sync + 'static) -> Observed<Self> {
        Observed::new(self, observer)
    }

    /// Asks another source when this one fails; see [`Fallback`].
    fn or_else<F: MetricsSource>(self, fallback: F) -> Fallback<Self, F> {
        Fallback::new(self, fallback)
    }

    /// Bounds how long a scrape takes; see [`Timeout`].
    fn timeout(self, after: Duration) -> Timeout<Self> {
        Timeout::new(self, after)
    }
}

impl<S: MetricsSource> MetricsSourceExt for S {}
