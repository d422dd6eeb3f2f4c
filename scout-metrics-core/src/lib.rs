//! Docker Scout's metrics as typed data: the models, the [`MetricsSource`] trait that every backend implements, and
//! decorators that compose sources.
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
//! let stream = snapshot.stream("production").expect("the snapshot contains this stream");
//! assert_eq!(stream.vulnerabilities().get(Severity::Critical), Some(5));
//! assert_eq!(stream.vulnerabilities().total(), 77);
//! # Ok(())
//! # }
//! ```
//!
//! # Vocabulary
//!
//! An *organization* owns *streams*: its runtime environments, and `latest-indexed`, which holds the most recently
//! pushed image of each repository. For each stream Docker Scout counts vulnerabilities by *severity*, and the images
//! that were *evaluated* against each *policy* and are *compliant* with it. A *scrape* retrieves all these numbers once,
//! as a [`Snapshot`].
//!
//! # Composing sources
//!
//! The methods of [`MetricsSourceExt`] decorate any [`MetricsSource`], and the result is a source again:
//!
//! | type | description |
//! |---|---|
//! | [`Cached`] | keeps the last good snapshot for an hour and shares it among all callers |
//! | [`Fallback`] | scrapes a second source when the first one fails |
//! | [`MaxAge`] | refuses snapshots that are too old |
//! | [`Observed`] | reports each scrape to a closure, for counters and histograms |
//! | [`Recorded`] | records each good snapshot in a [`History`] and serves the last one when the source fails |
//! | [`Timeout`] | bounds how long a scrape takes |
//!
//! A [`Poller`] refreshes a source in the background, so that no caller waits. [`SourceSet`] and [`PollerSet`] hold the
//! sources of several organizations. [`Snapshot::changes_since`] compares two snapshots. A [`History`] returns the snapshots
//! of earlier times, and a [gate] decides whether a snapshot is good enough. The
//! functions of [`export`] write snapshots as tables.
//!
//! # Features
//!
//! | feature | default | description |
//! |---|---|---|
//! | `chart` | no | `chart`, bars, meters and lines as SVG |
//! | `conformance` | no | checks that every [`MetricsSource`] and [`History`] must pass; not covered by semantic versioning |
//! | `csv` | no | `export::csv`, snapshots as a table for spreadsheets |
//! | `json` | no | `export::json` and `export::json_lines`, snapshots and their rows as JSON |
//! | `local` | no | `LocalScans`, a [`MetricsSource`] that reads the SARIF reports of scanners from a directory |
//! | `sqlite` | no | `SqliteHistory`, a [`History`] in one SQLite file; builds SQLite with a C compiler |
//! | `toml` | no | `Gate::from_toml`, the rules of a [gate] in a TOML file |
//!
//! # Not supported
//!
//! This crate has no network access and no text format of metrics: `scout-metrics-openmetrics` reads and writes expositions, and
//! `scout-metrics-http` fetches them from Docker Scout.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backoff;
mod change;
#[cfg(feature = "chart")]
pub mod chart;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod decorate;
mod error;
pub mod export;
pub mod gate;
mod history;
#[cfg(feature = "local")]
mod local;
mod memory;
mod model;
mod pair;
mod poller;
mod predicate;
mod refresh;
mod scrape;
mod set;
mod slot;
mod source;
#[cfg(test)]
mod testing;
mod text;

#[cfg(feature = "sqlite")]
pub use crate::history::sqlite::SqliteHistory;
#[cfg(feature = "local")]
pub use crate::local::LocalScans;
pub use crate::{
    backoff::MAX_RETRY_AFTER,
    change::{Change, Weight, over_time::Comparison},
    decorate::{
        cache::Cached,
        fallback::Fallback,
        max_age::MaxAge,
        observe::{Observation, Observed},
        recorded::Recorded,
        recorder::RecordingStatus,
        timeout::Timeout,
    },
    error::{Error, ErrorKind, Result},
    history::{
        History, HistoryExt, MAX_STEPS, RecordHistory,
        memory::MemoryHistory,
        range_times,
        since::{Since, SinceState},
        trend::Trend,
    },
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
    set::{
        answers::Answers,
        poller_set::{PollerSet, PollerSetBuilder, SetUpdates},
        source_set::SourceSet,
    },
    source::{MetricsSource, MetricsSourceExt},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
