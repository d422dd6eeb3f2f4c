//! The metrics of Docker Scout without a subscription, from the reports of scanners.
//!
//! The reports are in a directory for each stream. `LocalScans` turns them into a snapshot, which is a snapshot like any
//! other: here a table shows it, and a gate checks it.

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;

use scout_metrics_examples::{table, terminal, time};
use scout_metrics_http::{
    LocalScans, MetricsSource, MetricsSourceExt, Organization, Severity,
    gate::{Gate, Rule},
};

/// Shows what the reports of scanners say, and whether production has critical vulnerabilities.
#[derive(Debug, Parser)]
#[command(
    name = "local_scans",
    version,
    after_help = "\
Exit status:
  0  the metrics and the verdict were printed, whatever they say
  1  a report cannot be read; standard error says which and why
  2  the command line is invalid"
)]
struct Arguments {
    /// Directory with a directory for each stream, which has a SARIF file for each image
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/local_scans/scans"), hide_default_value = true)]
    scans: PathBuf,

    /// Maximum age of the oldest report
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    max_age: Option<Duration>,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::log_warnings();
    terminal::exit_code(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let source = LocalScans::new(Organization::new("acme")?, arguments.scans)
        .with_display_name("default-non-root-user", "Default non-root user")
        .max_age(arguments.max_age.unwrap_or(Duration::MAX));
    let snapshot = source.scrape().await?;
    terminal::unless_closed(table::write(&mut anstream::stdout().lock(), &snapshot))?;

    let gate = Gate::new([Rule::max(Severity::Critical, 0).with_stream("production")])?;
    let verdict = gate.check(&snapshot);
    Ok(terminal::unless_closed(writeln!(
        io::stdout(),
        "\n{verdict}"
    ))?)
}
