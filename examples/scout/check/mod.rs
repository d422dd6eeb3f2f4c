//! The gate: whether snapshots meet rules.

mod code_quality;
mod fingerprint;
mod github;
mod json;
mod junit;
mod location;
mod markdown;
mod report;
mod rules;
mod sarif;
mod text;

use std::{error::Error, path::PathBuf};

use clap::{Args, ValueEnum};

use scout_metrics_core::gate::Outcome;
use scout_metrics_examples::terminal;

use crate::{input::Input, output::Output, status::Status};
use location::Locations;
use report::{Checked, Report};
use rules::RuleArguments;

/// Check snapshots against rules, as a gate for releases
///
/// At least one rule is required. A rule passes only if the data shows it: if a stream, severity or policy that it needs was
/// not reported, if no image was evaluated, if what was received has an anomaly in what the rule reads, or if there is no
/// snapshot at all, the check could not tell, which is exit status 1. So is a file with rules that cannot be read.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(flatten)]
    input: Input,

    /// Format of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    output: Output,

    /// Exit status if a rule is violated; -e without a status is 2
    #[arg(
        short = 'e',
        long,
        value_name = "STATUS",
        num_args = 0..=1,
        default_value_t = 2,
        default_missing_value = "2"
    )]
    exit_code: u8,

    // Last, because its heading is also that of what follows.
    #[command(flatten)]
    rules: RuleArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Workflow commands of GitHub Actions, which annotate the run
    Github,
    /// A Code Quality report of GitLab
    Gitlab,
    /// One object with the verdicts
    Json,
    /// JUnit XML: a suite for each organization, a test for each rule
    Junit,
    /// A table for each organization, for a comment or a job summary
    Markdown,
    /// SARIF 2.1.0: a run for each organization
    Sarif,
    /// For people
    Text,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<Status, Box<dyn Error>> {
    arguments.rules.check(&arguments.input)?;
    let history = match arguments.rules.history(&arguments.input) {
        Some(past) => Some(past.open().await?),
        None => None,
    };
    let answers = arguments.input.answers().await?;
    let gate = arguments.rules.gate(&arguments.input, &answers)?;
    let mut report = Report::default();
    for (organization, answer) in answers {
        let verdict = match (answer, &history) {
            (Ok(snapshot), Some(history)) => Ok(gate.check_with(&snapshot, history).await),
            (Ok(snapshot), None) => Ok(gate.check(&snapshot)),
            (Err(error), _) => Err(error),
        };
        report.checked.push(Checked {
            organization,
            verdict,
        });
    }
    if let Some(advice) = report.advice() {
        terminal::say(&advice);
    }
    let text = arguments.format.write(&report, arguments.rules.file())?;
    match arguments.format {
        Format::Text => arguments.output.write(&text)?,
        _ => arguments.output.write_raw(text.as_bytes())?,
    }
    Ok(match report.outcome() {
        Outcome::Passed => Status::Done,
        Outcome::Untellable => Status::Incomplete,
        Outcome::Violated => Status::Violated(arguments.exit_code),
    })
}

impl Format {
    fn write(self, report: &Report, rules: Option<&PathBuf>) -> serde_json::Result<String> {
        let locations = Locations::new(rules);
        Ok(match self {
            Self::Github => github::write(report, &locations),
            Self::Gitlab => code_quality::write(report, &locations)?,
            Self::Json => json::write(report)?,
            Self::Junit => junit::write(report),
            Self::Markdown => markdown::write(report),
            Self::Sarif => sarif::write(report, &locations)?,
            Self::Text => text::write(report),
        })
    }
}
