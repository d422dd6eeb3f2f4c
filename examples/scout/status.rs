//! The exit statuses.

use std::{error::Error, fmt, process::ExitCode};

use scout_metrics_core::ErrorKind;

/// The status for a command line that is wrong: `EX_USAGE` of sysexits.h. 2 says that something is violated.
pub(crate) const USAGE: u8 = 64;

pub(crate) const HELP: &str = "\
Exit status:
  0   done; a check passed
  1   something could not be read, fetched or written, or a check could not tell
  2   a check is violated
  64  the command line or the environment is invalid";

/// The outcome of a command that could do what it should.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    Done,
    /// Some of the answers are missing, which standard error says.
    Incomplete,
    /// A check is violated, which has this status.
    Violated(u8),
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => Self::SUCCESS,
            Status::Incomplete => Self::FAILURE,
            Status::Violated(status) => status.into(),
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

/// Returns an error of the command line if an option has a value that cannot be used, such as a URL.
pub(crate) fn usage_if_invalid(error: scout_metrics_core::Error) -> Box<dyn Error> {
    match error.kind() {
        ErrorKind::Config => Usage(error.chain().to_string()).into(),
        _ => error.into(),
    }
}
