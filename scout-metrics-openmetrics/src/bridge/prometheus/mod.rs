//! Collectors for the registries of [prometheus].
//!
//! [`SnapshotCollector`] collects the current snapshots of a poller:
//!
//! ```
//! use prometheus::{Registry, TextEncoder};
//! use scout_metrics_core::{MemorySource, MetricsSource, Organization, Poller, Snapshot, Stream};
//! use scout_metrics_openmetrics::bridge::prometheus::SnapshotCollector;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let production = Stream::new("production").with_vulnerabilities("5C 3H".parse()?);
//! let acme = MemorySource::new(Snapshot::new(Organization::new("acme")?, [production])?);
//! let poller = Poller::builder(acme).spawn();
//!
//! let registry = Registry::new();
//! registry.register(Box::new(SnapshotCollector::new(poller.clone())))?;
//!
//! poller.scrape().await?;
//! let exposition = TextEncoder::new().encode_to_string(&registry.gather())?;
//! let line = r#"scout_stream_vulnerabilities{streamName="production",severity="CRITICAL"} 5"#;
//! assert!(exposition.lines().any(|found| found == line));
//! # Ok(())
//! # }
//! ```
//!
//! The library owns what it gathers, so a collection copies the text of all labels. It sorts samples by the values of their
//! labels. Streams that vanish from the snapshot vanish from the next collection. Several collectors can be registered
//! with one registry if each is of another organization and has the label `org`.
//!
//! [`FamilyCollector`] collects any families, such as those of the exporter endpoint in `scout-metrics-http`.
//!
//! [prometheus]: https://docs.rs/prometheus

mod families;
mod snapshots;

use prometheus::proto;

pub use self::{families::FamilyCollector, snapshots::SnapshotCollector};

fn label(name: &str, value: &str) -> proto::LabelPair {
    let mut label = proto::LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value.to_owned());
    label
}

fn gauge(labels: Vec<proto::LabelPair>, value: f64) -> proto::Metric {
    let mut gauge = proto::Gauge::default();
    gauge.set_value(value);
    let mut metric = proto::Metric::from_label(labels);
    metric.set_gauge(gauge);
    metric
}

fn family(
    name: &str,
    help: &str,
    kind: proto::MetricType,
    metrics: Vec<proto::Metric>,
) -> proto::MetricFamily {
    let mut family = proto::MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}
