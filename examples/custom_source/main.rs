//! Serves metrics that do not come from Docker Scout.
//!
//! A source of your own implements one trait and then does what every source does: here it is cached, served in the
//! shape of Docker Scout's endpoint, and scraped by the client.

use std::{
    error::Error as StdError, fmt, net::TcpListener, path::PathBuf, process::ExitCode,
    time::Duration,
};

use async_trait::async_trait;
use clap::Parser;
use tokio::{signal::ctrl_c, sync::oneshot};

use scout_metrics_core::{
    Error, ErrorKind, MetricsSource, MetricsSourceExt, Organization, Result, Snapshot, Stream,
};
use scout_metrics_examples::terminal;
use scout_metrics_http::{
    ScoutClient,
    exporter::{Exporter, Server},
};

/// A text file with one line for each stream: its name, a colon, and its counts in Docker's shorthand.
#[derive(Debug)]
struct ScanReport {
    organization: Organization,
    path: PathBuf,
}

#[async_trait]
impl MetricsSource for ScanReport {
    fn organization(&self) -> &Organization {
        &self.organization
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let text = tokio::fs::read_to_string(&self.path)
            .await
            .map_err(|cause| {
                Error::new(ErrorKind::NotFound, "cannot read the scan report")
                    .with_organization(&self.organization)
                    .with_source(cause)
            })?;
        let streams: Result<Vec<_>> = text.lines().map(stream).collect();
        Snapshot::new(self.organization.clone(), streams?)
    }
}

fn stream(line: &str) -> Result<Stream> {
    let (name, counts) = line.split_once(':').ok_or_else(|| {
        Error::new(
            ErrorKind::Decode,
            format!("expected a colon after the stream in {line:?}"),
        )
    })?;
    Ok(Stream::new(name).with_vulnerabilities(counts.parse()?))
}

impl fmt::Display for ScanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScanReport({})", self.organization)
    }
}

/// Serves the counts of a scan report as Docker Scout would, and prints what a scrape of it returns.
#[derive(Debug, Parser)]
#[command(after_help = "\
Exit status:
  0  the scrape was printed
  1  it failed; standard error says why
  2  the command line could not be understood")]
struct Arguments {
    /// Report with lines such as `production: 0C 3H 6M 63L`; read again at most once a minute
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/custom_source/report.txt"), hide_default_value = true)]
    report: PathBuf,

    /// Bearer token that scrapers have to send
    #[arg(long, default_value = "change-me")]
    token: String,

    /// Keep serving until Ctrl-C
    #[arg(long)]
    serve: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::log_warnings();
    terminal::exit_code(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn StdError>> {
    let report = ScanReport {
        organization: Organization::new("acme")?,
        path: arguments.report,
    };
    let source = report.cached(Duration::from_secs(60));

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    eprintln!("serving {source} at {url}/v1/exporter/org/acme/metrics");
    let router = Exporter::new()
        .with_source(source)
        .with_bearer_token(&arguments.token)
        .into_router()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async move {
        tokio::select! {
            _ = stopped => {}
            _ = ctrl_c() => {}
        }
    };
    let server = tokio::spawn(Server::new(router).serve(listener, shutdown));

    let client = ScoutClient::builder()
        .with_base_url(url)
        .with_token(arguments.token)
        .build()?;
    let exposition = client.organization("acme")?.exposition().await?;
    print!("{}", String::from_utf8_lossy(exposition.body()));

    if arguments.serve {
        eprintln!("press Ctrl-C to end");
    } else {
        let _ = stop.send(());
    }
    Ok(server.await??)
}
