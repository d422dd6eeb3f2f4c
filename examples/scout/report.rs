//! Snapshots as tables and files.

use std::{error::Error, io};

use clap::{Args, ValueEnum};

use scout_metrics_core::{Snapshot, export};
use scout_metrics_examples::table;

use crate::{input::Input, output::Output, status::Status};

/// Print everything that is known, for people, spreadsheets and programs
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,

    /// Format of the output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    #[command(flatten)]
    output: Output,
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
    let (snapshots, status) = arguments.input.snapshots().await?;
    if !snapshots.is_empty() {
        arguments.format.write(&snapshots, &arguments.output)?;
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
