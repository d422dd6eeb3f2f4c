//! Particulars of the registry of prometheus.

use std::time::Duration;

use prometheus::Registry;
use scout_metrics_core::{Error, ErrorKind, MemorySource};
use scout_metrics_openmetrics::{Format, bridge::prometheus::SnapshotCollector};

use crate::{
    hosts::{
        Host,
        prometheus::{Prometheus, encode},
    },
    registries::{expected, poller},
    series::{Values, parsed},
    snapshots::{nasty, small},
};

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_too_old_is_not_collected() {
    const HOUR: Duration = Duration::from_secs(3600);
    let source = MemorySource::new(small("acme", &["production"]));
    let poller = poller(&source).await;
    let mut host = Prometheus::new(poller.clone(), false);
    source.set(Err(Error::new(ErrorKind::Unavailable, "down")));
    tokio::time::sleep(20 * HOUR).await;
    assert!(!host.values().is_empty());
    tokio::time::sleep(20 * HOUR).await;
    assert_eq!(host.values(), Values::new());
}

#[tokio::test]
async fn a_registry_of_prometheus_has_collectors_of_several_organizations() {
    let registry = Registry::new();
    let snapshots = [nasty("acme"), nasty("apex")];
    for snapshot in &snapshots {
        let poller = poller(&MemorySource::new(snapshot.clone())).await;
        let collector = || SnapshotCollector::new(poller.clone()).with_organization_label();
        registry.register(Box::new(collector())).unwrap();
        assert!(registry.register(Box::new(collector())).is_err());
    }
    let text = encode(&registry);
    let values = parsed(&text, Format::Prometheus);
    assert_eq!(values, expected::<Prometheus>(&snapshots, true));
}

#[test]
fn debug_shows_the_label() {
    let text = format!("{:?}", SnapshotCollector::new(Vec::new));
    assert!(text.contains(r#"label: Some(("org", None))"#), "{text}");
}
