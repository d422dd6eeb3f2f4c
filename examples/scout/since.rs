//! Since when streams have had what they have.

use std::{
    error::Error,
    fmt::Write,
    time::{Duration, SystemTime},
};

use anstyle::Style;
use clap::Args;
use serde::Serialize;

use scout_metrics_core::{History, HistoryExt, Organization, Since, StreamName};
use scout_metrics_examples::{
    changes::seconds,
    terminal::{self, fit, pad_end, width},
    time::parse_days,
};

use crate::{output::Output, past::PastArguments, status::Status};

const DIM: Style = Style::new().dimmed();

/// The maximum width of a cell.
const MAX_CELL: usize = 60;

/// Show since when streams have had vulnerabilities, and since when policies have failed
///
/// This is the time since the count was last 0, and not the age of a vulnerability: others may have come and gone
/// meanwhile.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    past: PastArguments,

    /// Organization to show; repeatable [default: all]
    #[arg(long = "org", value_name = "NAME", value_delimiter = ',')]
    organizations: Vec<Organization>,

    /// Show only this stream; repeatable
    #[arg(long = "env", value_name = "STREAM", value_delimiter = ',')]
    streams: Vec<StreamName>,

    /// How far to look back
    #[arg(long, value_name = "TIME", value_parser = parse_days, default_value = "90d")]
    lookback: Duration,

    /// Print each as a line of JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Line {
    organization: Organization,
    #[serde(flatten)]
    since: Since,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Status, Box<dyn Error>> {
    let history = arguments.past.open().await?;
    let organizations = match arguments.organizations.as_slice() {
        [] => history.organizations().await?,
        organizations => organizations.to_vec(),
    };
    let mut status = Status::Done;
    let mut lines = Vec::new();
    for organization in organizations {
        if history.latest(&organization).await?.is_none() {
            terminal::say(&format!(
                "error: organization `{organization}`: the history has no snapshot of it"
            ));
            status = Status::Incomplete;
            continue;
        }
        let reading = history.since(&organization, arguments.lookback);
        let found = terminal::waiting_for("reading the history", reading).await?;
        let wanted = found.into_iter().filter(|since| {
            arguments.streams.is_empty() || arguments.streams.contains(&since.stream)
        });
        lines.extend(wanted.map(|since| Line {
            organization: organization.clone(),
            since,
        }));
    }
    if arguments.json {
        let mut text = String::new();
        for line in &lines {
            writeln!(text, "{}", serde_json::to_string(line)?)?;
        }
        arguments.output.write_raw(text.as_bytes())?;
    } else {
        arguments.output.write(&table(&lines))?;
    }
    Ok(status)
}

fn table(lines: &[Line]) -> String {
    const TITLES: [&str; 4] = ["ORGANIZATION", "STREAM", "WHAT", "SINCE"];
    let now = SystemTime::now();
    let rows: Vec<[String; 5]> = lines.iter().map(|line| row(line, now)).collect();
    let widths: [usize; 4] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.max().unwrap_or(0).max(width(TITLES[column]))
    });
    let mut text = String::new();
    let mut write = |cells: [&str; 5], style: Style| {
        let padded = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| pad_end(cell, width));
        let line: Vec<String> = padded.chain([cells[4].to_owned()]).collect();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{style}{}{style:#}", line.join("  "));
    };
    let [organization, stream, what, since] = TITLES;
    write([organization, stream, what, since, "FOR"], DIM);
    for row in &rows {
        write(row.each_ref().map(String::as_str), Style::new());
    }
    text
}

fn row(line: &Line, now: SystemTime) -> [String; 5] {
    let Line {
        organization,
        since,
    } = line;
    let at_least = match since.last_clean {
        Some(_) => "",
        None => "at least ",
    };
    let elapsed = now.duration_since(since.first).unwrap_or_default();
    [
        fit(organization.as_str(), MAX_CELL),
        fit(since.stream.as_str(), MAX_CELL),
        fit(&since.state.to_string(), MAX_CELL),
        seconds(since.first),
        format!("{at_least}{}", rounded(elapsed)),
    ]
}

/// Returns a time in days, or in hours if it is less than two days.
fn rounded(time: Duration) -> String {
    match time.as_secs() / 3600 {
        hours @ 0..48 => format!("{hours}h"),
        hours => format!("{}d", hours / 24),
    }
}
