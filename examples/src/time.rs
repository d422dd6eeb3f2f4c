//! Times on command lines and in files.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

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

/// Parses a time such as `90d`, `2w` or `36h`. A day has 24 hours.
///
/// # Errors
///
/// Returns what was expected.
pub fn parse_days(text: &str) -> Result<Duration, &'static str> {
    let span = text.parse::<Span>().ok();
    let time = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let time = time.and_then(|time| Duration::try_from(time).ok());
    time.filter(|time| !time.is_zero())
        .ok_or("expected a time above zero, such as 90d, 2w or 36h")
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
    fn a_time_may_have_days_and_weeks() {
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(parse_days("90d"), Ok(90 * day));
        assert_eq!(parse_days("2w1d"), Ok(15 * day));
        assert_eq!(parse_days("36h"), Ok(day * 3 / 2));
        for text in ["", "0d", "-1d", "90", "1month", "99999999999d", "soon"] {
            assert!(parse_days(text).is_err(), "{text}");
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
