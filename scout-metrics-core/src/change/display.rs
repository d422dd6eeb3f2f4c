//! Changes as text.

use std::fmt;

use super::Change;
use crate::{PolicyResult, text::OneLine};

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", OneLine(self.stream().as_str()))?;
        match self {
            Self::PolicyAdded { after, .. } => {
                write!(f, "policy {} added, {}", name(after), images(after))
            }
            Self::PolicyChanged { before, after, .. } => write_policy(f, before, after),
            Self::PolicyRemoved { before, .. } => write!(f, "policy {} removed", name(before)),
            Self::StreamAdded { after, .. } => {
                write!(f, "stream added, {}", after.vulnerabilities())
            }
            Self::StreamRemoved { .. } => f.write_str("stream removed"),
            Self::UnrecognizedSeverityChanged {
                severity,
                before,
                after,
                ..
            } => write_counts(f, OneLine(severity), *before, *after),
            Self::VulnerabilitiesChanged {
                severity,
                before,
                after,
                ..
            } => write_counts(f, severity, *before, *after),
        }
    }
}

fn write_counts(
    f: &mut fmt::Formatter<'_>,
    severity: impl fmt::Display,
    before: Option<u64>,
    after: Option<u64>,
) -> fmt::Result {
    match (before, after) {
        (Some(before), Some(after)) => {
            let sign = if after > before { '+' } else { '-' };
            let difference = after.abs_diff(before);
            write!(f, "{severity} {before} -> {after} ({sign}{difference})")
        }
        (None, Some(after)) => write!(f, "{severity} {after}, not reported before"),
        (_, None) => write!(f, "{severity} no longer reported"),
    }
}

fn write_policy(
    f: &mut fmt::Formatter<'_>,
    before: &PolicyResult,
    after: &PolicyResult,
) -> fmt::Result {
    write!(f, "policy {}", name(before))?;
    if name(before).0 != name(after).0 {
        write!(f, " is now called {}", name(after))?;
    }
    let counts = |result: &PolicyResult| (result.compliant(), result.evaluated());
    if counts(before) != counts(after) {
        write!(f, " {} -> {}", images(before), images(after))?;
    }
    Ok(())
}

/// Returns the display name, or the identifier if there is none.
pub(super) fn name(result: &PolicyResult) -> OneLine<&str> {
    let policy = result.policy();
    match policy.display_name() {
        "" => OneLine(policy.id().as_str()),
        name => OneLine(name),
    }
}

fn images(result: &PolicyResult) -> String {
    format!("{}/{}", result.compliant(), result.evaluated())
}
