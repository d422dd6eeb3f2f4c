//! Numbers that fit.

use std::fmt;

/// Displays a number in at most four characters, rounded down: `999`, `1.2k`, `31k`, `4M`.
///
/// ```
/// use scout_metrics_core::chart::Short;
///
/// let shown = [7, 999, 1299, 31_900, 4_000_000].map(|number| Short::new(number).to_string());
/// assert_eq!(shown, ["7", "999", "1.2k", "31k", "4M"]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Short(u64);

impl Short {
    /// Creates a value that displays a number.
    pub fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
        // 2^64 has 20 digits, so the last unit is always enough.
        let power = self.0.checked_ilog10().unwrap_or(0) / 3;
        let unit = 1000_u64.pow(power);
        let (whole, tenth) = (self.0 / unit, self.0 % unit * 10 / unit.max(1));
        write!(f, "{whole}")?;
        if whole < 10 && tenth > 0 {
            write!(f, ".{tenth}")?;
        }
        f.write_str(UNITS[power as usize])
    }
}
