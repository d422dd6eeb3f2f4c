//! The counts of a stream's vulnerabilities by severity.

use std::{fmt, ops::Index, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Severity, model::MAX_COUNT};

/// How many vulnerabilities a stream has, by severity.
///
/// A severity that was not reported is known apart from one reported as zero: [`get`](Self::get) returns `None` for
/// it, and indexing returns 0.
///
/// # Docker's shorthand
///
/// `Display` writes what the docker CLI prints for an image: the count and the severity's letter, worst first, with
/// `?` (unspecified) left out at zero. A severity that was not reported is left out as well, and if none was, `-`
/// stands alone. `FromStr` reads the same, with any white space between the counts, and takes a missing `?` for zero.
///
/// ```
/// use scout_metrics_core::{Severity, VulnerabilityCounts};
///
/// let counts: VulnerabilityCounts = "5C 3H 6M 63L 6?".parse()?;
/// assert_eq!(counts[Severity::Low], 63);
/// assert_eq!(counts.total(), 83);
/// assert_eq!(counts.with(Severity::Unspecified, 0)?.to_string(), "5C 3H 6M 63L");
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct VulnerabilityCounts([Option<u64>; Severity::ALL.len()]);

impl VulnerabilityCounts {
    /// Returns counts in which no severity is reported.
    pub const fn new() -> Self {
        Self([None; Severity::ALL.len()])
    }

    /// Returns the counts with one of them set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the count is larger than [`Snapshot::MAX_COUNT`](crate::Snapshot::MAX_COUNT).
    pub fn with(mut self, severity: Severity, count: u64) -> Result<Self, Error> {
        if count > MAX_COUNT {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "{count} {severity} vulnerabilities are more than the largest count, {MAX_COUNT}"
                ),
            ));
        }
        self.0[severity.index()] = Some(count);
        Ok(self)
    }

    /// Returns the count of a severity, or `None` if it was not reported.
    pub const fn get(&self, severity: Severity) -> Option<u64> {
        self.0[severity.index()]
    }

    /// Returns the reported counts, worst severity first.
    pub fn iter(&self) -> impl Iterator<Item = (Severity, u64)> + '_ {
        Severity::ALL
            .into_iter()
            .filter_map(|severity| Some((severity, self.get(severity)?)))
    }

    /// Returns the sum of all reported counts.
    pub fn total(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// Returns whether no severity was reported.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

/// Returns the count of a severity, 0 if it was not reported.
impl Index<Severity> for VulnerabilityCounts {
    type Output = u64;

    fn index(&self, severity: Severity) -> &u64 {
        self.0[severity.index()].as_ref().unwrap_or(&0)
    }
}

impl fmt::Display for VulnerabilityCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self
            .iter()
            .filter(|&(severity, count)| severity != Severity::Unspecified || count > 0)
            .map(|(severity, count)| format!("{count}{}", severity.letter()))
            .collect();
        if parts.is_empty() {
            return f.pad("-");
        }
        f.pad(&parts.join(" "))
    }
}

impl FromStr for VulnerabilityCounts {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |part: &str| {
            let shown: String = part.chars().take(40).collect();
            Error::new(
                ErrorKind::Invalid,
                format!(
                    "cannot read the count {shown:?}, expected digits and one of C, H, M, L and ?, each once"
                ),
            )
        };
        if text.trim() == "-" {
            return Ok(Self::new());
        }
        let mut counts = Self::new();
        for part in text.split_whitespace() {
            let severity = Severity::ALL
                .into_iter()
                .find(|severity| part.ends_with(severity.letter()))
                .filter(|&severity| counts.get(severity).is_none())
                .ok_or_else(|| invalid(part))?;
            let digits = &part[..part.len() - 1];
            let is_number = digits.bytes().all(|b| b.is_ascii_digit());
            let count = digits.parse().ok().filter(|_| is_number);
            counts = counts.with(severity, count.ok_or_else(|| invalid(part))?)?;
        }
        if counts.is_empty() {
            return Err(invalid(text));
        }
        counts.0[Severity::Unspecified.index()].get_or_insert(0);
        Ok(counts)
    }
}

/// The JSON form: the wire spelling of each reported severity with its count.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    critical: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    medium: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    low: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unspecified: Option<u64>,
}

impl From<VulnerabilityCounts> for Wire {
    fn from(
        VulnerabilityCounts([critical, high, medium, low, unspecified]): VulnerabilityCounts,
    ) -> Self {
        Self {
            critical,
            high,
            medium,
            low,
            unspecified,
        }
    }
}

impl TryFrom<Wire> for VulnerabilityCounts {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self, Error> {
        let values = [
            wire.critical,
            wire.high,
            wire.medium,
            wire.low,
            wire.unspecified,
        ];
        Severity::ALL
            .into_iter()
            .zip(values)
            .filter_map(|(severity, count)| Some((severity, count?)))
            .try_fold(Self::new(), |counts, (severity, count)| {
                counts.with(severity, count)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> VulnerabilityCounts {
        text.parse().unwrap()
    }

    #[test]
    fn reads_what_the_docker_cli_prints() {
        let counts = parse("   0C     1H     1M    26L     6? ");
        assert_eq!(counts.to_string(), "0C 1H 1M 26L 6?");
        assert_eq!(parse("0C 1H 1M 26L").get(Severity::Unspecified), Some(0));
    }

    #[test]
    fn a_severity_that_was_not_reported_is_not_zero() {
        let counts = parse("3H");
        assert_eq!(counts.get(Severity::Critical), None);
        assert_eq!(counts[Severity::Critical], 0);
        assert_eq!(counts.to_string(), "3H");
        assert_eq!(VulnerabilityCounts::new().to_string(), "-");
        assert_eq!(parse("-"), VulnerabilityCounts::new());
    }

    #[test]
    fn display_aligns() {
        assert_eq!(format!("{:>8}|", parse("3H")), "      3H|");
    }

    #[test]
    fn refuses_what_is_no_count() {
        for text in [
            "",
            "C",
            "5",
            "5X",
            "+5C",
            "-5C",
            "5C 6C",
            "5c",
            "9007199254740993C",
            "1é",
        ] {
            assert!(text.parse::<VulnerabilityCounts>().is_err(), "{text:?}");
        }
        assert_eq!(
            "5C x"
                .parse::<VulnerabilityCounts>()
                .unwrap_err()
                .to_string(),
            r#"cannot read the count "x", expected digits and one of C, H, M, L and ?, each once"#
        );
    }
}
