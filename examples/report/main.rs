//! Writes a report for people, from the 90 days of the demo, and a chart of it.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use clap::Parser;

use scout_metrics_core::HistoryExt;
use scout_metrics_examples::{command_line, demo::Demo, terminal};
use scout_metrics_http::html::Report;

/// The time that the history of the demo has.
const LOOKBACK: Duration = Duration::from_secs(90 * 24 * 3600);

/// Writes a report about invented organizations as one HTML file.
///
/// `scout report --format html` writes one about yours.
#[derive(Debug, Parser)]
#[command(name = "report", version)]
struct Arguments {
    /// File to write the report to
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::exit_code(run(command_line::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let demo = Demo::new(Demo::SEED, SystemTime::now());
    let history = demo.history().await?;
    let mut report = Report::new().with_created(demo.now());
    for organization in demo.organizations() {
        report = report
            .with_history(&history, &organization, LOOKBACK)
            .await?;
        if let Err(error) = demo.snapshot_at(&organization, demo.now()) {
            eprintln!("{error}");
        }
    }
    fs::write(&arguments.output, report.to_string())?;
    Ok(())
}
