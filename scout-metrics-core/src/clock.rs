//! Notices steps of the wall clock.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

/// Far more than a time daemon corrects at once, and shorter than any suspend that matters.
const STEP: Duration = Duration::from_secs(60);

/// Compares the wall clock with the monotonic one.
///
/// They move apart when the wall clock is set, and when the machine was suspended, because the monotonic clock then
/// stands still on most systems. Either way, the age of everything in memory is in doubt.
///
/// The monotonic clock is that of std: tokio's may be paused, which is not a step.
pub(crate) struct ClockSteps {
    wall: fn() -> SystemTime,
    last: Mutex<Reading>,
    start: tokio::time::Instant,
    /// The last second since `start` in which the clocks were compared.
    last_second: AtomicU64,
}

#[derive(Clone, Copy)]
struct Reading {
    monotonic: Instant,
    wall: SystemTime,
}

impl ClockSteps {
    pub(crate) fn new(wall: fn() -> SystemTime) -> Self {
        Self {
            wall,
            last: Mutex::new(Reading::now(wall)),
            start: tokio::time::Instant::now(),
            last_second: AtomicU64::new(0),
        }
    }

    /// Returns whether the wall clock has stepped since the last comparison.
    pub(crate) fn has_stepped(&self) -> bool {
        let now = Reading::now(self.wall);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *last, now);
        now.deviation(before) > STEP
    }

    /// Does the same, at most once a second, because reading two clocks takes longer than answering from memory.
    pub(crate) fn has_stepped_by(&self, now: tokio::time::Instant) -> bool {
        let second = now.saturating_duration_since(self.start).as_secs();
        self.last_second.load(Relaxed) < second
            && self.last_second.fetch_max(second, Relaxed) < second
            && self.has_stepped()
    }
}

impl Default for ClockSteps {
    fn default() -> Self {
        Self::new(SystemTime::now)
    }
}

impl fmt::Debug for ClockSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClockSteps")
    }
}

impl Reading {
    fn now(wall: fn() -> SystemTime) -> Self {
        Self {
            monotonic: Instant::now(),
            wall: wall(),
        }
    }

    /// Returns by how much the clocks have moved apart since an earlier reading.
    fn deviation(self, before: Self) -> Duration {
        let elapsed = self.monotonic.saturating_duration_since(before.monotonic);
        let Some(expected) = before.wall.checked_add(elapsed) else {
            return Duration::MAX;
        };
        self.wall
            .duration_since(expected)
            .unwrap_or_else(|ahead| ahead.duration())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{seconds, step_wall_clock, wall_clock};

    #[test]
    fn a_step_in_either_direction_is_noticed_once() {
        let clock = ClockSteps::new(wall_clock);
        assert!(!clock.has_stepped());
        for step in [108_000, -108_000, 61, -61] {
            step_wall_clock(step);
            assert!(clock.has_stepped(), "{step}");
            assert!(!clock.has_stepped());
        }
    }

    #[test]
    fn a_correction_by_a_time_daemon_is_no_step() {
        let clock = ClockSteps::new(wall_clock);
        for step in [30, 30, 30, -50] {
            step_wall_clock(step);
            assert!(!clock.has_stepped(), "{step}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn clocks_are_compared_once_a_second_and_a_paused_clock_is_no_step() {
        let clock = ClockSteps::new(wall_clock);
        tokio::time::advance(seconds(108_000)).await;
        assert!(!clock.has_stepped_by(tokio::time::Instant::now()));
        step_wall_clock(108_000);
        assert!(!clock.has_stepped_by(tokio::time::Instant::now()));
        tokio::time::advance(seconds(1)).await;
        assert!(clock.has_stepped_by(tokio::time::Instant::now()));
    }
}
