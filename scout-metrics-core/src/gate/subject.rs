//! The part of a stream that a finding is about, and the numbers of it.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer};

use crate::{
    Policy, Severity,
    text::{OneLine, Percent, Rounded},
};

/// The part of a stream that a [`Finding`](super::Finding) is about.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The vulnerabilities of a severity and of worse ones.
    AtLeast(Severity),
    /// The images that comply with a policy. The display name is empty if the policy is missing.
    Policy(Policy),
    /// The vulnerabilities of a severity.
    Severity(Severity),
    /// The vulnerabilities of a severity that is not in [`Severity::ALL`].
    UnrecognizedSeverity(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(severity) => write!(f, "{severity} or worse"),
            Self::Policy(policy) if policy.display_name().is_empty() => {
                write!(f, "policy {}", OneLine(policy.id()))
            }
            Self::Policy(policy) => write!(f, "policy {}", OneLine(policy.display_name())),
            Self::Severity(severity) => write!(f, "{severity}"),
            Self::UnrecognizedSeverity(name) => write!(f, "{}", OneLine(name)),
        }
    }
}

/// A number that a rule compares.
///
/// Serializes as a number: a duration in seconds.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    /// The age of a snapshot.
    Age(Duration),
    /// A number of vulnerabilities, or of images that violate a policy.
    Count(u64),
    /// Compliant images divided by evaluated images.
    Ratio(f64),
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Age(age) => serializer.serialize_u64(age.as_secs()),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Ratio(ratio) => serializer.serialize_f64(*ratio),
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age(age) => write!(f, "{}", Rounded(*age)),
            Self::Count(count) => write!(f, "{count}"),
            Self::Ratio(ratio) => write!(f, "{}", Percent(*ratio)),
        }
    }
}
