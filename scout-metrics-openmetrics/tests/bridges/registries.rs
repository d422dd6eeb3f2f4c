//! Tests that all libraries have in common.

use std::sync::{Arc, Mutex};

use scout_metrics_core::{
    Error, ErrorKind, MemorySource, MetricsSource, Poller, PollerSet, Snapshot,
};

use crate::{
    hosts::Host,
    series::{Values, encoded},
    snapshots::{nasty, organization, small},
};

pub(crate) fn expected<H: Host>(snapshots: &[Snapshot], has_label: bool) -> Values {
    let mut expected = encoded(snapshots, has_label);
    expected.retain(|series, value| H::can_hold(series, value));
    expected
}

pub(crate) async fn poller(source: &MemorySource) -> Poller {
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
    ($($feature:literal $module:ident $host:ident,)*) => {
        $(tests!(@ $feature $module $host
            what_is_collected_is_what_the_encoder_writes
            the_metrics_of_several_organizations_have_a_label
            streams_that_vanish_are_dropped
            without_a_snapshot_nothing_is_collected
            a_closure_has_current_snapshots
        );)*
    };
    (@ $feature:literal $module:ident $host:ident $($test:ident)*) => {
        #[cfg(feature = $feature)]
        mod $module {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test::<crate::hosts::$module::$host>().await;
                }
            )*
        }
    };
}

tests! {
    "metrics" facade Facade,
    "opentelemetry" opentelemetry OpenTelemetry,
    "prometheus" prometheus Prometheus,
    "prometheus-client" prometheus_client PrometheusClient,
}
