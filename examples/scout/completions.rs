//! Completions for shells, and manual pages.

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use scout_metrics_examples::terminal::printable;

use crate::{output::Output, status::Status};

/// Print completions for a shell
///
/// For bash: `scout completions bash -o ~/.local/share/bash-completion/completions/scout`
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    shell: Shell,

    #[command(flatten)]
    output: Output,
}

pub(crate) fn run(arguments: &Arguments, mut command: Command) -> Result<Status, Box<dyn Error>> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "scout", &mut script);
    arguments.output.write_raw(&script)?;
    Ok(Status::Done)
}

/// Write manual pages, one for each command
///
/// For example: `scout man ~/.local/share/man/man1`
#[derive(Args, Debug)]
pub(crate) struct ManArguments {
    /// Directory to write them to; created if it does not exist
    directory: PathBuf,
}

pub(crate) fn man(
    arguments: &ManArguments,
    mut command: Command,
) -> Result<Status, Box<dyn Error>> {
    command = command.disable_help_subcommand(true);
    command.build();
    let directory = &arguments.directory;
    let written = fs::create_dir_all(directory).and_then(|()| write_pages(&command, directory));
    written.map_err(|error| {
        let name = printable(&directory.to_string_lossy());
        format!("cannot write into `{name}`: {error}")
    })?;
    Ok(Status::Done)
}

/// Writes the pages of a command and of its subcommands.
fn write_pages(command: &Command, directory: &Path) -> io::Result<()> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    fs::write(directory.join(man.get_filename()), page)?;
    let mut subcommands = command.get_subcommands();
    subcommands.try_for_each(|command| write_pages(command, directory))
}
