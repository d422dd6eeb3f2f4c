//! Adds labels to the samples of an exposition and leaves out families, line by line, in little memory.

use std::{
    error::Error,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, ValueEnum};

use scout_metrics_examples::terminal;
use scout_metrics_openmetrics::{
    ChunkedParser, EncodeError, EncodeErrorKind, Encoder, Event, FamilyTracker, Format,
    ParseOptions,
};

/// Adds labels to the samples of an exposition and leaves out families.
///
/// Reads and writes line by line, so an exposition of any length needs little memory.
#[derive(Debug, Parser)]
#[command(
    name = "relabel",
    version,
    after_help = "\
Exit status:
  0  the exposition was written
  1  it could not be read or written; standard error says why and where, and the output is incomplete
  2  the command line is invalid"
)]
struct Arguments {
    /// File to read; - is standard input
    #[arg(default_value = "-")]
    file: PathBuf,

    /// Format of the input and of the output
    #[arg(long, value_enum, default_value_t = TextFormat::Prometheus)]
    format: TextFormat,

    /// Label to set in each sample; can be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    label: Vec<(String, String)>,

    /// Family to leave out, by the name in its metadata; can be repeated
    #[arg(long, value_name = "FAMILY")]
    drop: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TextFormat {
    Openmetrics,
    Prometheus,
}

impl From<TextFormat> for Format {
    fn from(format: TextFormat) -> Self {
        match format {
            TextFormat::Openmetrics => Self::OpenMetrics,
            TextFormat::Prometheus => Self::Prometheus,
        }
    }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected a name, an equals sign and a value".to_owned()),
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let input = open(&arguments.file)?;
    let relabelled = relabel(input, io::stdout().lock(), arguments);
    let Err(error) = relabelled else {
        return Ok(());
    };
    let error: Box<EncodeError> = error.downcast()?;
    if error.kind() == EncodeErrorKind::Output {
        let written = terminal::unless_closed(Err((*error).into()));
        return written.map_err(|error| format!("cannot write to standard output: {error}").into());
    }
    Err(error)
}

fn relabel(from: impl Read, to: impl Write, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let options = ParseOptions::new(Format::from(arguments.format));
    let mut families = FamilyTracker::new(&options);
    let mut encoder = Encoder::from_writer(to, options.format());
    let mut is_openmetrics = false;
    let is_dropped = |name: &str| arguments.drop.iter().any(|dropped| dropped == name);
    ChunkedParser::new(&options).read_from(from, |line| -> Result<(), Box<dyn Error>> {
        let family = families.family_of(line)?;
        match line.event() {
            _ if family.is_some_and(|family| is_dropped(family.name())) => {}
            Event::Sample(sample) => {
                let labels = arguments.label.iter();
                let encoded = encoder.sample_ref(sample);
                labels
                    .fold(encoded, |encoded, (name, value)| encoded.label(name, value))
                    .write()?;
            }
            event => {
                is_openmetrics |= is_of_openmetrics(&event, options.format());
                encoder.event(event)?;
            }
        }
        Ok(())
    })?;
    encoder.finish()?;
    if is_openmetrics {
        terminal::say(
            "note: the input looks like OpenMetrics; --format openmetrics reads it as such",
        );
    }
    Ok(())
}

/// Returns whether a comment of Prometheus text is a line that OpenMetrics gives a meaning to.
fn is_of_openmetrics(event: &Event<'_, '_>, format: Format) -> bool {
    let Event::Comment(text) = event else {
        return false;
    };
    format == Format::Prometheus && (text.trim() == "EOF" || text.trim_start().starts_with("UNIT "))
}

fn open(file: &Path) -> Result<Box<dyn Read>, String> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    match File::open(file) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(format!("cannot read `{}`: {error}", file.display())),
    }
}
