//! The libraries that collect through bridges, each without what does not belong to a collection.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use metrics::{
    Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use opentelemetry::{
    KeyValue,
    metrics::{
        AsyncInstrument, AsyncInstrumentBuilder, Callback, InstrumentProvider, Meter,
        ObservableGauge,
    },
};
use prometheus::core::Collector;
use scout_metrics_benches::scout;
use scout_metrics_core::{Organization, Snapshot, Stream};
use scout_metrics_openmetrics::{
    Limits,
    bridge::{
        metrics::SnapshotPublisher, opentelemetry::SnapshotGauges, prometheus as registry,
        prometheus_client as client,
    },
    scout::SnapshotReader,
};

/// Five severities, and seven policies with two counts each.
const SAMPLES_PER_STREAM: usize = 5 + 2 * 7;

/// Returns a snapshot with this many samples, all of them in streams. The last stream has
/// policies alone.
pub(crate) fn snapshot(samples: usize) -> Snapshot {
    let reader = SnapshotReader::new(Organization::new("acme").expect("the name is valid"));
    let reader = reader.with_limits(Limits::unlimited());
    let streams = samples.div_ceil(SAMPLES_PER_STREAM);
    let text = scout(streams * SAMPLES_PER_STREAM);
    let snapshot = reader.read(text.as_bytes()).expect("the input is good");
    let mut streams = snapshot.streams().to_vec();
    let last = streams.pop().expect("there are samples");
    let left = samples - streams.len() * SAMPLES_PER_STREAM;
    assert_eq!(left % 2, 0, "a policy has two counts");
    let policies = last.policies().iter().take(left / 2).cloned();
    streams.push(Stream::new(last.name().clone()).with_policies(policies));
    Snapshot::new(snapshot.organization().clone(), streams).expect("the names are good")
}

/// Collects, and returns how many samples there were.
pub(crate) type Collect = Box<dyn FnMut() -> usize>;

/// Returns what collects a snapshot through each bridge.
pub(crate) fn hosts(snapshot: &Snapshot) -> [(&'static str, Collect); 4] {
    [
        ("prometheus-client", prometheus_client(snapshot)),
        ("prometheus", prometheus(snapshot)),
        ("opentelemetry", opentelemetry(snapshot)),
        ("metrics", facade(snapshot)),
    ]
}

fn current(snapshot: &Snapshot) -> impl Fn() -> Vec<Snapshot> + use<> {
    let snapshot = snapshot.clone();
    move || vec![snapshot.clone()]
}

/// Writes into memory that it has already.
fn prometheus_client(snapshot: &Snapshot) -> Collect {
    let mut registry = prometheus_client::registry::Registry::default();
    registry.register_collector(Box::new(client::SnapshotCollector::new(current(snapshot))));
    let collect = move |text: &mut String| {
        text.clear();
        prometheus_client::encoding::text::encode(text, &registry).expect("there is memory");
    };
    // Counting lines would take longer than writing them, so they are counted once.
    let mut text = String::new();
    collect(&mut text);
    let length = text.len();
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    Box::new(move || {
        collect(&mut text);
        if text.len() == length { samples } else { 0 }
    })
}

fn prometheus(snapshot: &Snapshot) -> Collect {
    let collector = registry::SnapshotCollector::new(current(snapshot));
    Box::new(move || {
        let families = collector.collect();
        families
            .iter()
            .map(|family| family.get_metric().len())
            .sum()
    })
}

fn opentelemetry(snapshot: &Snapshot) -> Collect {
    let callbacks = Arc::new(Callbacks::default());
    let provider: Arc<dyn InstrumentProvider + Send + Sync> = Arc::<Callbacks>::clone(&callbacks);
    SnapshotGauges::new(current(snapshot)).register(&Meter::new(provider));
    Box::new(move || {
        let observer = Observer::default();
        let callbacks = callbacks.0.lock().expect("nothing panics");
        callbacks.iter().for_each(|observe| observe(&observer));
        observer.0.into_inner()
    })
}

/// Keeps the callbacks of gauges, as an SDK does.
#[derive(Default)]
struct Callbacks(Mutex<Vec<Callback<u64>>>);

impl InstrumentProvider for Callbacks {
    fn u64_observable_gauge(
        &self,
        builder: AsyncInstrumentBuilder<'_, ObservableGauge<u64>, u64>,
    ) -> ObservableGauge<u64> {
        let mut callbacks = self.0.lock().expect("nothing panics");
        callbacks.extend(builder.callbacks);
        ObservableGauge::new()
    }
}

/// Counts observations.
#[derive(Default)]
struct Observer(AtomicUsize);

impl AsyncInstrument<u64> for Observer {
    fn observe(&self, _: u64, attributes: &[KeyValue]) {
        assert!(!attributes.is_empty());
        self.0.fetch_add(1, Relaxed);
    }
}

fn facade(snapshot: &Snapshot) -> Collect {
    let mut publisher = SnapshotPublisher::new(current(snapshot));
    let recorder = Gauges::default();
    Box::new(move || {
        let before = recorder.0.0.load(Relaxed);
        publisher.publish_to(&recorder);
        recorder.0.0.load(Relaxed) - before
    })
}

/// A recorder that counts values and keeps nothing.
#[derive(Default)]
struct Gauges(Arc<Values>);

#[derive(Default)]
struct Values(AtomicUsize);

impl GaugeFn for Values {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, _: f64) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::clone(&self.0))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
