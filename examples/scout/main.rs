//! Docker Scout's metrics on the command line: a gate for releases, and who is worst.

mod baseline;
mod check;
mod completions;
mod diff;
mod history;
mod html;
mod input;
mod output;
mod overview;
mod past;
mod report;
mod since;
mod status;

use std::{error::Error, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};

use scout_metrics_examples::{command_line, terminal};

use status::{Status, Usage};

/// Checks, shows and records the Docker Scout metrics of organizations.
#[derive(Debug, Parser)]
#[command(
    name = "scout",
    version,
    arg_required_else_help = true,
    after_help = status::HELP
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    Completions(completions::Arguments),
    Diff(diff::Arguments),
    #[command(subcommand)]
    History(history::Command),
    Man(completions::ManArguments),
    Overview(overview::Arguments),
    Report(report::Arguments),
    Since(since::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    terminal::log_warnings();
    let arguments: Arguments = command_line::parse_or_exit(status::USAGE.into(), input::LOCAL);
    match run(arguments.command).await {
        Ok(status) => status.into(),
        Err(error) => {
            terminal::complain(error.as_ref());
            match error.downcast_ref::<Usage>() {
                Some(_) => ExitCode::from(status::USAGE),
                None => ExitCode::FAILURE,
            }
        }
    }
}

async fn run(command: Command) -> Result<Status, Box<dyn Error>> {
    match command {
        Command::Check(arguments) => check::run(&arguments).await,
        Command::Completions(arguments) => completions::run(&arguments, Arguments::command()),
        Command::Diff(arguments) => diff::run(&arguments).await,
        Command::History(command) => history::run(command).await,
        Command::Man(arguments) => completions::man(&arguments, Arguments::command()),
        Command::Overview(arguments) => overview::run(&arguments).await,
        Command::Report(arguments) => report::run(&arguments).await,
        Command::Since(arguments) => since::run(&arguments).await,
    }
}
