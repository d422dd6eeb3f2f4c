//! The registry of prometheus-client.

use prometheus_client::{encoding::text, registry::Registry};
use scout_metrics_openmetrics::{
    Format,
    bridge::{CurrentSnapshots, prometheus_client::SnapshotCollector},
};

use super::Host;
use crate::series::{Values, parsed};

pub(crate) struct PrometheusClient(Registry);

impl Host for PrometheusClient {
    fn new(snapshots: impl CurrentSnapshots, has_label: bool) -> Self {
        let mut collector = SnapshotCollector::new(snapshots);
        if has_label {
            collector = collector.with_organization_label();
        }
        let mut registry = Registry::default();
        registry.register_collector(Box::new(collector));
        Self(registry)
    }

    fn values(&mut self) -> Values {
        parsed(&encode(&self.0), Format::OpenMetrics)
    }
}

pub(crate) fn encode(registry: &Registry) -> String {
    let mut exposition = String::new();
    text::encode(&mut exposition, registry).unwrap();
    exposition
}
