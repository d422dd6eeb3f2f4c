//! A stream and its name.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{PolicyId, PolicyResult, VulnerabilityCounts};

/// The name of a stream: what Scout puts in the label `streamName`. Any text is one.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(from = "String", into = "String")]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// The stream that holds the most recently pushed and analysed tag of each repository.
    pub const LATEST_INDEXED: &str = "latest-indexed";

    /// Wraps a name.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(name.as_ref().into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is [`LATEST_INDEXED`](Self::LATEST_INDEXED) and not an environment of the organization.
    pub fn is_latest_indexed(&self) -> bool {
        self.as_str() == Self::LATEST_INDEXED
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Borrow<str> for StreamName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for StreamName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for StreamName {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> Self {
        name.as_str().to_owned()
    }
}

/// A set of images that Scout reports on together: an environment, or `latest-indexed`.
///
/// ```
/// use scout_metrics_core::{Policy, PolicyResult, Stream};
///
/// let stream = Stream::new("production")
///     .with_vulnerabilities("5C 3H 6M 63L".parse()?)
///     .with_policy(PolicyResult::new(Policy::new("no-copyleft", "No copyleft licenses"), 3, 4)?);
/// assert!(!stream.name().is_latest_indexed());
/// assert_eq!(stream.policies().len(), 1);
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Stream {
    name: StreamName,
    #[serde(default)]
    vulnerabilities: VulnerabilityCounts,
    #[serde(default)]
    policies: Vec<PolicyResult>,
}

impl Stream {
    /// Creates a stream without counts and without policies.
    pub fn new(name: impl Into<StreamName>) -> Self {
        Self {
            name: name.into(),
            vulnerabilities: VulnerabilityCounts::new(),
            policies: Vec::new(),
        }
    }

    /// Returns the stream with these vulnerability counts.
    #[must_use]
    pub fn with_vulnerabilities(mut self, counts: VulnerabilityCounts) -> Self {
        self.vulnerabilities = counts;
        self
    }

    /// Returns the stream with one more policy result.
    #[must_use]
    pub fn with_policy(mut self, result: PolicyResult) -> Self {
        self.policies.push(result);
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &StreamName {
        &self.name
    }

    /// Returns the vulnerability counts.
    pub fn vulnerabilities(&self) -> &VulnerabilityCounts {
        &self.vulnerabilities
    }

    /// Returns the policy results, in the order in which the source gave them.
    pub fn policies(&self) -> &[PolicyResult] {
        &self.policies
    }

    /// Returns the result of one policy.
    pub fn policy(&self, id: &PolicyId) -> Option<&PolicyResult> {
        self.policies
            .iter()
            .find(|result| result.policy().id() == id)
    }
}
