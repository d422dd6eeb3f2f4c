//! The trait that every backend and every decorator implements.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    Cached, Fallback, MaxAge, Observation, Observed, Organization, RecordHistory, Recorded, Result,
    Snapshot, Timeout,
};

/// A place from which the Docker Scout metrics of one organization can be scraped.
///
/// Backends fetch the data: [`MemorySource`](crate::MemorySource) in this crate, `FileSource` and `ScoutSource` in the
/// others. Decorators, such as [`Cached`] and [`Timeout`], wrap another source. Both implement this trait, so they
/// compose, as do `Arc<dyn MetricsSource>` and `Box<dyn MetricsSource>`.
///
/// # Contract
///
/// - **Organization.** [`organization`](Self::organization) returns the same name for the whole life of the source,
///   without blocking. Every snapshot has that organization.
/// - **All or nothing.** A scrape returns all data that the source has now, or an error; never a part of the data as if
///   it were complete. Complete data that looks wrong is returned with [anomalies](Snapshot::anomalies).
/// - **Concurrency.** Any number of scrapes may run at the same time, and each may send a request upstream. [`Cached`]
///   sends one request for many callers.
/// - **Cancellation.** Dropping the future of a scrape at any await point stops its work and leaves the source usable.
/// - **Time.** Every scrape ends: a backend bounds the time that it waits for a server or a disk.
/// - **Clones** of a source share its resources, such as connections, credentials and cached snapshots.
/// - **Decorators** forward [`organization`](Self::organization), keep the kind of the errors that they return, and
///   include the `Display` of the inner source, which is for logs, in their own: `Cached(3600s, Memory(acme))`.
/// - **Errors** have the [kind](crate::ErrorKind) of what went wrong and the organization. Their texts, and the `Debug`
///   and `Display` of a source, contain no secret.
///
/// The functions in `conformance` (feature `conformance`) test the parts of the contract that are visible from outside.
///
/// # Examples
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
    /// Returns the organization of the source and of all its snapshots.
    fn organization(&self) -> &Organization;

    /// Scrapes the source once.
    ///
    /// # Errors
    ///
    /// Any reason why the source cannot return all its data, with the [kind](crate::ErrorKind) of what went wrong.
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

/// Decorators as methods of every [`MetricsSource`].
///
/// # Examples
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
    /// Wraps the source in a cache that serves a snapshot for this time; see [`Cached`].
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

    /// Scrapes another source when this one fails; see [`Fallback`].
    fn or_else<F: MetricsSource>(self, fallback: F) -> Fallback<Self, F> {
        Fallback::new(self, fallback)
    }

    /// Records each good snapshot in a history and answers from it when the source fails; see [`Recorded`].
    fn recorded(self, history: impl RecordHistory) -> Recorded<Self> {
        Recorded::new(self, history)
    }

    /// Bounds how long a scrape takes; see [`Timeout`].
    fn timeout(self, after: Duration) -> Timeout<Self> {
        Timeout::new(self, after)
    }
}

impl<S: MetricsSource> MetricsSourceExt for S {}
