//! Times as the file holds them: milliseconds since 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the whole milliseconds since 1970, rounded down; -1 for any time before.
pub(super) fn millis(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(-1, duration)
}

/// Returns the whole milliseconds of a duration, at most what the file can hold.
pub(super) fn duration(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Returns the time this many milliseconds after 1970, or `None` if it is negative or too late to be represented.
pub(super) fn from_millis(millis: i64) -> Option<SystemTime> {
    let since_1970 = Duration::from_millis(millis.try_into().ok()?);
    UNIX_EPOCH.checked_add(since_1970)
}
