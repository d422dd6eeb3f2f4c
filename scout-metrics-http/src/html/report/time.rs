//! Times in UTC.

use std::time::SystemTime;

use jiff::Timestamp;

/// Returns a time such as `2026-11-27 03:00 UTC`.
pub(super) fn minute(time: SystemTime) -> String {
    format(time, "%Y-%m-%d %H:%M UTC")
}

/// Returns a date such as `27 Nov 2026`.
pub(super) fn date(time: SystemTime) -> String {
    format(time, "%-d %b %Y")
}

fn format(time: SystemTime, format: &str) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    time.strftime(format).to_string()
}
