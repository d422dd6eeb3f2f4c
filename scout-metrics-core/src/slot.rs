//! The place of a poller in the interval of its set.

use std::time::Duration;

use tokio::time::Instant;

/// The instants, one in each interval, at which a poller of a set is due.
///
/// Pollers that start or recover together would otherwise refresh together from then on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    first: Instant,
    interval: Duration,
}

impl Slot {
    /// Returns the slot whose first instant is after a part of an interval, or `None` if the clock does not have it.
    pub(crate) fn after(part: f64, interval: Duration, now: Instant) -> Option<Self> {
        let first = now.checked_add(interval.mul_f64(part))?;
        Some(Self { first, interval })
    }

    /// Returns how long to wait for the next refresh: from half an interval to a whole one, after which the poller is due, or
    /// will be half an interval or more later.
    pub(crate) fn wait(self, now: Instant) -> Duration {
        let half = self.interval / 2;
        let rest = self.rest(now);
        if rest >= half { rest } else { half + rest / 2 }
    }

    /// Returns the time until the poller is due, at most an interval.
    fn rest(self, now: Instant) -> Duration {
        let late = now.saturating_duration_since(self.first);
        if late.is_zero() {
            return self.first.saturating_duration_since(now);
        }
        let into = late.as_nanos() % self.interval.as_nanos().max(1);
        let into = u64::try_from(into).unwrap_or(u64::MAX);
        self.interval.saturating_sub(Duration::from_nanos(into))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn two_waits_lead_to_the_slot_from_any_time_and_neither_is_shorter_than_half_an_interval()
    {
        let start = Instant::now();
        let slot = Slot::after(0.25, HOUR, start).unwrap();
        for minutes in 0..600 {
            let now = start + MINUTE * minutes;
            let wait = slot.wait(now);
            assert!((HOUR / 2..=HOUR).contains(&wait), "{minutes}: {wait:?}");
            let then = now + wait;
            let next = slot.wait(then);
            assert!((HOUR / 2..=HOUR).contains(&next), "{minutes}: {next:?}");
            let due = (then + next).duration_since(start);
            assert_eq!(due.as_secs() % 3600, 15 * 60, "{minutes}");
            // From there on it is an interval.
            assert_eq!(slot.wait(start + due), HOUR);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_interval_without_an_end_has_no_slot() {
        assert!(Slot::after(0.5, Duration::MAX, Instant::now()).is_none());
    }
}
