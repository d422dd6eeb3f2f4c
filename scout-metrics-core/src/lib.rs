//! Typed Docker Scout metrics: the models, the [`MetricsSource`] trait that every backend implements, and the
//! decorators that compose them.
//!
//! ```
//! use scout_metrics_core::{MemorySource, MetricsSource, Organization, Severity, Snapshot, Stream};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), scout_metrics_core::Error> {
//! let acme = Organization::new("acme")?;
//! let production = Stream::new("production").with_vulnerabilities("5C 3H 6M 63L".parse()?);
//! let source = MemorySource::new(Snapshot::new(acme, [production])?);
//!
//! let snapshot = source.scrape().await?;
//! let stream = snapshot.stream("production").expect("the stream was put in above");
//! assert_eq!(stream.vulnerabilities()[Severity::Critical], 5);
//! assert_eq!(stream.vulnerabilities().total(), 77);
//! # Ok(())
//! # }
//! ```
//!
//! # Vocabulary
//!
//! An *organization* owns *streams*: its runtime environments, and `latest-indexed`, which holds the most recently
//! pushed image of each repository. For each stream Docker Scout counts vulnerabilities by *severity*, and images
//! *evaluated* against and *compliant* with each *policy*. One retrieval of all of it is a *scrape*; what a scrape
//! said is a [`Snapshot`].
//!
//! # Composing sources
//!
//! Whatever is a [`MetricsSource`] can be decorated, by the methods of [`MetricsSourceExt`], and the result is one again:
//!
//! | type | what it adds |
//! |---|---|
//! | [`Cached`] | the last good answer is kept for an hour and shared by all callers |
//! | [`Fallback`] | a second source is asked when the first one fails |
//! | [`MaxAge`] | a snapshot that is too old is an error |
//! | [`Observed`] | each scrape is reported, for counters and histograms |
//! | [`Poller`] | refreshes in the background, so that no caller waits |
//! | [`Timeout`] | a bound on how long a scrape takes |
//!
//! `Recorded`, which keeps the last good snapshot in a file, needs a text format and is in `scout-metrics-openmetrics`.
//!
//! [`Merged`] scrapes the sources of several organizations together. [`Snapshot::changes_since`] tells what two snapshots
//! of one differ in.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `conformance` | no | the checks every [`MetricsSource`] must pass, for tests of backends and decorators |
//!
//! # Not in this crate
//!
//! No network and no text format: reading and writing expositions is `scout-metrics-openmetrics`, asking Docker Scout
//! is `scout-metrics-http`.

#![forbid(unsafe_code)]

mod backoff;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decorate;
mod diff;
mod error;
mod memory;
mod model;
mod poller;
mod predicate;
mod refresh;
mod scrape;
mod source;
#[cfg(test)]
mod testing;
mod text;

pub use crate::{
    backoff::MAX_RETRY_AFTER,
    decorate::{
        cache::Cached,
        fallback::Fallback,
        max_age::MaxAge,
        merge::Merged,
        observe::{Observation, Observed},
        timeout::Timeout,
    },
    diff::Change,
    error::{Error, ErrorKind, Result},
    memory::MemorySource,
    model::{
        Snapshot,
        anomaly::{Anomaly, AnomalyKind, RawSample},
        organization::Organization,
        policy::{Policy, PolicyId, PolicyResult},
        severity::Severity,
        stream::{Stream, StreamName},
        vulnerabilities::VulnerabilityCounts,
    },
    poller::{Poller, PollerBuilder, Updates},
    refresh::{DEFAULT_TIME_TO_LIVE, RefreshStatus},
    source::{MetricsSource, MetricsSourceExt},
};
