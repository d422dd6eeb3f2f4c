//! Reads any Prometheus or OpenMetrics exposition and shows what is in it, or what is wrong with it.

mod composite;
mod convert;
mod detect;
mod json;
mod limit;
mod parts;
mod table;

use std::{
    error::Error,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, ValueEnum};

use self::{
    detect::{Detected, detect, remark_on_times},
    limit::NewLimit,
};
use scout_metrics_examples::terminal::{self, printable};
use scout_metrics_openmetrics::{Families, Format, Mode, ParseError, ParseOptions, parse_families};

/// The maximum number of deviations that are listed. The rest is only counted.
const MAX_DEVIATIONS: usize = 20;

/// Shows the metric families of an exposition as tables.
#[derive(Debug, Parser)]
#[command(
    name = "inspect",
    version,
    after_help = "\
Exit status:
  0  the exposition was read; with --json also if it could not be read, and the JSON then contains the error
  1  it could not be read or written; standard error says why and where
  2  the command line is invalid"
)]
struct Arguments {
    /// File to read; - is standard input
    #[arg(default_value = "-")]
    file: PathBuf,

    /// Format of the input; auto reads an exposition that ends with `# EOF` as OpenMetrics, unless it is Prometheus text
    /// with such a comment, and as version 2.0 if only that can be what it is; and one that is no text as protobuf
    #[arg(long, value_enum, default_value_t = InputFormat::Auto)]
    format: InputFormat,

    /// Whether to forgive what common parsers forgive, or to enforce the specification
    #[arg(long, value_enum, default_value_t = ReadMode::Lenient)]
    mode: ReadMode,

    /// Limit to set, which may be repeated: families, labels, line-length, name-length, samples or value-length
    #[arg(long = "limit", value_name = "NAME=NUMBER", value_parser = NewLimit::parse)]
    limits: Vec<NewLimit>,

    /// Print everything that was read as one line of JSON
    #[arg(long)]
    json: bool,

    /// Print the exposition, converted to this format; fail if the format cannot express everything
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "json")]
    to: Option<OutputFormat>,

    /// Convert without what the format cannot express, and list each loss on standard error
    #[arg(long, requires = "to")]
    lossy: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum InputFormat {
    Auto,
    Openmetrics,
    Openmetrics2,
    Prometheus,
    Protobuf,
}

impl InputFormat {
    /// Returns the format, after a warning if that of an exposition is in doubt.
    fn of(self, exposition: &[u8], options: &ParseOptions) -> Format {
        match self {
            Self::Auto => {
                let Detected { format, remark } = detect(exposition, options);
                if let Some(remark) = remark {
                    eprintln!("warning: {}", printable(&remark));
                }
                format
            }
            Self::Openmetrics => Format::OpenMetrics,
            Self::Openmetrics2 => Format::OpenMetrics2,
            Self::Prometheus => Format::Prometheus,
            Self::Protobuf => Format::Protobuf,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OutputFormat {
    Openmetrics,
    Openmetrics2,
    Prometheus,
    Protobuf,
}

impl From<OutputFormat> for Format {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Openmetrics => Self::OpenMetrics,
            OutputFormat::Openmetrics2 => Self::OpenMetrics2,
            OutputFormat::Prometheus => Self::Prometheus,
            OutputFormat::Protobuf => Self::Protobuf,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReadMode {
    Lenient,
    Strict,
}

impl From<ReadMode> for Mode {
    fn from(mode: ReadMode) -> Self {
        match mode {
            ReadMode::Lenient => Self::Lenient,
            ReadMode::Strict => Self::Strict,
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(error.as_ref());
            if let Some(error) = error.downcast_ref() {
                point_at(error);
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let exposition = read(&arguments.file)?;
    let options = ParseOptions::default()
        .with_mode(arguments.mode.into())
        .with_limits(limit::limits(&arguments.limits));
    let format = arguments.format.of(&exposition, &options);
    let options = options.with_format(format);
    let read = parse_families(&exposition, &options);
    if let Ok(families) = &read
        && let Some(remark) = remark_on_times(families, format)
    {
        eprintln!("warning: {remark}");
    }

    // Data goes to `io::stdout`: `anstream` would remove control characters that are part of it.
    let printed = if arguments.json {
        writeln!(io::stdout(), "{}", json::line(&read, format)?)
    } else {
        let families = read?;
        warn(&families);
        match arguments.to {
            None => table::write(&mut anstream::stdout().lock(), families.as_slice()),
            Some(to) => convert::write(families.as_slice(), to.into(), arguments.lossy)?,
        }
    };
    Ok(terminal::unless_closed(printed)?)
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    if file.as_os_str() != "-" {
        return fs::read(file)
            .map_err(|error| format!("cannot read `{}`: {error}", file.display()));
    }
    let mut bytes = Vec::new();
    match io::stdin().read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("cannot read standard input: {error}")),
    }
}

fn warn(families: &Families) {
    for deviation in families.deviations().iter().take(MAX_DEVIATIONS) {
        eprintln!("warning: {}", printable(&deviation.to_string()));
    }
    let rest = families
        .deviation_count()
        .saturating_sub(MAX_DEVIATIONS as u64);
    if rest > 0 {
        eprintln!("warning: {rest} more deviations");
    }
}

/// Prints an excerpt of the line with the error, and a caret below the error.
fn point_at(error: &ParseError) {
    let excerpt = error.excerpt();
    let before: String = excerpt.text().chars().take(excerpt.caret()).collect();
    // Counted in columns, because wide characters occupy two columns.
    let caret = terminal::width(&before);
    eprintln!("  {}\n  {:caret$}^", excerpt.text(), "");
    if let Some(limit) = error.limit() {
        let name = limit::option_name(limit);
        eprintln!("  `--limit {name}=NUMBER` raises the limit");
    }
}
