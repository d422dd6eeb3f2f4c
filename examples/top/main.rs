//! Shows the metrics of organizations in a terminal, and keeps them up to date.
//!
//! `app` is the state, which events change; `draw` shows it. Both need no terminal. Everything else is here: sources that
//! are polled, keys, signals, and the terminal itself.

mod app;
mod draw;
mod keys;
mod picture;
mod screen;
mod session;
mod signals;
mod sources;
mod theme;

use std::{
    env,
    error::Error,
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use tokio::runtime::Runtime;

use scout_metrics_examples::{command_line, terminal};

use self::{session::Session, sources::Options, theme::Theme};

/// Shows the vulnerabilities and policies of organizations in a terminal: the worst first, with trends of 90 days, and
/// whether the data is fresh. Press ? for the keys.
///
/// Try it without an account: top --demo
#[derive(Debug, Parser)]
#[command(
    name = "top",
    version,
    after_help = "\
NO_COLOR turns colours off.

Exit status:
  0  ended by q, Ctrl-C or a signal
  1  the data cannot be opened, or the terminal fails; standard error says why
  2  the command line or the environment is invalid, or standard output is not a terminal"
)]
struct Arguments {
    #[command(flatten)]
    sources: Options,

    /// Write a picture of the first screen to an SVG file instead, after each organization has answered or failed
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments: Arguments = command_line::parse_or_exit(2, sources::LOCAL);
    if arguments.svg.is_none() && !can_show() {
        terminal::say(
            "error: standard output is not a terminal that can show a dashboard: \
             `scout overview` writes to files and pipes",
        );
        return ExitCode::from(2);
    }
    let runtime = Runtime::new().expect("the system starts a few threads");
    let outcome = runtime.block_on(run(&arguments));
    // Waiting for blocking work, such as a name lookup that no server answers, could take long.
    runtime.shutdown_background();
    terminal::exit_code(outcome)
}

async fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let sources = arguments.sources.open().await?;
    let session = Session::start(sources).await?;
    match &arguments.svg {
        Some(path) => Ok(session.write_picture(path).await?),
        None => Ok(session.run(Theme::new(has_colors())).await?),
    }
}

fn can_show() -> bool {
    let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !is_dumb
}

/// Returns whether colours are wanted. `NO_COLOR` that is not empty turns them off, as <https://no-color.org> describes.
fn has_colors() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
