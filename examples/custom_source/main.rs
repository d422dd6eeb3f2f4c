//! Serves metrics that do not come from Docker Scout.
//!
//! A source of your own implements one trait and can then be used like any other source. Here it is cached, served by an
//! endpoint like Docker Scout's, and scraped by the client.

mod scan_report;

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use tokio::{net::TcpListener, signal::ctrl_c};

use scout_metrics_core::{MetricsSource, MetricsSourceExt, Organization};
use scout_metrics_examples::terminal;
use scout_metrics_http::{ScoutClient, exporter::Exporter};

use self::scan_report::ScanReport;

/// Serves the counts of a scan report as Docker Scout would, and prints what a scrape of it returns.
#[derive(Debug, Parser)]
#[command(
    name = "custom_source",
    version,
    after_help = "\
Exit status:
  0  the scrape was printed
  1  it failed; standard error says why
  2  the command line is invalid"
)]
struct Arguments {
    /// Report with lines such as `production: 0C 3H 6M 63L`; read again at most once a minute
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/custom_source/report.txt"), hide_default_value = true)]
    report: PathBuf,

    /// Bearer token that scrapers must send
    #[arg(long, default_value = "change-me", value_parser = parse_token)]
    token: String,

    /// Keep serving until Ctrl-C
    #[arg(long)]
    serve: bool,
}

fn parse_token(text: &str) -> Result<String, &'static str> {
    let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_token
        .then(|| text.to_owned())
        .ok_or("expected letters, digits and punctuation, without blanks")
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::log_warnings();
    terminal::exit_code(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let report = ScanReport::new(Organization::new("acme")?, arguments.report);
    // A report that cannot be read ends the program, with causes that the endpoint keeps to itself.
    report.scrape().await?;
    let source = report.cached(Duration::from_secs(60));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    eprintln!("serving {source} at {url}/v1/exporter/org/acme/metrics");
    let router = Exporter::new()
        .with_source(source)
        .with_bearer_token(&arguments.token)
        .into_router()?;
    tokio::spawn(axum::serve(listener, router).into_future());
    let interrupted = arguments.serve.then(|| tokio::spawn(ctrl_c()));

    let client = ScoutClient::builder()
        .with_base_url(url)
        .with_token(arguments.token)
        .build()?;
    let exposition = client.organization("acme")?.exposition().await?;
    // Written as bytes, because `print!` requires UTF-8.
    terminal::unless_closed(io::stdout().write_all(exposition.body()))?;
    if let Some(interrupted) = interrupted {
        eprintln!("press Ctrl-C to stop");
        interrupted.await??;
    }
    Ok(())
}
