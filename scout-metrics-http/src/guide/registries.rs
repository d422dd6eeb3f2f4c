//! Have Docker Scout's metrics among those of a service.
//!
//! A service that has a metrics library already needs no other endpoint. The bridges of
//! [`openmetrics::bridge`](crate::openmetrics::bridge) put the current snapshots of pollers into its registry, each with a
//! feature of the library's name: `prometheus`, `prometheus-client`, `opentelemetry` and `metrics`. They never wait for a
//! scrape.
//!
#![cfg_attr(
    all(feature = "exporter", feature = "prometheus"),
    doc = r##"
With the crate prometheus, and with the metrics of the fetches themselves:

```
use prometheus::{IntCounter, Registry, TextEncoder};
use scout_metrics_http::{
    MemorySource, Organization, PollerSet, Snapshot, Stream,
    exporter::Exporter,
    openmetrics::bridge::prometheus::{FamilyCollector, SnapshotCollector},
};

# #[tokio::main(flavor = "current_thread")]
# async fn main() -> Result<(), Box<dyn std::error::Error>> {
// In your program these are the organizations of a `ScoutClient`.
let production = Stream::new("production").with_vulnerabilities("5C 3H".parse()?);
let acme = MemorySource::new(Snapshot::new(Organization::new("acme")?, [production])?);
let exporter = Exporter::new();
let pollers = PollerSet::builder().with_source(exporter.observe(acme))?.spawn();

let registry = Registry::new();
registry.register(Box::new(IntCounter::new("jobs_total", "Jobs of the service.")?))?;
registry.register(Box::new(SnapshotCollector::new(pollers.clone())))?;
registry.register(Box::new(FamilyCollector::new(exporter.own_metrics())))?;

pollers.refresh_now().await;
let text = TextEncoder::new().encode_to_string(&registry.gather())?;
for line in [
    "jobs_total 0",
    r#"scout_stream_vulnerabilities{org="acme",streamName="production",severity="CRITICAL"} 5"#,
    r#"scout_exporter_up{org="acme"} 1"#,
] {
    assert!(text.lines().any(|found| found == line), "{line}");
}
# Ok(())
# }
```
"##
)]
//!
//! The example `embed` does this with all four libraries, and pushes to a collector of OpenTelemetry.
