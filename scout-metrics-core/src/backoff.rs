//! How long to wait after failures.

use std::time::Duration;

use crate::Error;

/// The longest [`Error::retry_after`] that a [`Cached`](crate::Cached) source and a [`Poller`](crate::Poller) obey: one
/// hour.
///
/// A mistake of the server must not stop the refreshes for days. Docker Scout's own endpoint caches for one hour.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// Delays that double with each consecutive failure, so that an outage is not made worse.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            max: Duration::from_secs(5 * 60),
        }
    }
}

impl Backoff {
    /// Returns how long to wait after the last of this many consecutive failures.
    ///
    /// The delay is at most `longest`, unless the server requests a longer one, which is obeyed up to
    /// [`MAX_RETRY_AFTER`]. Half of the delay is random, so that processes that failed together do not retry together.
    pub(crate) fn delay(&self, failures: u32, error: &Error, longest: Duration) -> Duration {
        let doubling = 2_u32.saturating_pow(failures.saturating_sub(1));
        let half = self.first.saturating_mul(doubling).min(self.max) / 2;
        let delay = half.saturating_add(jitter(half)).min(longest);
        let retry_after = error.retry_after().unwrap_or_default();
        delay.max(retry_after.min(MAX_RETRY_AFTER))
    }
}

/// Returns a random duration shorter than `bound`, or zero if that is zero.
pub(crate) fn jitter(bound: Duration) -> Duration {
    bound.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn error() -> Error {
        Error::new(ErrorKind::Unavailable, "down")
    }

    #[test]
    fn doubles_up_to_the_maximum() {
        let backoff = Backoff::default();
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (u32::MAX, 300)] {
            let longest = Duration::from_secs(longest);
            let delay = backoff.delay(failures, &error(), Duration::MAX);
            assert!(delay >= longest / 2 && delay < longest, "{delay:?}");
        }
    }

    #[test]
    fn two_delays_differ() {
        let delay = || Backoff::default().delay(9, &error(), Duration::MAX);
        assert_ne!(delay(), delay());
    }

    #[test]
    fn waits_as_long_as_the_server_asks_up_to_an_hour() {
        for (asked, waits) in [(120, 120), (3600, 3600), (u64::MAX, 3600)] {
            let error = error().with_retry_after(Duration::from_secs(asked));
            let delay = Backoff::default().delay(1, &error, Duration::from_secs(3));
            assert_eq!(delay, Duration::from_secs(waits));
        }
    }

    #[test]
    fn is_not_longer_than_the_interval() {
        let delay = Backoff::default().delay(9, &error(), Duration::from_secs(3));
        assert_eq!(delay, Duration::from_secs(3));
    }

    #[test]
    fn no_duration_is_too_long_or_too_short() {
        for duration in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let backoff = Backoff {
                first: duration,
                max: duration,
            };
            assert!(backoff.delay(u32::MAX, &error(), Duration::MAX) <= duration);
        }
    }
}
