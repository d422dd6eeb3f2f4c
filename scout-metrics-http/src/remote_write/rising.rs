//! The times of samples that have none of their own.

use std::time::SystemTime;

use super::table::millis;

/// How far ahead Prometheus accepts samples, in milliseconds (`maxAheadTime` of its handler of remote write). What was written
/// with a clock that was more wrong than that, it has refused.
const MAX_AHEAD: i64 = 10 * 60 * 1000;

/// Times in milliseconds since 1970 that rise, as those of a series must, although the clock may be set back.
#[derive(Debug)]
pub(super) struct RisingTimes {
    last: i64,
}

impl Default for RisingTimes {
    fn default() -> Self {
        Self { last: i64::MIN }
    }
}

impl RisingTimes {
    /// Returns the time of what is written now.
    pub(super) fn next(&mut self, now: SystemTime) -> i64 {
        let now = millis(now.into());
        let follows_clock = self.last.saturating_sub(now) > MAX_AHEAD;
        self.last = match follows_clock {
            true => now,
            false => now.max(self.last.saturating_add(1)),
        };
        self.last
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_rise_when_the_clock_is_set_back_a_little_and_follow_it_when_it_was_wrong() {
        const MINUTE: i64 = 60_000;
        let start = 1_700_000_000_000;
        let mut times = RisingTimes::default();
        for (clock, expected) in [
            (0, 0),
            (0, 1),
            (-MINUTE, 2),
            (MINUTE, MINUTE),
            (90 * MINUTE, 90 * MINUTE),
            (80 * MINUTE, 90 * MINUTE + 1),
            (2 * MINUTE, 2 * MINUTE),
            (2 * MINUTE, 2 * MINUTE + 1),
        ] {
            let clock = Duration::from_millis((start + clock) as u64);
            assert_eq!(times.next(SystemTime::UNIX_EPOCH + clock), start + expected);
        }
    }
}
