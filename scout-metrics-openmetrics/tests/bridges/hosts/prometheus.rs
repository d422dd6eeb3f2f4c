//! The registry of prometheus.

use prometheus::{Registry, TextEncoder};
use scout_metrics_openmetrics::{
    Format,
    bridge::{CurrentSnapshots, prometheus::SnapshotCollector},
};

use super::Host;
use crate::series::{Values, parsed};

pub(crate) struct Prometheus(Registry);

impl Host for Prometheus {
    fn new(snapshots: impl CurrentSnapshots, has_label: bool) -> Self {
        let mut collector = SnapshotCollector::new(snapshots);
        if has_label {
            collector = collector.with_organization_label();
        }
        let registry = Registry::new();
        registry.register(Box::new(collector)).unwrap();
        Self(registry)
    }

    fn values(&mut self) -> Values {
        parsed(&encode(&self.0), Format::Prometheus)
    }
}

pub(crate) fn encode(registry: &Registry) -> String {
    let encoder = TextEncoder::new();
    encoder.encode_to_string(&registry.gather()).unwrap()
}
