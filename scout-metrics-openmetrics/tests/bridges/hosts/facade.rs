//! A recorder of the facade metrics.

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use scout_metrics_openmetrics::bridge::{CurrentSnapshots, metrics::SnapshotPublisher};

use super::Host;
use crate::series::{Values, series};

pub(crate) struct Facade {
    recorder: DebuggingRecorder,
    publisher: SnapshotPublisher,
}

impl Host for Facade {
    fn new(snapshots: impl CurrentSnapshots, has_label: bool) -> Self {
        let mut publisher = SnapshotPublisher::new(snapshots);
        if has_label {
            publisher = publisher.with_organization_label();
        }
        Self {
            recorder: DebuggingRecorder::new(),
            publisher,
        }
    }

    /// Publishes, and returns the values without those of series that have vanished.
    fn values(&mut self) -> Values {
        self.publisher.publish_to(&self.recorder);
        let recorded = self.recorder.snapshotter().snapshot().into_vec();
        let values = recorded.into_iter().map(|(key, _, _, value)| {
            let DebugValue::Gauge(value) = value else {
                panic!("{key:?} is not a gauge");
            };
            let labels = key.key().labels();
            let labels = labels.map(|label| (label.key(), label.value()));
            (series(key.key().name(), labels), value.to_string())
        });
        values.filter(|(_, value)| value != "NaN").collect()
    }
}
