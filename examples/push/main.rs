//! Pushes Docker Scout metrics to a database with Prometheus remote write: once, or until it is stopped.

mod file_source;
mod receiver;

use std::{error::Error, path::Path, path::PathBuf, pin::pin, process::ExitCode, time::Duration};

use clap::{CommandFactory, Parser, error::ErrorKind};
use tokio::signal::ctrl_c;

use scout_metrics_core::{Organization, PollerSet, Snapshot, SourceSet};
use scout_metrics_examples::{
    command_line,
    connection::Connection,
    demo::DemoSource,
    snapshot_file::{self, FileFormat},
    terminal,
    time::{parse, parse_interval},
};
use scout_metrics_http::remote_write::{DropReason, RemoteWriteBuilder, RemoteWriteStats};

use file_source::SnapshotFile;
use receiver::ReceiverArguments;

/// The organization of `--demo`.
const DEMO: &str = "acme";

/// How often the metrics of `--demo` change.
const DEMO_INTERVAL: Duration = Duration::from_secs(15);

/// The time in which what waits must be written when the program is stopped. Less than the ten seconds that Docker waits.
const SHUTDOWN: Duration = Duration::from_secs(8);

/// Pushes Docker Scout metrics to Prometheus, Mimir, VictoriaMetrics, Grafana Cloud or any other receiver of Prometheus
/// remote write.
///
/// The samples are those that the exporter serves at /metrics, with the label `org`. They are written whenever an organization
/// was scraped, and once a minute, until Ctrl-C or SIGTERM. While the receiver is down, they wait in memory. With --once they
/// are written once, as a cron job does.
///
/// The token for Docker Scout is read from --token-file, or else from the file that DOCKER_SCOUT_TOKEN_FILE names, or else
/// from DOCKER_SCOUT_TOKEN or DOCKER_SCOUT_HUB_PASSWORD, or else from what `docker login` keeps.
#[derive(Debug, Parser)]
#[command(
    name = "push",
    version,
    after_help = "\
Exit status:
  0  stopped, or with --once everything was written
  1  metrics could not be fetched or read, or with --once written; standard error says why
  2  the command line or the environment is invalid"
)]
struct Arguments {
    /// Organization to fetch from Docker Scout; repeatable. With --file, the organization of the file
    #[arg(
        id = "org",
        long,
        value_name = "NAME",
        env = "DOCKER_SCOUT_ORG",
        value_delimiter = ',',
        required_unless_present_any = ["file", "demo"]
    )]
    organizations: Vec<Organization>,

    #[command(flatten)]
    connection: Connection,

    /// Read snapshots as JSON, or an exposition, from a file, or with --once from standard input if it is -
    ///
    /// The organization of an exposition is the one that --org names, or else the name of the file without its extension, or
    /// else `unknown`.
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    file: Option<PathBuf>,

    /// Format of an exposition in --file
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "openmetrics",
        requires = "file"
    )]
    file_format: FileFormat,

    /// Use invented metrics, which change every 15s
    #[arg(long, conflicts_with = "org")]
    demo: bool,

    #[command(flatten)]
    receiver: ReceiverArguments,

    /// Write the metrics once
    #[arg(long)]
    once: bool,

    /// Time between two scrapes, at least 1s [default: 60m, with --demo 15s]
    #[arg(long, value_name = "TIME", value_parser = parse_interval, conflicts_with = "once")]
    interval: Option<Duration>,

    /// Time after which metrics that have not changed are written again; Prometheus forgets series after 5m
    #[arg(long, value_name = "TIME", value_parser = parse, default_value = "1m", conflicts_with = "once")]
    write_interval: Duration,

    /// Mark all series as ended when the program is stopped
    #[arg(long, conflicts_with = "once")]
    end_of_series: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::log_warnings();
    let arguments: Arguments = command_line::parse_or_exit(2, &["file", "demo"]);
    if arguments.file.as_deref() == Some(Path::new("-")) && !arguments.once {
        let message = "standard input is read once, so --file - needs --once";
        Arguments::command()
            .error(ErrorKind::ArgumentConflict, message)
            .exit();
    }
    if arguments.file.is_some() && arguments.organizations.len() > 1 {
        let message = "with --file, --org names the organization of the file: give it once";
        Arguments::command()
            .error(ErrorKind::ArgumentConflict, message)
            .exit();
    }
    terminal::exit_code(run(arguments).await)
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let receiver = arguments.receiver.builder()?;
    if arguments.once {
        return write_once(&arguments, receiver).await;
    }
    let sources = sources(&arguments)?;
    let organizations: Vec<String> = sources.organizations().map(ToString::to_string).collect();
    // The user waits for the first scrapes, so none of them is delayed.
    let mut pollers = PollerSet::builder()
        .with_sources(sources)?
        .with_spread(Duration::ZERO);
    let interval = arguments
        .interval
        .or(arguments.demo.then_some(DEMO_INTERVAL));
    if let Some(interval) = interval {
        pollers = pollers.with_interval(interval);
    }
    let pushed = receiver
        .with_interval(arguments.write_interval)
        .with_end_of_series(arguments.end_of_series)
        .spawn(&pollers.spawn())?;
    terminal::say(&format!(
        "pushing the metrics of {} to {}, press Ctrl-C to stop",
        organizations.join(", "),
        arguments.receiver.server()
    ));
    stopped().await?;
    terminal::say(&summary(&pushed.shutdown(SHUTDOWN).await));
    Ok(())
}

/// Writes what can be fetched, and returns the first error.
async fn write_once(
    arguments: &Arguments,
    receiver: RemoteWriteBuilder,
) -> Result<(), Box<dyn Error>> {
    let receiver = receiver.build()?;
    let (snapshots, mut error) = match &arguments.file {
        Some(path) => (read_file(path, arguments)?, None),
        None => {
            let sources = sources(arguments)?;
            fetch(&sources).await
        }
    };
    if !snapshots.is_empty() {
        let written = receiver.write(&snapshots);
        let written = terminal::waiting_for("writing the metrics", written).await;
        match written {
            Ok(samples) => terminal::say(&format!(
                "wrote {samples} samples to {}",
                arguments.receiver.server()
            )),
            Err(fault) => error = Some(fault),
        }
    }
    error.map_or(Ok(()), |error| Err(error.into()))
}

async fn fetch(sources: &SourceSet) -> (Vec<Snapshot>, Option<scout_metrics_core::Error>) {
    let answers = terminal::waiting_for("fetching the metrics", sources.scrape_all()).await;
    let mut errors = answers.errors().map(|(_, error)| error.clone());
    let first = errors.next();
    for error in errors {
        terminal::complain(&error);
    }
    (answers.snapshots().cloned().collect(), first)
}

fn sources(arguments: &Arguments) -> Result<SourceSet, Box<dyn Error>> {
    if let Some(path) = &arguments.file {
        let snapshots = read_file(path, arguments)?;
        let organizations = snapshots
            .iter()
            .map(|snapshot| snapshot.organization().clone());
        let sources = organizations
            .map(|organization| SnapshotFile::new(path, arguments.file_format, organization));
        return Ok(SourceSet::from_sources(sources)?);
    }
    if arguments.demo {
        let demo = DemoSource::new(Organization::new(DEMO)?);
        return Ok(SourceSet::new().with_source(demo)?);
    }
    let client = arguments.connection.client()?;
    Ok(client.organizations(&arguments.organizations)?)
}

fn read_file(path: &Path, arguments: &Arguments) -> Result<Vec<Snapshot>, Box<dyn Error>> {
    snapshot_file::read(path, arguments.file_format, arguments.organizations.first())
}

/// Waits until the program shall stop.
async fn stopped() -> std::io::Result<()> {
    let interrupted = pin!(ctrl_c());
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            result = interrupted => result,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    interrupted.await
}

fn summary(stats: &RemoteWriteStats) -> String {
    let mut summary = format!("wrote {} samples", stats.sent());
    for reason in DropReason::ALL {
        let dropped = stats.dropped(*reason);
        if dropped > 0 {
            summary.push_str(&format!(", dropped {dropped} ({reason})"));
        }
    }
    summary
}
