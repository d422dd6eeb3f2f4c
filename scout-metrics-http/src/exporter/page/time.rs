//! Times for people.

use std::{fmt, time::SystemTime};

use jiff::Timestamp;

/// A time in UTC.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Time(Timestamp);

impl Time {
    pub(super) fn new(time: SystemTime) -> Self {
        // The time of a snapshot is always in the range of jiff's.
        Self(Timestamp::try_from(time).unwrap_or_default())
    }

    /// Returns the time for the attribute `datetime`, such as `2026-11-22T05:34:33Z`.
    pub(super) fn machine(self) -> impl fmt::Display {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ")
    }

    /// Returns the day, such as `22 Nov 2026`.
    pub(super) fn day(self) -> impl fmt::Display {
        self.0.strftime("%-d %b %Y")
    }

    /// Returns the day without the year, such as `22 Nov`.
    pub(super) fn short_day(self) -> impl fmt::Display {
        self.0.strftime("%-d %b")
    }

    /// Returns the day and the minute, such as `22 Nov 2026 05:34 UTC`.
    pub(super) fn minute(self) -> impl fmt::Display {
        self.0.strftime("%-d %b %Y %H:%M UTC")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_in_utc() {
        let time = Time::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        assert_eq!(time.machine().to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(time.day().to_string(), "14 Nov 2023");
        assert_eq!(time.minute().to_string(), "14 Nov 2023 22:13 UTC");
    }
}
