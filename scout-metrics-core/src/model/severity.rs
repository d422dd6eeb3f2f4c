//! How bad a vulnerability is, and its wire spelling.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Error, ErrorKind, text::quoted};

/// How bad a vulnerability is.
///
/// Variants and [`Severity::ALL`] are in the order in which Docker prints them: from the worst to the unrated. Worse
/// severities compare greater, so that a threshold reads naturally: `severity >= Severity::High`.
///
/// ```
/// use scout_metrics_core::Severity;
///
/// assert!(Severity::Critical > Severity::High);
/// assert_eq!("HIGH".parse::<Severity>()?, Severity::High);
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[expect(
    clippy::exhaustive_enums,
    reason = "CVSS ratings are a closed set; the counts of other severities are kept as unrecognized"
)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Severity {
    /// CVSS 9.0 to 10.0; `C` in Docker's shorthand.
    Critical,
    /// CVSS 7.0 to 8.9; `H`.
    High,
    /// CVSS 4.0 to 6.9; `M`.
    Medium,
    /// CVSS 0.1 to 3.9; `L`.
    Low,
    /// Not yet rated; `?`.
    Unspecified,
}

impl Severity {
    /// The label of a sample that names the severity.
    pub const LABEL: &str = "severity";

    /// All severities, worst first.
    pub const ALL: [Self; 5] = [
        Self::Critical,
        Self::High,
        Self::Medium,
        Self::Low,
        Self::Unspecified,
    ];

    /// Returns the value of the label `severity`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
            Self::Unspecified => "UNSPECIFIED",
        }
    }

    /// Returns the letter of Docker's shorthand, as in `5C 3H 6M 63L 6?`.
    pub const fn letter(self) -> char {
        match self {
            Self::Critical => 'C',
            Self::High => 'H',
            Self::Medium => 'M',
            Self::Low => 'L',
            Self::Unspecified => '?',
        }
    }

    /// Returns the index in [`Severity::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl Ord for Severity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.index().cmp(&self.index())
    }
}

impl PartialOrd for Severity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Parses the value of the label `severity`. Case matters: `high` is an error.
impl FromStr for Severity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or_else(|| {
                let shown = quoted(text);
                Error::new(
                    ErrorKind::Invalid,
                    format!("unknown severity {shown}, expected CRITICAL, HIGH, MEDIUM, LOW or UNSPECIFIED"),
                )
            })
    }
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_severities_compare_greater() {
        assert!(Severity::ALL.is_sorted_by(|worse, better| worse > better));
    }

    #[test]
    fn parses_the_wire_spelling_only() {
        for severity in Severity::ALL {
            assert_eq!(severity.as_str().parse::<Severity>().unwrap(), severity);
        }
        let message = "high".parse::<Severity>().unwrap_err().to_string();
        assert_eq!(
            message,
            r#"unknown severity "high", expected CRITICAL, HIGH, MEDIUM, LOW or UNSPECIFIED"#
        );
    }
}
