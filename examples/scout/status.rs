//! The exit statuses.

use std::{error::Error, fmt, process::ExitCode};

/// The status for a command line that is wrong: `EX_USAGE` of sysexits.h.
pub(crate) const USAGE: u8 = 64;

pub(crate) const HELP: &str = "\
Exit status:
  0   done
  1   something could not be read, fetched or written; standard error says why
  64  the command line or the environment is invalid";

/// The outcome of a command that could do what it should.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    Done,
    /// Some of the answers are missing, which standard error says.
    Incomplete,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => Self::SUCCESS,
            Status::Incomplete => Self::FAILURE,
        }
    }
}

/// A command line that is wrong in a way that clap cannot know.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Usage {}
