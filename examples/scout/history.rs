//! Recording snapshots in a history.

use std::{
    error::Error,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use clap::{Args, Subcommand};

use scout_metrics_core::{RecordHistory, SqliteHistory};
use scout_metrics_examples::{terminal, time::parse_days};

use crate::{
    input::{self, Source},
    status::Status,
};

/// Keep snapshots in a SQLite file, which --history of the other commands reads
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Record the current snapshots of organizations, or those in files
    ///
    /// The file is created if it does not exist. A snapshot that is recorded again replaces the earlier one with the same
    /// time.
    Import(Import),

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
        Command::Prune(arguments) => prune(&arguments).await,
    }
}

async fn import(arguments: &Import) -> Result<Status, Box<dyn Error>> {
    let answers = arguments.source.answers().await?;
    let history = SqliteHistory::open(&arguments.history).await?;
    let mut recorded = 0;
    let mut status = Status::Done;
    for (_, answer) in answers {
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

async fn prune(arguments: &Prune) -> Result<Status, Box<dyn Error>> {
    let history = input::open(&arguments.history).await?;
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
