//! Writes a report for people about the organizations of the demo, and a chart as a picture.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use clap::Parser;

use scout_metrics_core::{HistoryExt, Organization};
use scout_metrics_examples::{
    command_line,
    demo::Demo,
    picture::{self, Picture},
    terminal,
};
use scout_metrics_http::html::Report;

/// The time that the history of the demo has.
const LOOKBACK: Duration = Duration::from_secs(90 * 24 * 3600);

/// Writes a report about invented organizations as one HTML file, which a browser shows and prints.
///
/// `scout report --format html` writes one about yours.
#[derive(Debug, Parser)]
#[command(
    name = "report",
    version,
    after_help = "\
Exit status:
  0  the files were written
  1  a file could not be written; standard error says why
  2  the command line is invalid"
)]
struct Arguments {
    /// File to write the report to
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,

    /// Also write the trend of a stream as a picture: a file that ends in .svg, or in .png with the feature png
    #[arg(long, value_name = "FILE")]
    chart: Option<Picture>,

    /// Organization of the picture
    #[arg(long, value_name = "NAME", default_value = "acme")]
    org: Organization,

    /// Stream of the picture
    #[arg(long = "env", value_name = "STREAM", default_value = "production")]
    stream: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::log_warnings();
    terminal::exit_code(run(command_line::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let demo = Demo::new(Demo::SEED, SystemTime::now());
    let history = demo.history().await?;
    let mut report = Report::new().with_created(demo.now());
    for organization in demo.organizations() {
        report
            .add_history(&history, &organization, LOOKBACK)
            .await?;
    }
    write(&arguments.output, report.to_string().as_bytes())?;
    let Some(picture) = arguments.chart else {
        return Ok(());
    };
    let start = demo.now() - LOOKBACK;
    let trend = history.trend(&arguments.org, start, demo.now(), 91).await?;
    let chart = picture::chart(&trend, &arguments.stream);
    write(picture.path(), &picture.render(&chart)?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let name = terminal::printable(&path.to_string_lossy());
    fs::write(path, bytes).map_err(|error| format!("cannot write `{name}`: {error}"))?;
    terminal::say(&format!("wrote {name}, {} kB", bytes.len().div_ceil(1000)));
    Ok(())
}
