//! Recording snapshots in a history.

use std::{
    error::Error,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use clap::{Args, Subcommand};

use scout_metrics_core::{History, Organization, RecordHistory, SqliteHistory};
use scout_metrics_examples::{history, terminal, time::parse_days};

use crate::{input::Source, output::Output, past::PastArguments, report::Format, status::Status};

/// Keep snapshots in a SQLite file, which --history of the other commands reads
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Record the current snapshots of organizations, or those in files
    ///
    /// With --demo, 90 days of several organizations are recorded, to try what needs a history.
    ///
    /// The file is created if it does not exist. A snapshot that is recorded again replaces the earlier one with the same
    /// time.
    Import(Import),

    /// Print the recorded snapshots of a time, for spreadsheets and programs
    Export(Export),

    /// Remove old snapshots
    Prune(Prune),
}

#[derive(Args, Debug)]
pub(crate) struct Import {
    /// SQLite file to record in
    #[arg(value_name = "HISTORY")]
    history: PathBuf,

    #[command(flatten)]
    source: Source,
}

#[derive(Args, Debug)]
pub(crate) struct Export {
    #[command(flatten)]
    past: PastArguments,

    /// Organization to print; repeatable [default: all]
    #[arg(long = "org", value_name = "NAME", value_delimiter = ',')]
    organizations: Vec<Organization>,

    /// How far to look back
    #[arg(long, value_name = "TIME", value_parser = parse_days, default_value = "30d")]
    since: Duration,

    /// Distance between two snapshots of an organization; of more in this time, the last is printed
    #[arg(long, value_name = "TIME", value_parser = parse_days, default_value = "1h")]
    step: Duration,

    /// Format of the output
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,

    #[command(flatten)]
    output: Output,
}

#[derive(Args, Debug)]
pub(crate) struct Prune {
    /// SQLite file to remove from
    #[arg(value_name = "HISTORY")]
    history: PathBuf,

    /// Age of the oldest snapshots that stay, such as 90d
    #[arg(long, value_name = "TIME", value_parser = parse_days)]
    older_than: Duration,
}

pub(crate) async fn run(command: Command) -> Result<Status, Box<dyn Error>> {
    match command {
        Command::Import(arguments) => import(&arguments).await,
        Command::Export(arguments) => export(&arguments).await,
        Command::Prune(arguments) => prune(&arguments).await,
    }
}

async fn import(arguments: &Import) -> Result<Status, Box<dyn Error>> {
    let answers = match arguments.source.past()? {
        Some(past) => past.into_iter().map(Ok).collect(),
        None => {
            let answers = arguments.source.answers().await?.into_iter();
            answers.map(|(_, answer)| answer).collect::<Vec<_>>()
        }
    };
    let history = SqliteHistory::open(&arguments.history).await?;
    let mut recorded = 0;
    let mut status = Status::Done;
    for answer in answers {
        match answer {
            Ok(snapshot) => {
                history.record(&snapshot).await?;
                recorded += 1;
            }
            Err(error) => {
                terminal::complain(&error);
                status = Status::Incomplete;
            }
        }
    }
    terminal::say(&format!("recorded {}", snapshots(recorded)));
    Ok(status)
}

async fn export(arguments: &Export) -> Result<Status, Box<dyn Error>> {
    let history = arguments.past.open().await?;
    let organizations = match arguments.organizations.as_slice() {
        [] => history.organizations().await?,
        organizations => organizations.to_vec(),
    };
    let end = SystemTime::now();
    let start = end.checked_sub(arguments.since);
    let start = start.unwrap_or(SystemTime::UNIX_EPOCH);
    let mut found = Vec::new();
    for organization in &organizations {
        let reading = history.range(organization, start, end, arguments.step);
        found.extend(terminal::waiting_for("reading the history", reading).await?);
    }
    if found.is_empty() {
        return Err("the history has no snapshots of this time".into());
    }
    arguments.format.write(&found, &arguments.output)?;
    Ok(Status::Done)
}

async fn prune(arguments: &Prune) -> Result<Status, Box<dyn Error>> {
    let history = history::open(&arguments.history).await?;
    // Nothing is older than the beginning of time.
    let before = SystemTime::now()
        .checked_sub(arguments.older_than)
        .unwrap_or(SystemTime::UNIX_EPOCH);
    let removed = history.prune(before).await?;
    terminal::say(&format!("removed {}", snapshots(removed)));
    Ok(Status::Done)
}

fn snapshots(count: u64) -> String {
    match count {
        1 => "1 snapshot".to_owned(),
        _ => format!("{count} snapshots"),
    }
}
