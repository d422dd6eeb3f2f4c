//! Scrapes Docker Scout metrics and prints them as a table.
//!
//! Without arguments no account is needed: the program serves sample data from an embedded endpoint, as Docker Scout
//! would, and scrapes that endpoint. With `--org` and a token it scrapes Docker Scout.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use tokio::net::TcpListener;

use scout_metrics_core::{MemorySource, MetricsSource, Organization, Snapshot};
use scout_metrics_examples::{command_line, connection::Connection, sample, table, terminal};
use scout_metrics_http::{ScoutClient, exporter::Exporter};

/// The token that the embedded endpoint requires.
const SAMPLE_TOKEN: &str = "dckr_pat_quickstart";

/// Prints the Docker Scout metrics of an organization.
///
/// Without --org the program serves sample data from an embedded endpoint and scrapes that endpoint, so it needs no
/// account and no network.
///
/// The token is read from --token-file, or else from the file that DOCKER_SCOUT_TOKEN_FILE names, or else from
/// DOCKER_SCOUT_TOKEN or DOCKER_SCOUT_HUB_PASSWORD, or else from what `docker login` keeps. It must belong to an owner of
/// the organization.
#[derive(Debug, Parser)]
#[command(
    name = "quickstart",
    version,
    after_help = "\
Exit status:
  0  the metrics were printed, whatever they say
  1  the metrics could not be fetched; standard error says why
  2  the command line or the environment is invalid"
)]
struct Arguments {
    /// Organization to fetch from Docker Scout
    #[arg(long, value_name = "NAME", env = "DOCKER_SCOUT_ORG")]
    org: Option<Organization>,

    #[command(flatten)]
    connection: Connection,

    /// Print the snapshot as JSON
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::log_warnings();
    terminal::exit_code(run(command_line::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let snapshot = match &arguments.org {
        Some(organization) => {
            let client = arguments.connection.client()?;
            client.organization(organization)?.scrape().await?
        }
        None => ask_embedded_endpoint().await?,
    };
    let printed = if arguments.json {
        let json = serde_json::to_string_pretty(&snapshot)?;
        // Not written through `anstream`, which would remove control characters that are part of the data.
        writeln!(io::stdout(), "{json}")
    } else {
        table::write(&mut anstream::stdout().lock(), &snapshot)
    };
    Ok(terminal::unless_closed(printed)?)
}

async fn ask_embedded_endpoint() -> Result<Snapshot, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Exporter::new()
        .with_source(MemorySource::new(sample::snapshot()?))
        .with_bearer_token(SAMPLE_TOKEN)
        .into_router()?;
    tokio::spawn(axum::serve(listener, router).into_future());
    eprintln!("no --org given: scraping an embedded endpoint with sample data at {url}");

    let client = ScoutClient::builder()
        .with_base_url(url)
        .with_token(SAMPLE_TOKEN)
        .build()?;
    Ok(client.organization("acme")?.scrape().await?)
}
