//! Times on command lines and in files.

use std::time::Duration;

use jiff::SignedDuration;

/// Docker Scout is asked once an hour. A shorter interval than this is a mistake, such as a wrong unit.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// Parses a time such as `90s`, `60m` or `1h30m`.
///
/// # Errors
///
/// Returns what was expected.
pub fn parse(text: &str) -> Result<Duration, &'static str> {
    positive(text).ok_or("expected a time above zero, such as 90s, 60m or 1h30m")
}

/// Parses the time between two fetches, which is at least a second.
///
/// # Errors
///
/// Returns what was expected.
pub fn parse_interval(text: &str) -> Result<Duration, &'static str> {
    positive(text)
        .filter(|time| *time >= MIN_INTERVAL)
        .ok_or("expected a time of at least 1s, such as 90s, 60m or 1h30m")
}

fn positive(text: &str) -> Option<Duration> {
    let time: SignedDuration = text.parse().ok()?;
    Duration::try_from(time).ok().filter(|time| !time.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_and_is_above_zero() {
        assert_eq!(parse("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse("50ms"), Ok(Duration::from_millis(50)));
        for text in ["", "0s", "-1s", "60", "soon"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_interval_is_at_least_a_second() {
        assert_eq!(parse_interval("1s"), Ok(Duration::from_secs(1)));
        for text in ["", "0s", "-1s", "60", "soon", "999ms", "10us"] {
            assert!(parse_interval(text).is_err(), "{text}");
        }
    }
}
