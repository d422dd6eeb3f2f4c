//! Snapshots as tables and files.

use std::{error::Error, io};

use clap::{Args, ValueEnum, builder::PossibleValue};

use scout_metrics_core::{Snapshot, export};
use scout_metrics_examples::table;

use crate::{html, input::Input, output::Output, status::Status};

/// Print everything that is known, for people, spreadsheets and programs
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,

    /// Format of the output
    #[arg(long, value_enum, default_value = "table")]
    format: ReportFormat,

    #[command(flatten)]
    html: html::Options,

    #[command(flatten)]
    output: Output,
}

/// A report has one more format than an export, because it has no times but those of its history.
#[derive(Clone, Copy, Debug)]
enum ReportFormat {
    Export(Format),
    Html,
}

impl ValueEnum for ReportFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Export(Format::Csv),
            Self::Html,
            Self::Export(Format::Json),
            Self::Export(Format::Jsonl),
            Self::Export(Format::Markdown),
            Self::Export(Format::Table),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Export(format) => format.to_possible_value(),
            Self::Html => {
                let help = "One file for people: what to do first, streams, policies; with --baseline also changes, with --history also trends";
                Some(PossibleValue::new("html").help(help))
            }
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// RFC 4180, a row for each severity and each policy of each stream; texts that a spreadsheet would take for a formula
    /// begin with an apostrophe
    Csv,
    /// An array of snapshots, which --file reads
    Json,
    /// The rows of csv, each as an object on a line of its own
    Jsonl,
    /// Two tables for each snapshot, for a comment or a page
    Markdown,
    /// For people
    Table,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Status, Box<dyn Error>> {
    let ReportFormat::Export(format) = arguments.format else {
        let (report, status) = arguments.html.report(&arguments.input).await?;
        arguments.output.write_raw(report.to_string().as_bytes())?;
        return Ok(status);
    };
    arguments.html.check_unused()?;
    let (snapshots, status) = arguments.input.snapshots().await?;
    if !snapshots.is_empty() {
        format.write(&snapshots, &arguments.output)?;
    }
    Ok(status)
}

impl Format {
    /// Writes snapshots of several organizations or times.
    pub(crate) fn write(
        self,
        snapshots: &[Snapshot],
        output: &Output,
    ) -> Result<(), Box<dyn Error>> {
        let mut text = Vec::new();
        match self {
            Self::Csv => export::csv(snapshots, &mut text)?,
            Self::Json => export::json(snapshots, &mut text)?,
            Self::Jsonl => export::json_lines(snapshots, &mut text)?,
            Self::Markdown => export::markdown(snapshots, &mut text)?,
            Self::Table => {
                write_tables(&mut text, snapshots)?;
                return output.write(str::from_utf8(&text)?);
            }
        }
        output.write_raw(&text)
    }
}

fn write_tables(out: &mut Vec<u8>, snapshots: &[Snapshot]) -> io::Result<()> {
    for (index, snapshot) in snapshots.iter().enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        table::write(out, snapshot)?;
    }
    Ok(())
}
