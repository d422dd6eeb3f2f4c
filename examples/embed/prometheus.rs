//! For services with the crate prometheus.

use axum::{Router, http::StatusCode, routing::get};
use prometheus::{IntCounter, Registry, TextEncoder};

use scout_metrics_core::PollerSet;
use scout_metrics_openmetrics::{
    MetricFamily,
    bridge::prometheus::{FamilyCollector, SnapshotCollector},
};

pub(super) fn routes(
    pollers: &PollerSet,
    own_metrics: impl Fn() -> Vec<MetricFamily> + Send + Sync + 'static,
) -> Result<Router, prometheus::Error> {
    let registry = Registry::new();
    let requests = IntCounter::new("embed_requests_total", "Requests for metrics.")?;
    registry.register(Box::new(requests.clone()))?;
    registry.register(Box::new(SnapshotCollector::new(pollers.clone())))?;
    registry.register(Box::new(FamilyCollector::new(own_metrics)))?;

    let metrics = move || async move {
        requests.inc();
        text(&registry)
    };
    Ok(Router::new().route("/metrics/prometheus", get(metrics)))
}

/// Returns what is in a registry. The format is what axum states for text by default.
pub(super) fn text(registry: &Registry) -> Result<String, (StatusCode, String)> {
    let text = TextEncoder::new().encode_to_string(&registry.gather());
    text.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
