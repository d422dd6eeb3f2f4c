//! One line for each stream, worst first.

use std::{
    cmp::Reverse,
    error::Error,
    io::{self, Write},
};

use anstyle::Style;
use clap::Args;

use scout_metrics_core::{Organization, Severity, Snapshot, Stream, StreamName};
use scout_metrics_examples::{
    table::severity_style,
    terminal::{self, fit, pad_end, pad_start, width},
};

use crate::{input::Input, status::Status};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// The maximum width of a name.
const MAX_NAME: usize = 40;

/// The number of lines without --all, which fit on a screen.
const SHORT: usize = 20;

/// Show one line for each organization and stream, worst first
///
/// Streams are ordered by critical vulnerabilities, then by those of unknown severities, then by high ones and so on. A
/// count that was not reported is shown as -, which does not mean zero. An image that is in several streams counts in each
/// of them, also in the totals.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,

    /// Show only this stream, such as an environment; repeatable
    #[arg(long = "env", value_name = "STREAM", value_delimiter = ',')]
    streams: Vec<StreamName>,

    /// Show all streams, not only the worst 20
    #[arg(long)]
    all: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Status, Box<dyn Error>> {
    let (snapshots, mut status) = arguments.input.snapshots().await?;
    for name in &arguments.streams {
        if snapshots
            .iter()
            .all(|snapshot| snapshot.stream(name.as_str()).is_none())
        {
            let name = terminal::printable(name.as_str());
            terminal::say(&format!("error: no organization has a stream `{name}`"));
            status = Status::Incomplete;
        }
    }
    let mut rows: Vec<Row<'_>> = snapshots
        .iter()
        .flat_map(|snapshot| Row::all(snapshot, &arguments.streams))
        .collect();
    rows.sort_by_key(|row| Reverse(row.badness()));
    let shown = if arguments.all { rows.len() } else { SHORT };
    if snapshots.is_empty() {
        return Ok(status);
    }
    let written = write(&mut anstream::stdout().lock(), &rows, shown);
    terminal::unless_closed(written)?;
    warn_of_anomalies(&snapshots);
    Ok(status)
}

fn warn_of_anomalies(snapshots: &[Snapshot]) {
    for snapshot in snapshots {
        let organization = snapshot.organization();
        let count = match snapshot.anomalies().len() {
            0 => continue,
            1 => "1 anomaly".to_owned(),
            count => format!("{count} anomalies"),
        };
        terminal::say(&format!(
            "warning: {organization}: {count} in what was received"
        ));
    }
}

/// A stream and its organization.
struct Row<'a> {
    organization: &'a Organization,
    stream: &'a Stream,
}

impl<'a> Row<'a> {
    fn all(snapshot: &'a Snapshot, wanted: &[StreamName]) -> impl Iterator<Item = Self> {
        let organization = snapshot.organization();
        let streams = snapshot.streams().iter();
        streams
            .filter(|stream| wanted.is_empty() || wanted.contains(stream.name()))
            .map(move |stream| Row {
                organization,
                stream,
            })
    }

    /// Returns what the order is by, the worst first.
    fn badness(&self) -> [u64; 7] {
        let counts = self.stream.vulnerabilities();
        let [critical, high, medium, low, unspecified] =
            Severity::ALL.map(|severity| counts.get(severity).unwrap_or(0));
        // An unknown severity may be a critical one.
        let unknown = self.unknown().unwrap_or(0);
        let failing = self.failing() as u64;
        [critical, unknown, high, medium, low, unspecified, failing]
    }

    fn unknown(&self) -> Option<u64> {
        let counts = self.stream.vulnerabilities().unrecognized();
        counts.map(|(_, count)| count).reduce(u64::saturating_add)
    }

    fn failing(&self) -> usize {
        let results = self.stream.policies().iter();
        results.filter(|result| !result.is_compliant()).count()
    }

    /// Returns the last column, such as `2 of 4 fail`.
    fn policies(&self) -> String {
        let evaluated = self.stream.policies().iter();
        let evaluated = evaluated.filter(|result| result.evaluated() > 0).count();
        match (self.stream.policies().len(), evaluated, self.failing()) {
            (0, _, _) => "-".to_owned(),
            (_, 0, _) => "none evaluated".to_owned(),
            (_, evaluated, failing) => format!("{failing} of {evaluated} fail"),
        }
    }
}

/// A column of numbers.
struct Column {
    title: &'static str,
    style: fn(u64) -> Style,
    count: fn(&Row<'_>) -> Option<u64>,
}

macro_rules! column {
    ($title:literal, $severity:ident) => {
        Column {
            title: $title,
            style: |count| severity_style(Severity::$severity, count),
            count: |row| row.stream.vulnerabilities().get(Severity::$severity),
        }
    };
}

const COLUMNS: [Column; 6] = [
    column!("CRITICAL", Critical),
    column!("HIGH", High),
    column!("MEDIUM", Medium),
    column!("LOW", Low),
    column!("UNSPECIFIED", Unspecified),
    Column {
        title: "UNKNOWN",
        style: |count| severity_style(Severity::Critical, count),
        count: |row| row.unknown(),
    },
];

fn write(out: &mut impl Write, rows: &[Row<'_>], shown: usize) -> io::Result<()> {
    if rows.is_empty() {
        return writeln!(out, "no streams");
    }
    let has_unknown = rows.iter().any(|row| row.unknown().is_some());
    let columns = COLUMNS
        .iter()
        .filter(|column| column.title != "UNKNOWN" || has_unknown);
    let columns: Vec<&Column> = columns.collect();
    let names = rows.iter().map(|row| {
        [
            fit(row.organization.as_str(), MAX_NAME),
            fit(row.stream.name().as_str(), MAX_NAME),
        ]
    });
    let names: Vec<[String; 2]> = names.collect();
    let titles = ["ORGANIZATION", "STREAM"];
    let widths = [0, 1].map(|column: usize| {
        let names = names.iter().map(|names| width(&names[column]));
        names.max().unwrap_or(0).max(width(titles[column]))
    });
    let lead = |names: [&str; 2]| {
        let [organization, stream] =
            [0, 1].map(|column: usize| pad_end(names[column], widths[column]));
        format!("{organization}  {stream}")
    };
    write!(out, "{DIM}{}", lead(titles))?;
    for column in &columns {
        write!(out, "  {}", column.title)?;
    }
    writeln!(out, "  POLICIES{DIM:#}")?;
    for (row, [organization, stream]) in rows.iter().zip(&names).take(shown) {
        write!(out, "{}", lead([organization, stream]))?;
        for column in &columns {
            let count = (column.count)(row);
            let style = count.map_or(DIM, column.style);
            let cell = count.map_or("-".to_owned(), |count| count.to_string());
            let cell = pad_start(&cell, column.title.len());
            write!(out, "  {style}{cell}{style:#}")?;
        }
        writeln!(out, "  {}", row.policies())?;
    }
    write_totals(out, rows, &columns, &lead)?;
    if rows.len() > shown {
        writeln!(out, "{} more; --all shows them", rows.len() - shown)?;
    }
    Ok(())
}

fn write_totals(
    out: &mut impl Write,
    rows: &[Row<'_>],
    columns: &[&Column],
    lead: &dyn Fn([&str; 2]) -> String,
) -> io::Result<()> {
    let streams = match rows.len() {
        1 => "1 stream".to_owned(),
        count => format!("{count} streams"),
    };
    write!(out, "{BOLD}{}", lead(["total", &streams]))?;
    for column in columns {
        let counts = rows.iter().filter_map(column.count);
        let total = counts.reduce(u64::saturating_add);
        let total = total.map_or("-".to_owned(), |total| total.to_string());
        write!(out, "  {}", pad_start(&total, column.title.len()))?;
    }
    let results = rows.iter().flat_map(|row| row.stream.policies());
    let evaluated = results.filter(|result| result.evaluated() > 0).count();
    let failing: usize = rows.iter().map(Row::failing).sum();
    let policies = match evaluated {
        0 => "-".to_owned(),
        evaluated => format!("{failing} of {evaluated} fail"),
    };
    writeln!(out, "  {policies}{BOLD:#}")
}
