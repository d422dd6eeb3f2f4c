//! Whether and when to make another attempt.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use scout_metrics_core::Error;

/// The default maximum back-off before the second attempt. It doubles with each further attempt.
pub(crate) const DEFAULT_BACKOFF: Duration = Duration::from_millis(500);

#[derive(Clone, Debug)]
pub(crate) struct RetryPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) backoff: Duration,
}

impl RetryPolicy {
    /// Returns how long to wait after a number of attempts, or `None` if the error is final.
    pub(crate) fn delay(&self, attempts: u32, error: &Error) -> Option<Duration> {
        if attempts >= self.max_attempts || !error.is_retryable() {
            return None;
        }
        let asked = error.retry_after().unwrap_or_default();
        let backoff = Backoff {
            first: self.backoff,
            max: Duration::MAX,
        };
        Some(asked.saturating_add(backoff.delay(attempts)))
    }
}

/// Random delays that double with each consecutive failure, up to a maximum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    pub(crate) first: Duration,
    pub(crate) max: Duration,
}

impl Backoff {
    /// Returns a random back-off, so that clients which failed together do not retry together. The minimum is a tenth of
    /// the first one: a server that just closed the connection needs a moment.
    pub(crate) fn delay(self, failures: u32) -> Duration {
        let longest = self
            .first
            .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)))
            .min(self.max);
        let shortest = self.first / 10;
        let spread = longest.saturating_sub(shortest);
        shortest.saturating_add(spread.mul_f64(fastrand::f64()))
    }
}

/// Parses `Retry-After` in both of its forms. A time in the past is no delay, invalid values are ignored, and the longest
/// of several values wins.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let values = headers.get_all(RETRY_AFTER).iter();
    values
        .filter_map(|value| parse(value.to_str().ok()?.trim(), now))
        .max()
}

fn parse(value: &str, now: SystemTime) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // Parsing fails only if the number needs more than 64 bits.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let time = httpdate::parse_http_date(value).ok()?;
    Some(time.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use scout_metrics_core::ErrorKind;

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        max_attempts: 3,
        backoff: Duration::from_millis(500),
    };

    fn read(values: &[&str]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        }
        // Sun, 06 Nov 1994 08:49:37 GMT
        retry_after(
            &headers,
            SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777),
        )
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let seconds = |s| Some(Duration::from_secs(s));
        assert_eq!(read(&["120"]), seconds(120));
        assert_eq!(read(&["0"]), seconds(0));
        assert_eq!(read(&["Sun, 06 Nov 1994 08:50:07 GMT"]), seconds(30));
        assert_eq!(read(&["Sunday, 06-Nov-94 08:50:07 GMT"]), seconds(30));
        assert_eq!(read(&["Sun, 06 Nov 1994 07:00:00 GMT"]), seconds(0));
        assert_eq!(read(&["1", "junk", "7"]), seconds(7));
        assert_eq!(read(&["99999999999999999999999"]), seconds(u64::MAX));
    }

    #[test]
    fn junk_in_retry_after_is_ignored() {
        for value in ["", "-5", "+5", "1.5", "soon", "5 s", "Mon, 99 Foo"] {
            assert_eq!(read(&[value]), None, "{value:?}");
        }
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn backs_off_longer_each_time_and_never_the_same() {
        let error = Error::new(ErrorKind::Unavailable, "x");
        let millis = |attempts| POLICY.delay(attempts, &error).unwrap().as_millis();
        let first: Vec<_> = (0..100).map(|_| millis(1)).collect();
        let second: Vec<_> = (0..100).map(|_| millis(2)).collect();
        assert!(first.iter().all(|ms| (50..=500).contains(ms)), "{first:?}");
        assert!(
            second.iter().all(|ms| (50..=1000).contains(ms)),
            "{second:?}"
        );
        assert!(second.iter().any(|ms| *ms > 500), "{second:?}");
        assert!(first.iter().any(|ms| *ms != first[0]), "{first:?}");
    }

    #[test]
    fn the_server_may_request_more_and_nothing_overflows() {
        let error = |seconds| {
            Error::new(ErrorKind::RateLimited, "x").with_retry_after(Duration::from_secs(seconds))
        };
        assert!(POLICY.delay(1, &error(5)).unwrap() >= Duration::from_secs(5));
        assert!(POLICY.delay(1, &error(u64::MAX)).unwrap() >= Duration::from_secs(u64::MAX));
        let patient = RetryPolicy {
            max_attempts: u32::MAX,
            backoff: Duration::MAX,
        };
        assert!(patient.delay(1000, &error(1)).is_some());
    }

    #[test]
    fn gives_up_on_permanent_errors_and_after_the_last_attempt() {
        assert_eq!(
            POLICY.delay(1, &Error::new(ErrorKind::Forbidden, "x")),
            None
        );
        assert_eq!(
            POLICY.delay(3, &Error::new(ErrorKind::Unavailable, "x")),
            None
        );
    }
}
