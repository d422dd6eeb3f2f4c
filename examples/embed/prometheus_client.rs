//! For services with the crate prometheus-client.

use std::sync::Arc;

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use prometheus_client::{encoding::text, metrics::counter::Counter, registry::Registry};

use scout_metrics_core::PollerSet;
use scout_metrics_openmetrics::{
    ContentType, MetricFamily,
    bridge::prometheus_client::{FamilyCollector, SnapshotCollector},
};

pub(super) fn routes(
    pollers: &PollerSet,
    own_metrics: impl Fn() -> Vec<MetricFamily> + Send + Sync + 'static,
) -> Router {
    let mut registry = Registry::default();
    let requests = <Counter>::default();
    registry.register("embed_requests", "Requests for metrics", requests.clone());
    registry.register_collector(Box::new(SnapshotCollector::new(pollers.clone())));
    registry.register_collector(Box::new(FamilyCollector::new(own_metrics)));

    let registry = Arc::new(registry);
    let metrics = move || async move {
        requests.inc();
        let mut body = String::new();
        text::encode(&mut body, &registry).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        let content_type = ContentType::OPENMETRICS_1_0_0.as_str();
        Ok::<_, StatusCode>(([(CONTENT_TYPE, content_type)], body))
    };
    Router::new().route("/metrics/prometheus-client", get(metrics))
}
