//! The same snapshots, gates and dashboards without a subscription, from the reports of scanners.
//!
//! Scan each image into a directory of its stream, with Docker Scout, Trivy, Grype or another scanner that writes SARIF:
//!
//! ```console
//! $ mkdir -p scans/production
//! $ docker scout cves --format sarif --output scans/production/.api.sarif registry.example/api:1.4
//! $ mv scans/production/.api.sarif scans/production/api.sarif
//! $ trivy image --format sarif --output scans/production/redis.sarif redis:7
//! ```
//!
//! [`LocalScans`](crate::LocalScans) is a source like any other, so it can be checked, cached, polled, recorded and served. Its
//! documentation says how files are named, what is counted, and which reports fail a scrape.
//!
//! ```
//! use std::time::Duration;
//!
//! use scout_metrics_http::{
//!     LocalScans, MetricsSource, MetricsSourceExt, Organization, Severity,
//!     gate::{Gate, Outcome, Rule},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let scans = directory.path();
//! # std::fs::create_dir(scans.join("production"))?;
//! # let clean = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Trivy"}}, "results": []}]}"#;
//! # std::fs::write(scans.join("production/redis.sarif"), clean)?;
//! // The snapshot is as old as the oldest report: an image that nobody scans any more does not pass for ever.
//! let source = LocalScans::new(Organization::new("acme")?, scans).max_age(Duration::from_secs(25 * 60 * 60));
//!
//! let gate = Gate::new([Rule::max(Severity::Critical, 0).with_stream("production")])?;
//! assert_eq!(gate.check(&source.scrape().await?).outcome(), Outcome::Passed);
//! # Ok(())
//! # }
//! ```
//!
//! For the metrics of a single image, make a stream of it: `scans/api/api.sarif`.
