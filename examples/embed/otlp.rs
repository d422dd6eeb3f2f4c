//! OTLP over HTTP, with the TLS of this program.

use std::{error::Error, time::Duration};

use axum::http::{Request, Response};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{MetricExporter, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::metrics::PeriodicReader;
use tokio::runtime::Handle;

use scout_metrics_examples::tls;
use scout_metrics_http::{
    async_trait,
    reqwest::{Client, Url, redirect::Policy},
};

/// How long a push may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns a reader that pushes to a collector at an interval.
pub(super) fn reader(
    url: &str,
    interval: Duration,
) -> Result<PeriodicReader<MetricExporter>, Box<dyn Error>> {
    let is_http = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_http {
        return Err("--otlp is not a URL such as http://localhost:4318/v1/metrics".into());
    }
    let client = Client::builder()
        .timeout(TIMEOUT)
        .redirect(Policy::none())
        .tls_backend_preconfigured(tls::client_config()?)
        .build()?;
    let exporter = MetricExporter::builder()
        .with_http()
        .with_endpoint(url)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(TIMEOUT)
        .with_http_client(OnRuntime {
            client,
            runtime: Handle::current(),
        })
        .build()?;
    let reader = PeriodicReader::builder(exporter).with_interval(interval);
    Ok(reader.build())
}

/// A client that sends on the runtime of this program: the reader has a thread of its own, where reqwest finds none.
#[derive(Debug)]
struct OnRuntime {
    client: Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self
            .runtime
            .spawn(async move { client.send_bytes(request).await });
        sent.await?
    }
}
