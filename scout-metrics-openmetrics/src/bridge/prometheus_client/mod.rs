//! Collectors for the registries of [prometheus-client].
//!
//! [`SnapshotCollector`] collects the current snapshots of a poller:
//!
//! ```
//! use prometheus_client::{encoding::text, registry::Registry};
//! use scout_metrics_core::{MemorySource, MetricsSource, Organization, Poller, Snapshot, Stream};
//! use scout_metrics_openmetrics::bridge::prometheus_client::SnapshotCollector;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let production = Stream::new("production").with_vulnerabilities("5C 3H".parse()?);
//! let acme = MemorySource::new(Snapshot::new(Organization::new("acme")?, [production])?);
//! let poller = Poller::builder(acme).spawn();
//!
//! let mut registry = Registry::default();
//! let collector = SnapshotCollector::new(poller.clone()).with_organization_label();
//! registry.register_collector(Box::new(collector));
//!
//! poller.scrape().await?;
//! let mut exposition = String::new();
//! text::encode(&mut exposition, &registry)?;
//! let line = r#"scout_stream_vulnerabilities{org="acme",streamName="production",severity="CRITICAL"} 5"#;
//! assert!(exposition.lines().any(|found| found == line));
//! # Ok(())
//! # }
//! ```
//!
//! A collection copies no text: labels are written from the snapshot into the exposition. Streams that vanish from the
//! snapshot vanish from the next collection. Register one collector with a registry: the library writes the metadata of a
//! family once for each collector, and an exposition with two `# TYPE` of a family is invalid. A
//! [`PollerSet`](scout_metrics_core::PollerSet) has the pollers of several organizations.
//!
//! [`FamilyCollector`] collects any families, such as those of the exporter endpoint in `scout-metrics-http`.
//!
//! [prometheus-client]: https://docs.rs/prometheus-client

mod families;
mod snapshots;

pub use self::{families::FamilyCollector, snapshots::SnapshotCollector};
