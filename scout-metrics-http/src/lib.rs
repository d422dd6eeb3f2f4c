//! The authenticated Docker Scout metrics client and, as a feature, an exporter endpoint.
//!
#![cfg_attr(feature = "client", doc = "```no_run")]
#![cfg_attr(not(feature = "client"), doc = "```text")]
//! use std::time::Duration;
//!
//! use scout_metrics_http::{MetricsSource, MetricsSourceExt, Poller, ScoutClient};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> scout_metrics_http::Result<()> {
//! let scout = ScoutClient::builder().with_token_file("/run/secrets/docker_pat").build()?;
//! let acme = scout.organization("acme")?;
//! let snapshot = acme.scrape().await?;
//! for stream in snapshot.streams() {
//!     println!("{:<20} {}", stream.name(), stream.vulnerabilities());
//!     for result in stream.policies() {
//!         println!("  {:<40} {}/{}", result.policy().display_name(), result.compliant(), result.evaluated());
//!     }
//! }
//!
//! // Cache for callers, or poll in the background.
//! let cached = acme.clone().cached(Duration::from_secs(3600));
//! let poller = Poller::builder(acme).with_interval(Duration::from_secs(3600)).spawn();
//! # Ok(())
//! # }
//! ```
//!
//! [`ScoutClient`] holds credentials, options and connections. [`ScoutSource`] is one organization's [`MetricsSource`],
//! so it can be cached, polled and served like any other. [`ScoutSource::exposition`] fetches the raw text with the same
//! authentication. This crate re-exports the everyday types of [`core`] and [`openmetrics`], so that it is the only
//! dependency a service needs.
//!
//! # The token
//!
//! Docker Scout requires a personal access token of an owner of the organization, or an organization access token. It is
//! best kept in a file, which is read again for each fetch; [`ScoutClientBuilder`] lists the other ways. It is sent to the
//! configured server, over TLS, and nowhere else: redirects are not followed, plain `http` is accepted for this machine
//! only, and no `Debug`, message or log shows the token, even if the server repeats it.
//!
//! # The network
//!
//! Everything is bounded: the time of a fetch with all its attempts, the size of its body before and after
//! decompression, the text that an error keeps. The proxy variables of the environment (`HTTPS_PROXY`, `HTTP_PROXY`,
//! `ALL_PROXY`, `NO_PROXY`) are used, except for this machine.
//!
//! The [`guide`] lists what to use for which task.
//!
//! # Features
//!
//! | feature | default | description |
//! |---|---|---|
//! | `chart` | no | `chart`: bars, meters and lines as SVG |
//! | `client` | yes | [`ScoutClient`], with `reqwest` |
//! | `conformance` | no | `conformance`: checks that every [`MetricsSource`] and `History` must pass, for tests; not covered by semantic versioning |
//! | `csv` | no | `export::csv`: snapshots as a table for spreadsheets |
//! | `docker-login` | no | `with_docker_login`: the credentials that `docker login` keeps, if no other token is given |
//! | `exporter` | no | `exporter`: an endpoint with the paths of Docker Scout's own that serves any source; does not need `reqwest` |
//! | `html` | no | `html::Report`: snapshots and histories as one HTML file for people |
//! | `json` | no | `export::json` and `export::json_lines`: snapshots and their rows as JSON |
//! | `local` | no | `LocalScans`: a source that reads the SARIF reports of scanners from a directory |
//! | `metrics` | no | `openmetrics::bridge::metrics`: current snapshots in the facade of the crate metrics |
//! | `opentelemetry` | no | `openmetrics::bridge::opentelemetry`: current snapshots as observable gauges, for OTLP |
//! | `prometheus` | no | `openmetrics::bridge::prometheus`: current snapshots, and the exporter's own metrics, in a registry |
//! | `prometheus-api` | no | `PrometheusHistory`: past snapshots from a server with Prometheus' query API |
//! | `prometheus-client` | no | `openmetrics::bridge::prometheus_client`: the same for prometheus-client |
//! | `remote-write` | no | `remote_write`: pushes snapshots, or any families, to databases with the protocol of Prometheus, 2.0 and 1.0 |
//! | `rustls` | yes | HTTPS for the client, with ring and the authorities of webpki-roots, of the system, and of a file |
//! | `sqlite` | no | `SqliteHistory`: past snapshots in one SQLite file; builds SQLite with a C compiler |
//! | `toml` | no | `gate::Gate::from_toml`: the rules of a gate in a TOML file |
//!
//! `rustls` enables the feature `rustls-no-provider` of `reqwest`. A program that uses `reqwest` for something else, with
//! none of its TLS features, must install a provider of `rustls`, or `reqwest` panics when it builds a client.
//!
//! # Not supported
//!
//! Cookies, HTTP/2, compression other than gzip, and conditional requests: Scout's answers are small, and cached by Scout
//! for an hour.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "exporter")]
pub mod exporter;
pub mod guide;
#[cfg(feature = "html")]
pub mod html;
#[cfg(feature = "prometheus-api")]
mod prometheus_api;
#[cfg(feature = "remote-write")]
pub mod remote_write;
#[cfg(any(feature = "client", feature = "exporter"))]
mod token;
#[cfg(feature = "client")]
mod transport;

pub use async_trait::async_trait;
#[cfg(feature = "client")]
#[doc(no_inline)]
pub use reqwest;
#[doc(no_inline)]
pub use scout_metrics_core as core;
#[cfg(feature = "local")]
#[doc(no_inline)]
pub use scout_metrics_core::LocalScans;
#[cfg(feature = "sqlite")]
#[doc(no_inline)]
pub use scout_metrics_core::SqliteHistory;
#[cfg(feature = "chart")]
#[doc(no_inline)]
pub use scout_metrics_core::chart;
#[cfg(feature = "conformance")]
#[doc(no_inline)]
pub use scout_metrics_core::conformance;
#[doc(no_inline)]
pub use scout_metrics_core::{
    Anomaly, AnomalyKind, Answers, Change, Comparison, Error, ErrorKind, History, HistoryExt,
    MemoryHistory, MemorySource, MetricsSource, MetricsSourceExt, Organization, Policy,
    PolicyResult, Poller, PollerSet, RecordHistory, Result, Severity, Snapshot, SourceSet, Stream,
    VulnerabilityCounts, export, gate,
};
#[doc(no_inline)]
pub use scout_metrics_openmetrics as openmetrics;
#[doc(no_inline)]
pub use scout_metrics_openmetrics::{ContentType, Exposition, Format};

#[cfg(feature = "client")]
pub use crate::client::{ScoutClient, ScoutClientBuilder, ScoutSource};

#[cfg(feature = "prometheus-api")]
pub use crate::prometheus_api::{PrometheusHistory, PrometheusHistoryBuilder};

#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
struct CrateReadme;
