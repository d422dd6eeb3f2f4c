//! For services with OpenTelemetry.

use std::error::Error;

use axum::{Router, routing::get};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::metrics::{Instrument, PeriodicReader, SdkMeterProvider, Stream};

use scout_metrics_core::PollerSet;
use scout_metrics_openmetrics::bridge::opentelemetry::SnapshotGauges;

use super::prometheus;

/// The series that the SDK keeps of an instrument, for which it reserves memory. Its default of 2,000 is not enough for some
/// hundred streams.
const SERIES: usize = 20_000;

/// Returns the provider, which pushes to a collector if there is a reader for one, and a route for those who scrape.
pub(super) fn routes(
    pollers: &PollerSet,
    otlp: Option<PeriodicReader<MetricExporter>>,
) -> Result<(SdkMeterProvider, Router), Box<dyn Error>> {
    let registry = ::prometheus::Registry::new();
    let scraped = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .without_target_info()
        .build()?;
    let limit = |_: &Instrument| {
        Stream::builder()
            .with_cardinality_limit(SERIES)
            .build()
            .ok()
    };
    let mut provider = SdkMeterProvider::builder()
        .with_view(limit)
        .with_reader(scraped);
    if let Some(otlp) = otlp {
        provider = provider.with_reader(otlp);
    }
    let provider = provider.build();
    let meter = provider.meter("embed");
    let requests = meter.u64_counter("embed_requests").build();
    SnapshotGauges::new(pollers.clone()).register(&meter);

    let metrics = move || async move {
        requests.add(1, &[]);
        prometheus::text(&registry)
    };
    let routes = Router::new().route("/metrics/opentelemetry", get(metrics));
    Ok((provider, routes))
}
