//! Push metrics to a database.
//!
//! Prometheus usually scrapes, and the feature `exporter` serves it. Push where nobody can scrape you:
//! from behind a firewall, from a job that runs and ends, or into a hosted database such as Grafana Cloud or Mimir.
//!
//! # From a service
//!
//! A [`RemoteWrite`](crate::remote_write::RemoteWrite) writes what pollers return, and keeps it through an outage of the
//! database:
//!
//! ```
//! use std::time::Duration;
//!
//! use scout_metrics_http::{
//!     MemorySource, Organization, PollerSet, Snapshot, Stream,
//!     remote_write::{DropReason, RemoteWrite},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> scout_metrics_http::Result<()> {
//! // In your program these are the organizations of a `ScoutClient`.
//! let production = Stream::new("production").with_vulnerabilities("5C 3H".parse()?);
//! let acme = MemorySource::new(Snapshot::new(Organization::new("acme")?, [production])?);
//! let pollers = PollerSet::builder().with_source(acme)?.spawn();
//!
//! let pushed = RemoteWrite::builder("http://localhost:9/api/v1/write")
//!     .with_label("job", "scout")
//!     .with_queue_limit(16 * 1024 * 1024)
//!     .spawn(&pollers)?;
//!
//! // The database is down, so what waits is counted.
//! while pushed.stats().last_error().is_none() {
//!     tokio::time::sleep(Duration::from_millis(10)).await;
//! }
//! assert!(pushed.stats().queued() > 0);
//!
//! // At the end of the program, with a bound on how long it takes.
//! let stats = pushed.shutdown(Duration::from_millis(50)).await;
//! assert_eq!(stats.queued(), 0);
//! assert!(stats.dropped(DropReason::Shutdown) > 0);
//! # Ok(())
//! # }
//! ```
//!
//! [`RemoteWriteStats::families`](crate::remote_write::RemoteWriteStats::families) has the counters as metrics, which a
//! registry or an exporter can serve.
//!
//! # From a job
//!
//! A [`RemoteWriter`](crate::remote_write::RemoteWriter) writes once. In Grafana Cloud, the user is the number of the instance
//! and the token its password:
//!
//! ```no_run
//! use scout_metrics_http::{MetricsSource, ScoutClient, remote_write::RemoteWrite};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> scout_metrics_http::Result<()> {
//! let scout = ScoutClient::builder().with_token_from_env().build()?;
//! let receiver = RemoteWrite::builder("https://prometheus-prod.grafana.example/api/prom/push")
//!     .with_user("123456")
//!     .with_token_file("/run/secrets/grafana")
//!     .build()?;
//! let snapshot = scout.organization("acme")?.scrape().await?;
//! receiver.write(&[snapshot]).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Any metrics
//!
//! [`RemoteWriter::write_families`](crate::remote_write::RemoteWriter::write_families) writes any metric families, such as those
//! of an exposition that [`parse_families`](crate::openmetrics::parse_families) has read, and
//! [`encode`](crate::remote_write::encode) makes the message for a transport of your own.
