//! Ask a server that has scraped for months.
//!
//! Whoever runs Prometheus, Thanos, Mimir, VictoriaMetrics or Grafana Cloud has the past snapshots already, if one of them
//! scrapes an exporter of this crate or Docker Scout. [`PrometheusHistory`](crate::PrometheusHistory) reads them, so gates,
//! comparisons and trends need no file of their own:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use scout_metrics_http::{
//!     HistoryExt, Organization, PrometheusHistory, Severity,
//!     gate::{Baseline, Gate, Rule},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> scout_metrics_http::Result<()> {
//! let history = PrometheusHistory::builder("https://prometheus.example")
//!     .with_token_file("/run/secrets/prometheus")
//!     .with_matcher("job", "scout")
//!     .build()?;
//! let acme = Organization::new("acme")?;
//!
//! // Nothing critical, and no worse than a week ago.
//! let week = Duration::from_secs(7 * 24 * 3600);
//! let rules = [Rule::max(Severity::Critical, 0), Rule::no_worse_than(Baseline::ago(week))];
//! if let Some(latest) = history.latest(&acme).await? {
//!     let verdict = Gate::new(rules)?.check_with(&latest, &history).await;
//!     println!("{verdict}");
//! }
//!
//! // Since when it has been so.
//! for since in history.since(&acme, 12 * week).await? {
//!     println!("{since}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Check first:
//!
//! - **One job for each organization**, or a matcher. `/metrics` of the exporter has all organizations with the label `org`;
//!   a job that scrapes one without such a label needs
//!   [`with_organization`](crate::PrometheusHistoryBuilder::with_organization).
//! - **Labels of your own**, such as `cluster`, are named with a matcher or with
//!   [`with_target_label`](crate::PrometheusHistoryBuilder::with_target_label). Otherwise they are anomalies, and no gate can
//!   tell.
//! - **The age of the data.** The time of a snapshot is that of the server's scrape. The exporter may serve an older one during
//!   an outage of Docker Scout; its metric `scout_exporter_snapshot_age_seconds` says how old it is.
//! - **Scrapes at least every five minutes** are asked for most cheaply. Rarer ones are found too.
