//! How long a request may wait for a source.

use std::time::Duration;

use axum::http::HeaderMap;

/// The scrape timeout of a client that does not state one: the default of Prometheus and of the Datadog agent.
const DEFAULT: Duration = Duration::from_secs(10);

/// The maximum scrape timeout. Prometheus does not allow a timeout longer than its scrape interval, and it forgets
/// samples after five minutes.
const MAX: Duration = Duration::from_secs(300);

/// Returns how long a request with these headers may wait for sources: nine tenths of the scrape timeout that
/// Prometheus and VictoriaMetrics state, so that the answer arrives in time.
///
/// A value that is not a positive number is ignored.
pub(super) fn limit(headers: &HeaderMap) -> Duration {
    stated(headers).unwrap_or(DEFAULT).min(MAX).mul_f64(0.9)
}

fn stated(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get("x-prometheus-scrape-timeout-seconds")?;
    let seconds: f64 = seconds.to_str().ok()?.parse().ok()?;
    (seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_positive_number_of_seconds_counts_and_it_is_bounded() {
        for (stated, millis) in [
            ("10", 9000),
            ("0.5", 450),
            ("5.000", 4500),
            ("1e300", 270_000),
            ("inf", 270_000),
            ("-1", 9000),
            ("0", 9000),
            ("NaN", 9000),
            ("soon", 9000),
            ("", 9000),
        ] {
            let mut headers = HeaderMap::new();
            let value = stated.parse().unwrap();
            headers.insert("x-prometheus-scrape-timeout-seconds", value);
            assert_eq!(limit(&headers), Duration::from_millis(millis), "{stated}");
        }
        assert_eq!(limit(&HeaderMap::new()), Duration::from_secs(9));
    }
}
