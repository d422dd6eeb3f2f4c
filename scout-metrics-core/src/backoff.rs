//! How long to wait after failures.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use crate::Error;

/// Waits that double with each failure in a row, so that an outage is not made worse.
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
    /// Returns how long to wait after this many failures in a row, the last of which is `error`.
    ///
    /// Half of the wait is random, so that processes that failed together do not come back together. Longer if the
    /// server asked for longer.
    pub(crate) fn delay(&self, failures: u32, error: &Error) -> Duration {
        let doubling = 2_u32.saturating_pow(failures.saturating_sub(1));
        let half = self.first.saturating_mul(doubling).min(self.max) / 2;
        let delay = half.saturating_add(jitter(half));
        delay.max(error.retry_after().unwrap_or_default())
    }
}

/// Returns a random duration shorter than `bound`, or zero if that is zero.
pub(crate) fn jitter(bound: Duration) -> Duration {
    // The standard library's only source of randomness; its quality is more than enough to spread requests.
    let random = RandomState::new().hash_one(()) >> 11;
    bound.mul_f64(random as f64 / (1_u64 << 53) as f64)
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
            let delay = backoff.delay(failures, &error());
            assert!(delay >= longest / 2 && delay < longest, "{delay:?}");
        }
    }

    #[test]
    fn two_delays_differ() {
        let delay = || Backoff::default().delay(9, &error());
        assert_ne!(delay(), delay());
    }

    #[test]
    fn waits_as_long_as_the_server_asks() {
        let hour = Duration::from_secs(3600);
        let error = error().with_retry_after(hour);
        assert_eq!(Backoff::default().delay(1, &error), hour);
    }

    #[test]
    fn no_duration_is_too_long_or_too_short() {
        for duration in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let backoff = Backoff {
                first: duration,
                max: duration,
            };
            assert!(backoff.delay(u32::MAX, &error()) <= duration);
        }
    }
}
