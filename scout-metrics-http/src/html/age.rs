//! Ages and times for people.

use std::{fmt, time::Duration};

/// An age for people: `45 s`, `12 min`, `25 h`, `3 d`, rounded down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Age(pub(crate) Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ 0..120 => write!(f, "{seconds} s"),
            seconds @ 120..7200 => write!(f, "{} min", seconds / 60),
            seconds @ 7200..172_800 => write!(f, "{} h", seconds / 3600),
            seconds => write!(f, "{} d", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_the_unit_that_suits_them() {
        for (seconds, shown) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7199, "119 min"),
            (90_000, "25 h"),
            (172_800, "2 d"),
        ] {
            assert_eq!(Age(Duration::from_secs(seconds)).to_string(), shown);
        }
    }
}
