//! Vanished series in the facade, and how a recorder removes them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_util::{
    MetricKindMask,
    debugging::{DebugValue, DebuggingRecorder},
};
use scout_metrics_openmetrics::{Format, bridge::metrics::SnapshotPublisher};

use crate::{
    series::{Values, encoded, parsed},
    snapshots::small,
};

#[test]
fn a_vanished_series_is_nan() {
    let current = Arc::new(Mutex::new(vec![small("acme", &["a", "b"])]));
    let read = Arc::clone(&current);
    let mut publisher = SnapshotPublisher::new(move || read.lock().unwrap().clone());
    let recorder = PrometheusBuilder::new().build_recorder();
    publisher.publish_to(&recorder);
    let values = |text: &str| -> Values { parsed(text, Format::Prometheus) };
    let first = values(&recorder.handle().render());
    assert_eq!(first, encoded(&current.lock().unwrap(), true));

    *current.lock().unwrap() = vec![small("acme", &["a"])];
    publisher.publish_to(&recorder);
    let mut expected = first;
    for ((_, labels), value) in &mut expected {
        if labels.iter().any(|(_, value)| value == "b") {
            "NaN".clone_into(value);
        }
    }
    assert_eq!(values(&recorder.handle().render()), expected);
}

#[test]
fn a_recorder_removes_vanished_series_that_are_idle() {
    let current = Arc::new(Mutex::new(vec![small("acme", &["a", "b"])]));
    let read = Arc::clone(&current);
    let mut publisher = SnapshotPublisher::new(move || read.lock().unwrap().clone());
    // Whatever is not published between two scrapes is idle.
    let idle = Some(Duration::from_nanos(1));
    let recorder = PrometheusBuilder::new()
        .idle_timeout(MetricKindMask::GAUGE, idle)
        .build_recorder();
    let mut scrape = || {
        publisher.publish_to(&recorder);
        parsed(&recorder.handle().render(), Format::Prometheus)
    };
    let before = scrape();
    assert_eq!(before, encoded(&current.lock().unwrap(), true));
    *current.lock().unwrap() = vec![small("acme", &["a"])];
    assert_eq!(scrape().len(), before.len());
    assert_eq!(scrape(), encoded(&current.lock().unwrap(), true));
}

#[test]
fn families_have_descriptions() {
    let recorder = DebuggingRecorder::new();
    let snapshot = small("acme", &["a"]);
    SnapshotPublisher::new(move || vec![snapshot.clone()]).publish_to(&recorder);
    for (key, _, description, _) in recorder.snapshotter().snapshot().into_vec() {
        assert!(description.is_some(), "{key:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_publisher_runs_at_an_interval() {
    const INTERVAL: Duration = Duration::from_secs(15);
    let collections = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&collections);
    let publisher = SnapshotPublisher::new(move || {
        *counted.lock().unwrap() += 1;
        vec![small("acme", &["a"])]
    });
    let recorder = DebuggingRecorder::new();
    let guard = metrics::set_default_local_recorder(&recorder);
    let running = tokio::time::timeout(INTERVAL * 5 / 2, publisher.run(INTERVAL));
    assert!(running.await.is_err(), "it runs until it is dropped");
    drop(guard);
    assert_eq!(*collections.lock().unwrap(), 3);
    let recorded = recorder.snapshotter().snapshot().into_vec();
    let is_gauge = |value: &DebugValue| matches!(value, DebugValue::Gauge(_));
    assert_eq!(recorded.len(), 3);
    assert!(recorded.iter().all(|(_, _, _, value)| is_gauge(value)));
}
