//! Whether a file has changed, without reading it.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

/// How long after a change a file's time may not tell it from the next change: FAT counts in steps of two seconds.
const TIME_STEP: Duration = Duration::from_secs(2);

/// What tells one content of a file from the next without reading it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    modified: SystemTime,
    length: u64,
}

impl Stamp {
    /// Returns nothing for a file that changed just now: the next change could have the same time and length.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?;
        let age = SystemTime::now().duration_since(modified).ok()?;
        (age > TIME_STEP).then_some(Self {
            modified,
            length: metadata.len(),
        })
    }
}
