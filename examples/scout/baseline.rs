//! An earlier snapshot to compare with.

use std::{
    convert::Infallible,
    error::Error,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use clap::Args;

use scout_metrics_core::Snapshot;
use scout_metrics_examples::{
    snapshot_file::{self, FileFormat},
    time::parse_days,
};

use crate::{
    input::{Answers, Input},
    past::Past,
    status::Usage,
};

/// The history that has earlier snapshots, if it is not the source of the current ones.
#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct BaselineHistory {
    /// SQLite file that has the earlier snapshots of a time in --baseline [default: that of --history or --prometheus]
    #[arg(long = "baseline-history", value_name = "FILE")]
    path: Option<PathBuf>,
}

impl BaselineHistory {
    /// Returns the history to search, if one is given.
    pub(crate) fn past<'a>(&'a self, input: &'a Input) -> Option<Past<'a>> {
        let of_file = self.path.as_deref().map(Past::File);
        of_file.or(input.history())
    }
}

/// A file, or a time before the snapshot, for which a history is needed.
#[derive(Clone, Debug)]
pub(crate) enum Baseline {
    Ago(Duration),
    File(PathBuf),
}

impl Baseline {
    /// Checks that there is a history if one is needed.
    pub(crate) fn check(&self, history: Option<Past<'_>>) -> Result<(), Usage> {
        match (self, history) {
            (Self::Ago(_), None) => {
                let fault = "a time in --baseline requires --history, --prometheus or --baseline-history, which has the earlier snapshots";
                Err(Usage(fault.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Reads a file. An exposition belongs to the organization of the answers, if there is only one.
    pub(crate) fn read(
        path: &Path,
        format: FileFormat,
        answers: &Answers,
    ) -> Result<Snapshot, Box<dyn Error>> {
        let organization = match answers.as_slice() {
            [(organization, _)] => Some(organization),
            _ => None,
        };
        snapshot_file::read_one(path, format, organization)
    }
}

/// Whatever is not a time such as `7d` is the name of a file.
impl FromStr for Baseline {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match parse_days(text) {
            Ok(time) => Self::Ago(time),
            Err(_) => Self::File(text.into()),
        })
    }
}
