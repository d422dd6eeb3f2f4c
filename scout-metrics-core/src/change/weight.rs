//! Which changes matter most.

use super::Change;
use crate::{PolicyResult, Severity, Stream};

/// The importance of a [`Change`]. The most important change has the greatest weight.
///
/// A change for the worse outweighs any other. Then comes the severity of the vulnerabilities, with policies after high
/// severity and unrecognized severities after critical, and then by how much the number changed. A stream weighs as much
/// as the worst that it adds or removes.
///
/// ```
/// use scout_metrics_core::{Change, Organization, Snapshot, Stream};
///
/// let acme = Organization::new("acme")?;
/// let before = Stream::new("production").with_vulnerabilities("5C 3H 6M".parse()?);
/// let after = Stream::new("production").with_vulnerabilities("4C 8H 99M".parse()?);
/// let before = Snapshot::new(acme.clone(), [before])?;
///
/// let mut changes = Snapshot::new(acme, [after])?.changes_since(&before);
/// changes.sort_by_key(|change| std::cmp::Reverse(change.weight()));
/// let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
/// assert_eq!(
///     lines,
///     [
///         "production: HIGH 3 -> 8 (+5)",
///         "production: MEDIUM 6 -> 99 (+93)",
///         "production: CRITICAL 5 -> 4 (-1)",
///     ]
/// );
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Weight {
    // The order of the fields is the order of their importance.
    is_worse: bool,
    rank: Rank,
    difference: u64,
}

/// The subject of a number, from the least to the most important.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Rank {
    Nothing,
    Unspecified,
    Low,
    Medium,
    Policy,
    High,
    UnrecognizedSeverity,
    Critical,
}

impl From<Severity> for Rank {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Critical => Self::Critical,
            Severity::High => Self::High,
            Severity::Medium => Self::Medium,
            Severity::Low => Self::Low,
            Severity::Unspecified => Self::Unspecified,
        }
    }
}

impl Change {
    /// Returns how much the change matters, to sort by.
    pub fn weight(&self) -> Weight {
        let (rank, difference) = match self {
            Self::PolicyAdded { after: result, .. }
            | Self::PolicyRemoved { before: result, .. } => (Rank::Policy, result.violating()),
            Self::PolicyChanged { before, after, .. } => {
                let violating = [before, after].map(PolicyResult::violating);
                (Rank::Policy, violating[0].abs_diff(violating[1]))
            }
            Self::StreamAdded { after: stream, .. }
            | Self::StreamRemoved { before: stream, .. } => worst(stream),
            Self::UnrecognizedSeverityChanged { before, after, .. } => {
                (Rank::UnrecognizedSeverity, difference(*before, *after))
            }
            Self::VulnerabilitiesChanged {
                severity,
                before,
                after,
                ..
            } => ((*severity).into(), difference(*before, *after)),
        };
        Weight {
            is_worse: self.is_worse(),
            rank,
            difference,
        }
    }
}

fn difference(before: Option<u64>, after: Option<u64>) -> u64 {
    before.unwrap_or(0).abs_diff(after.unwrap_or(0))
}

/// Returns the most important number of a stream.
fn worst(stream: &Stream) -> (Rank, u64) {
    let counts = stream.vulnerabilities();
    let known = counts
        .iter()
        .map(|(severity, count)| (severity.into(), count));
    let unrecognized = counts
        .unrecognized()
        .map(|(_, count)| (Rank::UnrecognizedSeverity, count));
    let policies = stream
        .policies()
        .iter()
        .map(|result| (Rank::Policy, result.violating()));
    let numbers = known.chain(unrecognized).chain(policies);
    let worst = numbers.filter(|(_, number)| *number > 0).max();
    worst.unwrap_or((Rank::Nothing, 0))
}
