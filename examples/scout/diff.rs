//! The changes since an earlier snapshot.

use std::{cmp::Reverse, error::Error, fmt::Write, path::Path, time::Duration};

use anstyle::{AnsiColor, Style};
use clap::Args;

use scout_metrics_core::{Change, History, Snapshot, StreamName, gate};
use scout_metrics_examples::{
    changes::{seconds, write_json},
    snapshot_file::FileFormat,
    terminal,
};

use crate::{
    baseline::{Baseline, BaselineHistory},
    input::{Answers, Input},
    output::Output,
    status::Status,
};

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default();

/// Show what changed since an earlier snapshot, what is worse first
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,

    /// File with the earlier snapshot, or how long ago it is in a history, such as 7d
    #[arg(long, value_name = "FILE|TIME")]
    baseline: Baseline,

    #[command(flatten)]
    baseline_history: BaselineHistory,

    /// Show only this stream; repeatable
    #[arg(long = "env", value_name = "STREAM", value_delimiter = ',')]
    streams: Vec<StreamName>,

    /// Print each change as a line of JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    output: Output,

    /// Exit with status 2 if something is worse
    #[arg(short = 'e', long)]
    exit_code: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Status, Box<dyn Error>> {
    let past = arguments.baseline_history.past(&arguments.input);
    arguments.baseline.check(past)?;
    let history = match past {
        Some(past) => Some(past.open().await?),
        None => None,
    };
    let answers = arguments.input.answers().await?;
    let format = arguments.input.file_format();
    let baselines = Baselines::new(&arguments.baseline, format, &answers, history)?;
    let mut status = Status::Done;
    let mut is_worse = false;
    let mut text = String::new();
    for (_, answer) in &answers {
        let pair = match answer {
            Ok(after) => baselines.before(after).await.map(|before| (before, after)),
            Err(error) => Err(Box::from(error.clone())),
        };
        match pair {
            Ok((before, after)) => {
                let changes = arguments.changes(&before, after);
                is_worse |= changes.iter().any(Change::is_worse);
                text.push_str(&arguments.shown(&before, after, &changes)?);
            }
            Err(error) => {
                terminal::complain(error.as_ref());
                status = Status::Incomplete;
            }
        }
    }
    if arguments.json {
        arguments.output.write_raw(text.as_bytes())?;
    } else {
        arguments.output.write(&text)?;
    }
    if is_worse && arguments.exit_code {
        status = Status::Violated(2);
    }
    Ok(status)
}

impl Arguments {
    /// Returns the changes, those that matter most first.
    fn changes(&self, before: &Snapshot, after: &Snapshot) -> Vec<Change> {
        let mut changes = after.changes_since(before);
        changes.retain(|change| self.streams.is_empty() || self.streams.contains(change.stream()));
        changes.sort_by_key(|change| Reverse(change.weight()));
        changes
    }

    fn shown(
        &self,
        before: &Snapshot,
        after: &Snapshot,
        changes: &[Change],
    ) -> Result<String, Box<dyn Error>> {
        if self.json {
            let mut lines = Vec::new();
            write_json(&mut lines, after, changes)?;
            return Ok(String::from_utf8(lines)?);
        }
        let organization = after.organization();
        let since = seconds(before.scraped_at());
        let worse = changes.iter().filter(|change| change.is_worse()).count();
        let title = match changes.len() {
            0 => "nothing changed".to_owned(),
            1 => format!("1 change, {worse} for the worse,"),
            count => format!("{count} changes, {worse} for the worse,"),
        };
        let mut text = format!("{BOLD}{organization}: {title} since {since}{BOLD:#}\n");
        for change in changes {
            let (mark, style) = if change.is_worse() {
                ('✗', RED)
            } else {
                ('·', Style::new())
            };
            let change = terminal::printable(&change.to_string());
            writeln!(text, "  {style}{mark}{style:#} {change}")?;
        }
        Ok(text)
    }
}

/// The earlier snapshots.
pub(crate) enum Baselines {
    Ago(Box<dyn History>, Duration),
    File(Snapshot),
}

impl Baselines {
    pub(crate) fn new(
        baseline: &Baseline,
        format: FileFormat,
        answers: &Answers,
        history: Option<Box<dyn History>>,
    ) -> Result<Self, Box<dyn Error>> {
        match (baseline, history) {
            (Baseline::Ago(time), Some(history)) => Ok(Self::Ago(history, *time)),
            (Baseline::Ago(_), None) => Err("there is no history".into()),
            (Baseline::File(path), _) => {
                let path: &Path = path;
                Ok(Self::File(Baseline::read(path, format, answers)?))
            }
        }
    }

    /// Returns the snapshot to compare a snapshot with.
    pub(crate) async fn before(&self, after: &Snapshot) -> Result<Snapshot, Box<dyn Error>> {
        let organization = after.organization();
        match self {
            Self::File(before) if before.organization() == organization => Ok(before.clone()),
            Self::File(before) => {
                let other = before.organization();
                Err(format!("organization `{organization}`: the baseline is of `{other}`").into())
            }
            Self::Ago(history, time) => {
                let at = after.scraped_at().checked_sub(*time);
                let at = at.ok_or("--baseline is too long ago to express as a time")?;
                // As a gate does.
                let tolerance = (*time).min(gate::Baseline::MAX_DEFAULT_TOLERANCE);
                let before = history.at(organization, at, tolerance).await?;
                let missing = || {
                    let at = seconds(at);
                    format!("organization `{organization}`: the history has no snapshot of {at}")
                };
                Ok(before.ok_or_else(missing)?)
            }
        }
    }
}
