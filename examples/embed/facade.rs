//! For services with the facade metrics and a recorder of their choice.

use std::time::Duration;

use axum::{Router, routing::get};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};
use metrics_util::MetricKindMask;

use scout_metrics_core::PollerSet;
use scout_metrics_openmetrics::bridge::metrics::SnapshotPublisher;

/// How often values are published. They are as old as this when they are scraped.
const INTERVAL: Duration = Duration::from_secs(5);

pub(super) fn routes(pollers: &PollerSet) -> Result<Router, BuildError> {
    // The facade cannot remove a series that vanished, but the recorder can.
    let idle = Some(4 * INTERVAL);
    let recorder = PrometheusBuilder::new()
        .idle_timeout(MetricKindMask::GAUGE, idle)
        .install_recorder()?;
    tokio::spawn(SnapshotPublisher::new(pollers.clone()).run(INTERVAL));

    let metrics = move || async move {
        metrics::counter!("embed_requests_total").increment(1);
        recorder.render()
    };
    Ok(Router::new().route("/metrics/facade", get(metrics)))
}
