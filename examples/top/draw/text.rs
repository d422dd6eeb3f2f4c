//! Numbers and names as texts.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use scout_metrics_examples::terminal::{fit, width};

/// Returns an age or a wait in its largest unit, rounded down.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// Returns a time such as `2026-11-22 05:34:33 UTC`.
pub(super) fn time(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Returns a change with its sign in at most five columns, `=` for none.
pub(super) fn change(change: i128) -> String {
    let size = count(u64::try_from(change.unsigned_abs()).unwrap_or(u64::MAX));
    match change {
        0 => "=".to_owned(),
        1.. => format!("+{size}"),
        _ => format!("-{size}"),
    }
}

/// Returns how many of all fail, or without the number of all if that does not fit.
pub(super) fn fraction(failing: usize, all: usize, columns: usize) -> String {
    let fraction = format!("{failing}/{all}");
    if fraction.len() <= columns {
        fraction
    } else {
        count(failing as u64)
    }
}

/// Returns a count in at most four columns.
pub(super) fn count(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{}k", count / 1000),
        1_000_000..1_000_000_000 => format!("{}M", count / 1_000_000),
        _ => ">1G".to_owned(),
    }
}

/// Returns a number of things.
pub(super) fn plural(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}

/// Returns the text in lines of at most this many columns, broken at blanks. A longer word gets a line that is cut.
pub(super) fn wrap(text: &str, columns: usize) -> impl Iterator<Item = String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(&fit(word, columns));
        } else if width(line) + 1 + width(word) <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(fit(word, columns));
        }
    }
    lines.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_count_is_too_wide() {
        let counts = [0, 9999, 10_000, 999_999, 1_000_000, 1 << 53];
        assert_eq!(counts.map(count), ["0", "9999", "10k", "999k", "1M", ">1G"]);
    }

    #[test]
    fn a_change_has_a_sign_and_is_not_too_wide() {
        let changes = [0, 9999, -9999, 123_456, i128::MIN].map(change);
        assert_eq!(changes, ["=", "+9999", "-9999", "+123k", "->1G"]);
    }

    #[test]
    fn a_fraction_is_never_cut() {
        assert_eq!(fraction(10, 12, 5), "10/12");
        assert_eq!(fraction(100, 120, 5), "100");
        assert_eq!(fraction(12_345, 99_999, 7), "12k");
    }

    #[test]
    fn a_text_is_broken_at_blanks() {
        let lines: Vec<String> = wrap("one two threefour 日本 five", 9).collect();
        assert_eq!(lines, ["one two", "threefour", "日本 five"]);
        assert_eq!(wrap("abcdefghij k", 5).collect::<Vec<_>>(), ["abcd…", "k"]);
    }

    #[test]
    fn a_duration_has_one_unit() {
        let durations = [59, 60, 3599, 3600, 172_799, 172_800];
        let shown = durations.map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(shown, ["59s", "1m", "59m", "1h", "47h", "2d"]);
    }
}
