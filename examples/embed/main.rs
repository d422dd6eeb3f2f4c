//! A service that has Docker Scout's metrics among its own, in four metrics libraries.
//!
//! A real service has one of them. Each file shows what such a service has to do: create a registry, register a bridge for
//! its pollers, and answer at a path.

mod facade;
mod opentelemetry;
mod otlp;
mod prometheus;
mod prometheus_client;

use std::{error::Error, net::SocketAddr, process::ExitCode, time::Duration};

use axum::{Router, routing::get};
use clap::Parser;
use tokio::{net::TcpListener, signal::ctrl_c};

use scout_metrics_core::{Organization, PollerSet, SourceSet};
use scout_metrics_examples::{
    command_line,
    connection::Connection,
    demo::DemoSource,
    terminal,
    time::{parse, parse_interval},
};
use scout_metrics_http::exporter::Exporter;

/// How often the metrics of the organizations that do not exist change.
const DEMO_INTERVAL: Duration = Duration::from_secs(15);

/// The answer at the root.
const PATHS: &str = "\
/metrics/prometheus         the registry of the crate prometheus
/metrics/prometheus-client  the registry of the crate prometheus-client
/metrics/opentelemetry      the meter of OpenTelemetry
/metrics/facade             the recorder of the crate metrics
/scout/                     the exporter's endpoint
";

/// Serves Docker Scout's metrics from the registries of four metrics libraries, until Ctrl-C.
///
/// Without --org the program serves changing metrics of two organizations that do not exist, so it needs no account and no
/// network.
///
/// The token is read from --token-file, or else from the file that DOCKER_SCOUT_TOKEN_FILE names, or else from
/// DOCKER_SCOUT_TOKEN or DOCKER_SCOUT_HUB_PASSWORD, or else from what `docker login` keeps. It must belong to an owner of
/// each organization.
#[derive(Debug, Parser)]
#[command(
    name = "embed",
    version,
    after_help = "\
Exit status:
  0  stopped by Ctrl-C
  1  the service cannot be set up; standard error says why
  2  the command line or the environment is invalid"
)]
struct Arguments {
    /// Address to serve at; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9106")]
    listen: SocketAddr,

    /// Organization to serve; repeatable
    #[arg(
        id = "org",
        long,
        value_name = "NAME",
        env = "DOCKER_SCOUT_ORG",
        value_delimiter = ','
    )]
    organizations: Vec<Organization>,

    #[command(flatten)]
    connection: Connection,

    /// Time between two scrapes, at least 1s [default: 60m, without --org 15s]
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    interval: Option<Duration>,

    /// Collector to push the meter of OpenTelemetry to, such as http://localhost:4318/v1/metrics
    ///
    /// OTLP over HTTP, with protobuf. Headers, such as a token, come from OTEL_EXPORTER_OTLP_HEADERS.
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,

    /// Time between two pushes
    #[arg(long, value_name = "TIME", value_parser = parse, default_value = "60s", requires = "otlp")]
    otlp_interval: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::log_warnings();
    terminal::exit_code(run(command_line::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let exporter = Exporter::new();
    let pollers = start(&arguments, &exporter)?;
    let otlp = arguments.otlp.as_deref();
    let otlp = otlp.map(|url| otlp::reader(url, arguments.otlp_interval));
    let (provider, meter) = opentelemetry::routes(&pollers, otlp.transpose()?)?;
    let own_metrics = exporter.own_metrics();
    let routes = Router::new()
        .route("/", get(PATHS))
        .merge(prometheus::routes(&pollers, own_metrics.clone())?)
        .merge(prometheus_client::routes(&pollers, own_metrics))
        .merge(meter)
        .merge(facade::routes(&pollers)?)
        .nest_service("/scout", exporter.with_sources(&pollers).into_router()?);

    let listener = TcpListener::bind(arguments.listen).await?;
    terminal::say(&format!("serving http://{}", listener.local_addr()?));
    axum::serve(listener, routes)
        .with_graceful_shutdown(async { ctrl_c().await.unwrap_or_default() })
        .await?;
    // The last push needs this runtime, which must not be blocked meanwhile.
    tokio::task::spawn_blocking(move || provider.shutdown()).await??;
    Ok(())
}

/// Starts polling the organizations.
fn start(arguments: &Arguments, exporter: &Exporter) -> Result<PollerSet, Box<dyn Error>> {
    let is_demo = arguments.organizations.is_empty();
    let mut sources = SourceSet::new();
    if is_demo {
        for name in ["acme", "apex"] {
            sources = sources.with_source(DemoSource::new(Organization::new(name)?))?;
        }
    } else {
        let client = arguments.connection.client()?;
        for organization in &arguments.organizations {
            sources = sources.with_source(client.organization(organization)?)?;
        }
    }
    let observed = sources.into_iter().map(|source| exporter.observe(source));
    let mut pollers = PollerSet::builder()
        .with_spread(Duration::ZERO)
        .with_sources(observed)?;
    if let Some(interval) = arguments.interval.or(is_demo.then_some(DEMO_INTERVAL)) {
        pollers = pollers.with_interval(interval);
    }
    Ok(pollers.spawn())
}
