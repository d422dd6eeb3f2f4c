//! What all libraries have in common.

use std::sync::{Arc, Mutex};

use scout_metrics_core::{
    Error, ErrorKind, MemorySource, MetricsSource, Poller, PollerSet, Snapshot,
};

use crate::{
    hosts::{Facade, Host, OpenTelemetry, Prometheus, PrometheusClient},
    series::{Values, encoded},
    snapshots::{nasty, organization, small},
};

fn expected<H: Host>(snapshots: &[Snapshot], has_label: bool) -> Values {
    let mut expected = encoded(snapshots, has_label);
    expected.retain(|series, value| H::can_hold(series, value));
    expected
}

async fn poller(source: &MemorySource) -> Poller {
    let poller = Poller::builder(source.clone()).spawn();
    // The first refresh may fail.
    let _ = poller.scrape().await;
    poller
}

async fn what_is_collected_is_what_the_encoder_writes<H: Host>() {
    let snapshot = nasty("acme");
    let poller = poller(&MemorySource::new(snapshot.clone())).await;
    for has_label in [false, true] {
        let mut host = H::new(poller.clone(), has_label);
        let expected = expected::<H>(std::slice::from_ref(&snapshot), has_label);
        assert!(expected.len() > 40, "{}", expected.len());
        assert_eq!(host.values(), expected);
        assert_eq!(host.values(), expected);
    }
}

async fn the_metrics_of_several_organizations_have_a_label<H: Host>() {
    let snapshots = [nasty("acme"), nasty("apex")];
    let sources = snapshots.clone().map(MemorySource::new);
    let pollers = PollerSet::builder().with_sources(sources).unwrap().spawn();
    assert!(pollers.refresh_now().await.is_complete());
    let mut host = H::new(pollers, false);
    assert_eq!(host.values(), expected::<H>(&snapshots, true));
}

async fn streams_that_vanish_are_dropped<H: Host>() {
    let (before, after) = (nasty("acme"), small("acme", &["production"]));
    let source = MemorySource::new(before.clone());
    let poller = poller(&source).await;
    let mut host = H::new(poller.clone(), false);
    assert_eq!(
        host.values(),
        expected::<H>(std::slice::from_ref(&before), false)
    );
    source.set(Ok(after.clone()));
    poller.refresh_now().await.unwrap();
    assert_eq!(host.values(), expected::<H>(&[after], false));
    source.set(Ok(before.clone()));
    poller.refresh_now().await.unwrap();
    assert_eq!(host.values(), expected::<H>(&[before], false));
}

async fn without_a_snapshot_nothing_is_collected<H: Host>() {
    let down = || Error::new(ErrorKind::Unavailable, "down");
    let source = MemorySource::failing(organization("acme"), down());
    let poller = poller(&source).await;
    let mut host = H::new(poller.clone(), true);
    assert_eq!(host.values(), Values::new());

    let snapshot = small("acme", &["production"]);
    source.set(Ok(snapshot.clone()));
    poller.refresh_now().await.unwrap();
    let values = expected::<H>(&[snapshot], true);
    assert_eq!(host.values(), values);

    source.set(Err(down()));
    poller.refresh_now().await.unwrap_err();
    assert_eq!(host.values(), values);

    source.set(Err(Error::new(ErrorKind::Unauthorized, "revoked")));
    poller.refresh_now().await.unwrap_err();
    assert_eq!(host.values(), Values::new());
}

async fn a_closure_has_current_snapshots<H: Host>() {
    let current = Arc::new(Mutex::new(Vec::new()));
    let read = Arc::clone(&current);
    let mut host = H::new(move || read.lock().unwrap().clone(), false);
    assert_eq!(host.values(), Values::new());
    let snapshots = vec![small("acme", &["a", "b"]), small("apex", &["a"])];
    current.lock().unwrap().clone_from(&snapshots);
    assert_eq!(host.values(), expected::<H>(&snapshots, true));
}

macro_rules! tests {
    ($($module:ident: $host:ty),*) => {
        $(tests!(@ $module, $host,
            what_is_collected_is_what_the_encoder_writes
            the_metrics_of_several_organizations_have_a_label
            streams_that_vanish_are_dropped
            without_a_snapshot_nothing_is_collected
            a_closure_has_current_snapshots
        );)*
    };
    (@ $module:ident, $host:ty, $($test:ident)*) => {
        mod $module {
            use super::*;

            $(
                #[tokio::test]
                async fn $test() {
                    super::$test::<$host>().await;
                }
            )*
        }
    };
}

tests! {
    facade: Facade,
    opentelemetry: OpenTelemetry,
    prometheus: Prometheus,
    prometheus_client: PrometheusClient
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_too_old_is_not_collected() {
    const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
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
    use scout_metrics_openmetrics::bridge::prometheus::SnapshotCollector;

    let registry = ::prometheus::Registry::new();
    let snapshots = [nasty("acme"), nasty("apex")];
    for snapshot in &snapshots {
        let poller = poller(&MemorySource::new(snapshot.clone())).await;
        let collector = || SnapshotCollector::new(poller.clone()).with_organization_label();
        registry.register(Box::new(collector())).unwrap();
        assert!(registry.register(Box::new(collector())).is_err());
    }
    let text = crate::hosts::encode_prometheus(&registry);
    let values = crate::series::parsed(&text, scout_metrics_openmetrics::Format::Prometheus);
    assert_eq!(values, expected::<Prometheus>(&snapshots, true));
}

#[test]
fn debug_shows_the_label() {
    let gauges = scout_metrics_openmetrics::bridge::opentelemetry::SnapshotGauges::new(Vec::new);
    let text = format!("{gauges:?}");
    assert!(text.contains(r#"label: Some(("org", None))"#), "{text}");
}
