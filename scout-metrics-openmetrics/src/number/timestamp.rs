//! Moments.

use std::fmt;

/// A moment, in nanoseconds since the Unix epoch; it may be negative.
///
/// Prometheus text counts milliseconds, OpenMetrics seconds with a fraction. Both are kept exactly, down to the
/// nanosecond; what OpenMetrics gives beyond that is cut.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
// As aligned as other numbers, so that a sample is a sixth smaller.
#[repr(Rust, packed(8))]
pub struct Timestamp(i128);

impl Timestamp {
    const NANOS_PER_MILLI: i128 = 1_000_000;
    const NANOS_PER_SECOND: i128 = 1_000_000_000;

    /// Creates a timestamp from milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis as i128 * Self::NANOS_PER_MILLI)
    }

    /// Creates a timestamp from nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i128) -> Self {
        Self(nanos)
    }

    /// Returns milliseconds since the epoch, or `None` if that is not a whole number or too large.
    pub fn to_millis(self) -> Option<i64> {
        if self.0 % Self::NANOS_PER_MILLI != 0 {
            return None;
        }
        (self.0 / Self::NANOS_PER_MILLI).try_into().ok()
    }

    /// Returns nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i128 {
        self.0
    }

    /// Returns the nearest number of seconds since the epoch.
    pub fn to_seconds(self) -> f64 {
        self.0 as f64 / Self::NANOS_PER_SECOND as f64
    }
}

/// Writes seconds with as many decimals as there are, as OpenMetrics does: `1520879607.789`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let (seconds, fraction) = (
            nanos / Self::NANOS_PER_SECOND as u128,
            nanos % Self::NANOS_PER_SECOND as u128,
        );
        if fraction == 0 {
            return write!(f, "{sign}{seconds}");
        }
        let zeros = (1..9)
            .take_while(|digits| fraction % 10u128.pow(*digits) == 0)
            .count();
        let (fraction, digits) = (fraction / 10u128.pow(zeros as u32), 9 - zeros);
        write!(f, "{sign}{seconds}.{fraction:0digits$}")
    }
}
