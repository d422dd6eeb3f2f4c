//! Whether a file has changed, without reading it.

use std::{
    fs::{self, Metadata},
    path::Path,
    time::{Duration, SystemTime},
};

/// How long after a change a file's time may not tell it from the next change: FAT counts in steps of two seconds.
const TIME_STEP: Duration = Duration::from_secs(2);

/// What tells one content of a file from the next without reading it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    changed: SystemTime,
    length: u64,
    inode: Option<(u64, u64)>,
}

impl Stamp {
    /// Returns nothing for a file that changed just now: the next change could have the same time and length.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let changed = changed(&metadata)?;
        let age = SystemTime::now().duration_since(changed).ok()?;
        (age > TIME_STEP).then_some(Self {
            changed,
            length: metadata.len(),
            inode: inode(&metadata),
        })
    }
}

/// Returns the time that the system keeps. The time of the last modification is what who wrote the file says it is:
/// archives and `cp -p` bring their own.
#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;

    let seconds = metadata.ctime().try_into().ok()?;
    let nanoseconds = metadata.ctime_nsec().try_into().ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

/// Returns which file it is, whatever path or link led to it.
#[cfg(unix)]
fn inode(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    metadata.modified().ok()
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> Option<(u64, u64)> {
    None
}
