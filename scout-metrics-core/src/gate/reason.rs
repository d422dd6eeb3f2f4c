//! The kinds of findings.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Outcome;

/// The kind of a [`Finding`](super::Finding).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Reason {
    /// The snapshot has an [anomaly](crate::Anomaly) in what the rule reads, or more compliant than evaluated images.
    Anomaly,
    /// The baseline has such an anomaly.
    BaselineAnomaly,
    /// The stream, severity or policy is not in the baseline.
    BaselineIncomplete,
    /// There is no baseline, or it belongs to another organization.
    BaselineMissing,
    /// The history that the baseline comes from failed.
    BaselineUnreadable,
    /// The snapshot was scraped in the future, so that its age is unknown.
    FromFuture,
    /// A rule about every policy found none.
    NoPolicies,
    /// A rule about every stream found none.
    NoStreams,
    /// No image was evaluated against the policy.
    NotEvaluated,
    /// The policy was not reported.
    PolicyMissing,
    /// The severity was not reported.
    SeverityMissing,
    /// The stream was not reported.
    StreamMissing,
    /// A smaller part of the images complies with the policy than the rule requires.
    TooFewCompliant,
    /// There are more vulnerabilities than the rule allows.
    TooManyVulnerabilities,
    /// The snapshot is older than the rule allows.
    TooOld,
    /// The stream has vulnerabilities of a severity that is not in [`Severity::ALL`](crate::Severity::ALL), so it is unknown
    /// how bad they are.
    UnknownSeverity,
    /// There are more vulnerabilities, or more images that violate the policy, than in the baseline.
    Worse,
}

impl Reason {
    /// Returns the reason in lower case with underscores, for JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anomaly => "anomaly",
            Self::BaselineAnomaly => "baseline_anomaly",
            Self::BaselineIncomplete => "baseline_incomplete",
            Self::BaselineMissing => "baseline_missing",
            Self::BaselineUnreadable => "baseline_unreadable",
            Self::FromFuture => "from_future",
            Self::NoPolicies => "no_policies",
            Self::NoStreams => "no_streams",
            Self::NotEvaluated => "not_evaluated",
            Self::PolicyMissing => "policy_missing",
            Self::SeverityMissing => "severity_missing",
            Self::StreamMissing => "stream_missing",
            Self::TooFewCompliant => "too_few_compliant",
            Self::TooManyVulnerabilities => "too_many_vulnerabilities",
            Self::TooOld => "too_old",
            Self::UnknownSeverity => "unknown_severity",
            Self::Worse => "worse",
        }
    }

    /// Returns the outcome of a rule with such a finding: [`Outcome::Violated`] or [`Outcome::Untellable`].
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::TooFewCompliant | Self::TooManyVulnerabilities | Self::Worse => Outcome::Violated,
            _ => Outcome::Untellable,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
