//! An earlier snapshot to compare with.

use std::{
    convert::Infallible,
    error::Error,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use scout_metrics_core::Snapshot;
use scout_metrics_examples::{snapshot_file, time::parse_days};

use crate::{input::Answers, status::Usage};

/// A file, or a time before the snapshot, for which a history is needed.
#[derive(Clone, Debug)]
pub(crate) enum Baseline {
    Ago(Duration),
    File(PathBuf),
}

impl Baseline {
    /// Checks that there is a history if one is needed.
    pub(crate) fn check(&self, history: Option<&Path>) -> Result<(), Usage> {
        match (self, history) {
            (Self::Ago(_), None) => {
                let fault =
                    "a time in --baseline requires --history, which has the earlier snapshots";
                Err(Usage(fault.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Reads a file. An exposition belongs to the organization of the answers, if there is only one.
    pub(crate) fn read(path: &Path, answers: &Answers) -> Result<Snapshot, Box<dyn Error>> {
        let organization = match answers.as_slice() {
            [(organization, _)] => Some(organization),
            _ => None,
        };
        snapshot_file::read_one(path, organization)
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
