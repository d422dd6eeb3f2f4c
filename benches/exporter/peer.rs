//! The exporter as one would write it with prometheus-client and axum: gauges in a registry, encoded for each
//! request. Serves 236 samples in the place where Docker Scout does, so it is the upstream of the measured exporter too.

use std::{collections::HashMap, sync::Arc};

use axum::{Router, extract::State, http::header::CONTENT_TYPE, routing::get};
use prometheus_client::{
    encoding::text,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

use scout_metrics_benches::scout;
use scout_metrics_openmetrics::{Format, ParseOptions, parse_families};

type Labels = Vec<(String, String)>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Arc::new(registry()?);
    let router = Router::new()
        .route("/v1/exporter/org/{org}/metrics", get(metrics))
        .with_state(registry);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

async fn metrics(
    State(registry): State<Arc<Registry>>,
) -> ([(axum::http::HeaderName, &'static str); 1], String) {
    let mut body = String::new();
    text::encode(&mut body, &registry).expect("a string takes all text");
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, content_type)], body)
}

fn registry() -> Result<Registry, Box<dyn std::error::Error>> {
    let mut registry = Registry::default();
    let exposition = scout(236);
    let families = parse_families(
        exposition.as_bytes(),
        &ParseOptions::new(Format::Prometheus),
    )?;
    let mut gauges: HashMap<String, Family<Labels, Gauge>> = HashMap::new();
    for family in families.into_vec() {
        let gauge = gauges.entry(family.name().to_owned()).or_default();
        for sample in family.samples() {
            let labels = sample.labels().iter();
            let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
            gauge
                .get_or_create(&labels.collect())
                .set(sample.value() as i64);
        }
        registry.register(
            family.name(),
            family.help().trim_end_matches('.'),
            gauge.clone(),
        );
    }
    Ok(registry)
}
