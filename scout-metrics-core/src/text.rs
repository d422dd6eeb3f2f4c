//! Text from elsewhere in messages for people: escaped, and bounded where it can be long.

use std::{
    fmt::{self, Write},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;

/// Displays a value on one line: control characters are escaped, and those that [reorder](reorders) text.
pub(crate) struct OneLine<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape(f), "{}", self.0)
    }
}

struct Escape<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if c.is_control() || reorders(c) {
                write!(self.0, "{}", c.escape_default())?;
            } else {
                self.0.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Returns whether a character is invisible and changes the direction or the lines of the text around it, so that a message
/// shows something else than it says.
fn reorders(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// Returns a text in quotes, escaped and cut to 40 characters.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Displays a duration in at most two units, rounded down: `7d`, `25h 1m`, `3m 5s`. Days begin with the third.
pub(crate) struct Rounded(pub(crate) Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let seconds = self.0.as_secs();
        let (large, large_unit, small, small_unit) = match seconds {
            0..MINUTE => return write!(f, "{seconds}s"),
            MINUTE..HOUR => (seconds / MINUTE, "m", seconds % MINUTE, "s"),
            HOUR.. if seconds < 3 * DAY => (seconds / HOUR, "h", seconds % HOUR / MINUTE, "m"),
            _ => (seconds / DAY, "d", seconds % DAY / HOUR, "h"),
        };
        write!(f, "{large}{large_unit}")?;
        if small > 0 {
            write!(f, " {small}{small_unit}")?;
        }
        Ok(())
    }
}

/// Displays a time such as `2026-11-22T05:34:33Z`, without a part of a second.
pub(crate) struct Time(pub(crate) SystemTime);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The time of a snapshot is always in the range of jiff's.
        let time = Timestamp::try_from(self.0).unwrap_or_default();
        write!(f, "{}", time.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

/// Displays names as `a, b and c`, the first few of many, or a text if there are none.
pub(crate) struct Names<'a, T>(pub(crate) &'a [T], pub(crate) &'static str);

impl<T: fmt::Display> fmt::Display for Names<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 4;
        let (shown, rest) = match self.0 {
            [] => return f.write_str(self.1),
            [only] => return write!(f, "{}", OneLine(only)),
            [others @ .., last] if others.len() < SHOWN => (others, OneLine(last).to_string()),
            many => (&many[..SHOWN], format!("{} others", many.len() - SHOWN)),
        };
        for (place, name) in shown.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(f, "{separator}{}", OneLine(name))?;
        }
        write!(f, " and {rest}")
    }
}

/// Displays a ratio such as 0.875 as `87.5 %`.
pub(crate) struct Percent(pub(crate) f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 0.07 * 100 is 7.000000000000001.
        write!(f, "{} %", (self.0 * 1e11).round() / 1e9)
    }
}
