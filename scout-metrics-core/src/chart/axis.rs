//! Round numbers and dates on axes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Returns round numbers from 0 to one that is not less than the largest value.
pub(super) fn numbers(largest: u64) -> Vec<u64> {
    let largest = u128::from(largest.max(1));
    let mut step = 1;
    for factor in [2, 5, 10].into_iter().cycle() {
        if step * 4 >= largest {
            break;
        }
        // 1, 2, 5, 10, 20 ...
        step = match factor {
            5 => step / 2 * 5,
            _ => step * 2,
        };
    }
    let last = largest.div_ceil(step);
    let numbers = (0..=last).map(|place| place * step);
    // The largest values of all have no round number above them.
    numbers
        .map(|number| u64::try_from(number).unwrap_or(u64::MAX))
        .collect()
}

/// Returns times from `start` to `end` at round distances, with labels in UTC.
///
/// There are at most `max` distances between them.
pub(super) fn times(start: SystemTime, end: SystemTime, max: u64) -> Vec<(SystemTime, String)> {
    let [first, last] = [start, end].map(|time| {
        time.duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs()
    });
    let span = last.saturating_sub(first);
    let step = step(span, max);
    let format = match step {
        ..DAY => "%H:%M",
        _ if span < 300 * DAY => "%b %-d",
        _ => "%b %Y",
    };
    let places = (first.div_ceil(step)..=last / step).map(|place| place * step);
    let labelled = places.map(|seconds| {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        (time, label(time, format))
    });
    labelled.collect()
}

/// Returns the distance of labels in a span, in seconds.
fn step(span: u64, max: u64) -> u64 {
    const STEPS: [u64; 11] = [
        HOUR,
        3 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
        2 * DAY,
        4 * DAY,
        7 * DAY,
        14 * DAY,
        28 * DAY,
        91 * DAY,
    ];
    let steps = STEPS.into_iter().find(|step| span <= step * max);
    steps.unwrap_or(span.div_ceil(max).next_multiple_of(91 * DAY))
}

fn label(time: SystemTime, format: &str) -> String {
    Timestamp::try_from(time)
        .map_or_else(|_| "?".to_owned(), |time| time.strftime(format).to_string())
}

/// Returns a time in full, in UTC.
pub(super) fn full(time: SystemTime) -> String {
    label(time, "%Y-%m-%d %H:%M")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_round_and_few() {
        assert_eq!(numbers(0), [0, 1]);
        assert_eq!(numbers(4), [0, 1, 2, 3, 4]);
        assert_eq!(numbers(7), [0, 2, 4, 6, 8]);
        assert_eq!(numbers(99), [0, 50, 100]);
        assert_eq!(numbers(u64::MAX).last(), Some(&u64::MAX));
        for largest in 0..5000 {
            let numbers = numbers(largest);
            assert!((2..=5).contains(&numbers.len()), "{numbers:?}");
            assert!(*numbers.last().unwrap() >= largest);
        }
    }

    #[test]
    fn dates_suit_the_span() {
        let labels = |start: u64, span: u64| {
            let start = UNIX_EPOCH + Duration::from_secs(start);
            let labels = times(start, start + Duration::from_secs(span), 5);
            labels
                .into_iter()
                .map(|(_, label)| label)
                .collect::<Vec<_>>()
        };
        // 2026-11-27T03:00:00Z.
        let start = 1_795_748_400;
        assert_eq!(
            labels(start, 4 * HOUR),
            ["03:00", "04:00", "05:00", "06:00", "07:00"]
        );
        assert_eq!(labels(start, 3 * DAY), ["Nov 28", "Nov 29", "Nov 30"]);
        assert_eq!(labels(start, 90 * DAY), ["Dec 17", "Jan 14", "Feb 11"]);
        assert_eq!(labels(start, 0), ["03:00"]);
        assert!(labels(0, u64::MAX >> 20).len() <= 6);
    }
}
