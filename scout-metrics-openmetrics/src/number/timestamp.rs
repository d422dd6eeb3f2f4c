//! Moments.

use std::{
    fmt,
    num::NonZeroU32,
    time::{Duration, SystemTime},
};

use super::parse_seconds;

/// A moment, in seconds and nanoseconds since the Unix epoch; it may be before the epoch.
///
/// Prometheus text counts milliseconds, OpenMetrics seconds with a fraction. Both are kept exactly, down to the
/// nanosecond; further digits of OpenMetrics are cut off.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use scout_metrics_openmetrics::Timestamp;
///
/// let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_520_879_607_789);
/// let timestamp = Timestamp::from(time);
/// assert_eq!(timestamp, Timestamp::from_millis(1_520_879_607_789));
/// assert_eq!(timestamp.to_string(), "1520879607.789");
/// assert_eq!(timestamp.to_system_time(), Some(time));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp {
    // Seconds of 96 bits in two numbers: OpenMetrics bounds them by nothing, its test data have some beyond 64 bits, and one
    // of 128 bits would make every sample a quarter larger.
    seconds_high: i32,
    seconds_low: u64,
    /// Less than a second, added to the seconds also where those are negative, and one more, so that an optional timestamp
    /// is not larger.
    nanos_and_one: NonZeroU32,
}

impl Timestamp {
    /// The Unix epoch, 1970-01-01 00:00:00 UTC.
    pub const UNIX_EPOCH: Self = Self::from_parts(0, 0);

    const NANOS_PER_SECOND: u32 = 1_000_000_000;
    const NANOS_PER_MILLI: u32 = 1_000_000;
    const MILLIS_PER_SECOND: i64 = 1000;

    /// Creates a timestamp from seconds since the epoch and nanoseconds after that, also where the seconds are negative:
    /// half a second before the epoch is `new(-1, 500_000_000)`.
    ///
    /// Returns `None` if the nanoseconds are a second or more.
    pub const fn new(seconds: i64, nanos: u32) -> Option<Self> {
        if nanos < Self::NANOS_PER_SECOND {
            Some(Self::from_parts(seconds as i128, nanos))
        } else {
            None
        }
    }

    /// Creates a timestamp from milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        let millis_of_second = millis.rem_euclid(Self::MILLIS_PER_SECOND) as u32;
        Self::from_parts(
            millis.div_euclid(Self::MILLIS_PER_SECOND) as i128,
            millis_of_second * Self::NANOS_PER_MILLI,
        )
    }

    /// Creates a timestamp from nanoseconds since the epoch.
    ///
    /// Returns `None` for more than 10^21 years.
    #[inline]
    pub fn from_nanos(nanos: i128) -> Option<Self> {
        // Until the year 2262, where a division of 64 bits is enough and much faster.
        if let Ok(nanos) = i64::try_from(nanos) {
            let per_second = i64::from(Self::NANOS_PER_SECOND);
            let seconds = nanos.div_euclid(per_second);
            let nanos = nanos.rem_euclid(per_second) as u32;
            return Some(Self::from_parts(seconds.into(), nanos));
        }
        let per_second = i128::from(Self::NANOS_PER_SECOND);
        let seconds = nanos.div_euclid(per_second);
        let timestamp = Self::from_parts(seconds, nanos.rem_euclid(per_second) as u32);
        (timestamp.seconds() == seconds).then_some(timestamp)
    }

    /// Creates a timestamp from seconds since the epoch: the one with the fewest digits whose
    /// [`to_seconds`](Self::to_seconds) is the same number. Where there is none, it is rounded to the nearest nanosecond.
    ///
    /// So 1520430000.123 has 123 milliseconds, although the float with that name is 93 nanoseconds less.
    ///
    /// Returns `None` for what is not a number, not finite, or beyond 10^21 years.
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        let whole = seconds.floor();
        // As many as fit the fields with room for one more.
        if !seconds.is_finite() || whole.abs() >= 2_f64.powi(95) {
            return None;
        }
        let shortest = parse_seconds(zmij::Buffer::new().format_finite(seconds)).ok();
        if let Some(shortest) = shortest.filter(|shortest| shortest.to_seconds() == seconds) {
            return Some(shortest);
        }
        let nanos = ((seconds - whole) * f64::from(Self::NANOS_PER_SECOND)).round() as u32;
        let carry = nanos / Self::NANOS_PER_SECOND;
        let seconds = whole as i128 + i128::from(carry);
        Some(Self::from_parts(seconds, nanos % Self::NANOS_PER_SECOND))
    }

    #[inline]
    const fn from_parts(seconds: i128, nanos: u32) -> Self {
        Self {
            seconds_high: (seconds >> 64) as i32,
            seconds_low: seconds as u64,
            nanos_and_one: NonZeroU32::MIN.saturating_add(nanos),
        }
    }

    /// Returns whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i128 {
        (self.seconds_high as i128) << 64 | self.seconds_low as i128
    }

    /// Returns the nanoseconds after [`seconds`](Self::seconds), less than 1,000,000,000.
    pub const fn nanos(self) -> u32 {
        self.nanos_and_one.get() - 1
    }

    /// Returns milliseconds since the epoch, or `None` if that is not a whole number or does not fit 64 bits.
    pub fn to_millis(self) -> Option<i64> {
        if !self.nanos().is_multiple_of(Self::NANOS_PER_MILLI) {
            return None;
        }
        let millis = self.seconds() * i128::from(Self::MILLIS_PER_SECOND)
            + i128::from(self.nanos() / Self::NANOS_PER_MILLI);
        millis.try_into().ok()
    }

    /// Returns nanoseconds since the epoch.
    pub fn as_nanos(self) -> i128 {
        self.seconds() * i128::from(Self::NANOS_PER_SECOND) + i128::from(self.nanos())
    }

    /// Returns the nearest number of seconds since the epoch.
    pub fn to_seconds(self) -> f64 {
        self.seconds() as f64 + f64::from(self.nanos()) / f64::from(Self::NANOS_PER_SECOND)
    }

    /// Returns the time of the system's clock, or `None` if the system cannot represent it.
    pub fn to_system_time(self) -> Option<SystemTime> {
        let seconds = i64::try_from(self.seconds()).ok()?;
        let distance = Duration::from_secs(seconds.unsigned_abs());
        let time = if seconds < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(distance)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(distance)
        };
        time?.checked_add(Duration::from_nanos(self.nanos().into()))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Self::from_parts(since.as_secs().into(), since.subsec_nanos()),
            Err(error) => {
                let before = error.duration();
                let seconds = -i128::from(before.as_secs());
                match before.subsec_nanos() {
                    0 => Self::from_parts(seconds, 0),
                    nanos => Self::from_parts(seconds - 1, Self::NANOS_PER_SECOND - nanos),
                }
            }
        }
    }
}

/// Writes seconds with as many decimals as there are, as OpenMetrics does: `1520879607.789`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_negative = self.seconds_high < 0;
        // A quarter of a second after the second -1 is -0.75.
        let (seconds, nanos) = if is_negative && self.nanos() > 0 {
            (self.seconds() + 1, Self::NANOS_PER_SECOND - self.nanos())
        } else {
            (self.seconds(), self.nanos())
        };
        let sign = if is_negative { "-" } else { "" };
        write!(f, "{sign}{}", seconds.unsigned_abs())?;
        if nanos == 0 {
            return Ok(());
        }
        let (mut fraction, mut digits) = (nanos, 9);
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        write!(f, ".{fraction:0digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_as_many_decimals_as_there_are() {
        for (seconds, nanos, text) in [
            (0, 0, "0"),
            (0, 1, "0.000000001"),
            (12, 500_000_000, "12.5"),
            (-1, 500_000_000, "-0.5"),
            (-1, 0, "-1"),
            (-2, 250_000_000, "-1.75"),
            (i64::MIN, 0, "-9223372036854775808"),
            (i64::MIN, 1, "-9223372036854775807.999999999"),
            (i64::MAX, 999_999_999, "9223372036854775807.999999999"),
        ] {
            let timestamp = Timestamp::new(seconds, nanos).unwrap();
            assert_eq!(timestamp.to_string(), text);
            assert_eq!(Timestamp::from_nanos(timestamp.as_nanos()), Some(timestamp));
        }
        assert_eq!(Timestamp::new(0, 1_000_000_000), None);
    }

    #[test]
    fn milliseconds_are_exact_or_nothing() {
        for millis in [0, 1, -1, -999, -1000, i64::MIN, i64::MAX] {
            assert_eq!(Timestamp::from_millis(millis).to_millis(), Some(millis));
        }
        assert_eq!(Timestamp::new(0, 1).unwrap().to_millis(), None);
        assert_eq!(Timestamp::new(i64::MAX, 0).unwrap().to_millis(), None);
    }

    #[test]
    fn seconds_may_have_more_than_64_bits() {
        for nanos in [
            12_345_678_901_234_567_890_123_456_789,
            -12_345_678_901_234_567_890_123_456_789,
        ] {
            let timestamp = Timestamp::from_nanos(nanos).unwrap();
            assert_eq!(timestamp.as_nanos(), nanos);
            assert_eq!(timestamp.to_system_time(), None);
        }
        assert_eq!(Timestamp::from_nanos(i128::MAX), None);
        assert_eq!(Timestamp::from_nanos(i128::MIN), None);
        assert_eq!(size_of::<Timestamp>(), 16);
    }

    #[test]
    fn seconds_are_the_shortest_time_that_reads_back() {
        for (seconds, expected) in [
            (
                1_520_430_000.123,
                Timestamp::new(1_520_430_000, 123_000_000),
            ),
            (-0.25, Timestamp::new(-1, 750_000_000)),
            (0.999_999_999_9, Timestamp::new(1, 0)),
            (f64::NAN, None),
            (f64::INFINITY, None),
            (1e300, None),
        ] {
            assert_eq!(Timestamp::from_seconds(seconds), expected, "{seconds}");
        }
        let seconds = 1_520_430_000.123;
        assert_eq!(
            Timestamp::from_seconds(seconds).unwrap().to_seconds(),
            seconds
        );
    }

    #[test]
    fn times_of_the_clock_read_back() {
        for (seconds, nanos) in [
            (0, 0),
            (-1, 500_000_000),
            (-1, 0),
            (1_520_879_607, 789_000_000),
        ] {
            let timestamp = Timestamp::new(seconds, nanos).unwrap();
            let time = timestamp.to_system_time().unwrap();
            assert_eq!(Timestamp::from(time), timestamp);
        }
    }

    #[test]
    fn moments_compare_as_numbers_do() {
        let at = |seconds, nanos| Timestamp::new(seconds, nanos).unwrap();
        assert!(at(-1, 500_000_000) < at(0, 0));
        assert!(at(-1, 0) < at(-1, 500_000_000));
    }
}
