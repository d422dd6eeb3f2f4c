//! The numbers of vulnerabilities of a stream by severity.

use std::{array, collections::BTreeMap, fmt, iter, ops::Index, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap,
};

use crate::{
    Error, ErrorKind, Severity,
    model::MAX_COUNT,
    text::{OneLine, quoted},
};

/// The numbers of vulnerabilities of a stream, by severity.
///
/// A severity that was not reported differs from one that was reported as zero: [`get`](Self::get) returns `None` for
/// the first. Indexing returns 0 for both, so a check such as `counts[Severity::Critical] == 0` passes if nothing was
/// reported at all; prefer `get`.
///
/// Counts of severities other than [`Severity::ALL`] are kept by name: see [`unrecognized`](Self::unrecognized).
/// Iterating over the counts yields the reported ones of known severities, worst first.
///
/// # Docker's shorthand
///
/// `Display` writes what the docker CLI prints for an image: each count followed by the letter of its severity, worst
/// first, without `?` (unspecified) if it is zero. Severities that were not reported are left out, and those that are
/// unrecognized follow with their names, as in `5C 3H 7 BLOCKER`. If nothing was reported, the text is `-`.
///
/// `FromStr` accepts the same without unrecognized severities, and any white space between the counts. A missing `?`
/// means zero.
///
/// ```
/// use scout_metrics_core::{Severity, VulnerabilityCounts};
///
/// let counts: VulnerabilityCounts = "5C 3H 6M 63L 6?".parse()?;
/// assert_eq!(counts.get(Severity::Low), Some(63));
/// assert_eq!(counts.at_least(Severity::High), 8);
/// assert_eq!(counts.total(), 83);
/// assert_eq!(counts.with(Severity::Unspecified, 0)?.to_string(), "5C 3H 6M 63L");
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct VulnerabilityCounts {
    known: [Option<u64>; Severity::ALL.len()],
    unrecognized: BTreeMap<Box<str>, u64>,
}

impl VulnerabilityCounts {
    /// Creates counts in which no severity is reported.
    pub const fn new() -> Self {
        Self {
            known: [None; Severity::ALL.len()],
            unrecognized: BTreeMap::new(),
        }
    }

    /// Sets the count of a severity.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the count is larger than [`Snapshot::MAX_COUNT`](crate::Snapshot::MAX_COUNT).
    pub fn with(mut self, severity: Severity, count: u64) -> Result<Self, Error> {
        self.set(severity, count)?;
        Ok(self)
    }

    /// Sets the count of a severity, as [`with`](Self::with) does, in place.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the count is larger than [`Snapshot::MAX_COUNT`](crate::Snapshot::MAX_COUNT).
    #[inline]
    pub fn set(&mut self, severity: Severity, count: u64) -> Result<(), Error> {
        if count > MAX_COUNT {
            return check_count(severity.as_str(), count);
        }
        self.known[severity.index()] = Some(count);
        Ok(())
    }

    /// Sets the count of a severity other than [`Severity::ALL`].
    ///
    /// ```
    /// use scout_metrics_core::VulnerabilityCounts;
    ///
    /// let counts = VulnerabilityCounts::new().with_unrecognized("BLOCKER", 7)?;
    /// assert_eq!(counts.unrecognized().collect::<Vec<_>>(), [("BLOCKER", 7)]);
    /// assert_eq!(counts.total(), 7);
    /// assert_eq!(counts.to_string(), "7 BLOCKER");
    /// # Ok::<(), scout_metrics_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the name is empty or that of a known severity, or if the count is larger than
    /// [`Snapshot::MAX_COUNT`](crate::Snapshot::MAX_COUNT).
    pub fn with_unrecognized(mut self, name: &str, count: u64) -> Result<Self, Error> {
        if name.is_empty() {
            let message = "the name of a severity is empty";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        if name.parse::<Severity>().is_ok() {
            let message = format!("{name} is a known severity, expected an unrecognized one");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        check_count(&quoted(name), count)?;
        self.unrecognized.insert(name.into(), count);
        Ok(self)
    }

    /// Returns the count of a severity, or `None` if it was not reported.
    #[inline]
    pub const fn get(&self, severity: Severity) -> Option<u64> {
        self.known[severity.index()]
    }

    /// Returns the reported counts of known severities, worst first.
    pub fn iter(&self) -> impl Iterator<Item = (Severity, u64)> + '_ {
        self.into_iter()
    }

    /// Returns the names and counts of other severities than [`Severity::ALL`], sorted by name.
    pub fn unrecognized(&self) -> impl Iterator<Item = (&str, u64)> + '_ {
        self.unrecognized
            .iter()
            .map(|(name, &count)| (&**name, count))
    }

    /// Returns the sum of the reported counts of a severity and of worse ones.
    ///
    /// A severity that was not reported counts as zero here; [`get`](Self::get) distinguishes the two. Unrecognized
    /// severities are not included, because it is not known how bad they are.
    pub fn at_least(&self, severity: Severity) -> u64 {
        self.iter()
            .filter(|(reported, _)| *reported >= severity)
            .map(|(_, count)| count)
            .sum()
    }

    /// Returns the sum of all reported counts, including those of unrecognized severities.
    pub fn total(&self) -> u64 {
        // At 2^53 for each count, the sum of some thousand counts could overflow.
        self.unrecognized
            .values()
            .fold(self.at_least(Severity::Unspecified), |sum, count| {
                sum.saturating_add(*count)
            })
    }

    /// Returns whether no severity was reported.
    pub fn is_empty(&self) -> bool {
        self.known.iter().all(Option::is_none) && self.unrecognized.is_empty()
    }
}

fn check_count(severity: &str, count: u64) -> Result<(), Error> {
    if count <= MAX_COUNT {
        return Ok(());
    }
    let message = format!("{count} {severity} vulnerabilities exceed the limit of {MAX_COUNT}");
    Err(Error::new(ErrorKind::Invalid, message))
}

/// Returns the count of a severity, or 0 if it was not reported. [`VulnerabilityCounts::get`] distinguishes the two.
impl Index<Severity> for VulnerabilityCounts {
    type Output = u64;

    fn index(&self, severity: Severity) -> &u64 {
        self.known[severity.index()].as_ref().unwrap_or(&0)
    }
}

impl IntoIterator for &VulnerabilityCounts {
    type Item = (Severity, u64);
    type IntoIter =
        iter::Flatten<array::IntoIter<Option<(Severity, u64)>, { Severity::ALL.len() }>>;

    fn into_iter(self) -> Self::IntoIter {
        Severity::ALL
            .map(|severity| Some((severity, self.get(severity)?)))
            .into_iter()
            .flatten()
    }
}

impl fmt::Display for VulnerabilityCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self
            .iter()
            .filter(|&(severity, count)| severity != Severity::Unspecified || count > 0)
            .map(|(severity, count)| format!("{count}{}", severity.letter()));
        let unrecognized = self
            .unrecognized()
            .map(|(name, count)| format!("{count} {}", OneLine(name)));
        let parts: Vec<String> = known.chain(unrecognized).collect();
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
            let message = format!(
                "invalid count {}, expected digits followed by one of C, H, M, L and ?, each at most once",
                quoted(part)
            );
            Error::new(ErrorKind::Invalid, message)
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
        counts.known[Severity::Unspecified.index()].get_or_insert(0);
        Ok(counts)
    }
}

/// Writes a map from the names of the reported severities to their counts.
impl Serialize for VulnerabilityCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (severity, count) in self {
            map.serialize_entry(severity.as_str(), &count)?;
        }
        for (name, count) in self.unrecognized() {
            map.serialize_entry(name, &count)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for VulnerabilityCounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CountsVisitor)
    }
}

struct CountsVisitor;

impl<'de> Visitor<'de> for CountsVisitor {
    type Value = VulnerabilityCounts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from severities to counts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut counts = VulnerabilityCounts::new();
        while let Some((name, count)) = map.next_entry::<String, Option<u64>>()? {
            let Some(count) = count else { continue };
            let severity = name.parse::<Severity>().ok();
            let is_duplicate = match severity {
                Some(severity) => counts.get(severity).is_some(),
                None => counts.unrecognized.contains_key(&*name),
            };
            if is_duplicate {
                let message = format!("the severity {} occurs twice", quoted(&name));
                return Err(A::Error::custom(message));
            }
            counts = match severity {
                Some(severity) => counts.with(severity, count),
                None => counts.with_unrecognized(&name, count),
            }
            .map_err(A::Error::custom)?;
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> VulnerabilityCounts {
        text.parse().unwrap()
    }

    #[test]
    fn parses_the_output_of_the_docker_cli() {
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
    fn rejects_invalid_counts() {
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
            r#"invalid count "x", expected digits followed by one of C, H, M, L and ?, each at most once"#
        );
    }

    #[test]
    fn unrecognized_severities_are_counted_and_shown() {
        let counts = parse("5C 3H");
        let counts = counts.with_unrecognized("b\nb", 7).unwrap();
        let counts = counts.with_unrecognized("A", 0).unwrap();
        assert_eq!(counts.to_string(), r"5C 3H 0 A 7 b\nb");
        assert_eq!(counts.total(), 15);
        assert_eq!(counts.at_least(Severity::Unspecified), 8);
        assert_ne!(counts, parse("5C 3H"));
        let only = VulnerabilityCounts::new().with_unrecognized("A", 0);
        assert!(!only.unwrap().is_empty());
    }

    #[test]
    fn rejects_names_that_are_not_unrecognized() {
        let message = |name: &str, count| {
            let counts = VulnerabilityCounts::new().with_unrecognized(name, count);
            counts.unwrap_err().to_string()
        };
        assert_eq!(message("", 1), "the name of a severity is empty");
        assert_eq!(
            message("HIGH", 1),
            "HIGH is a known severity, expected an unrecognized one"
        );
        assert_eq!(
            message("A", MAX_COUNT + 1),
            r#"9007199254740993 "A" vulnerabilities exceed the limit of 9007199254740992"#
        );
    }

    #[test]
    fn the_total_of_many_counts_does_not_overflow() {
        let counts = (0..3000).try_fold(VulnerabilityCounts::new(), |counts, n| {
            counts.with_unrecognized(&n.to_string(), MAX_COUNT)
        });
        assert_eq!(counts.unwrap().total(), u64::MAX);
    }

    #[test]
    fn at_least_sums_the_severity_and_worse_ones() {
        let counts = parse("5C 3H 6M 63L 6?");
        let sums = Severity::ALL.map(|severity| counts.at_least(severity));
        assert_eq!(sums, [5, 8, 14, 77, 83]);
        assert_eq!(parse("1L").at_least(Severity::High), 0);
    }
}
