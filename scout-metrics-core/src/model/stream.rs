//! A stream and its name.

use std::{slice, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{PolicyResult, VulnerabilityCounts, model::name::impl_text_name};

/// The name of a stream: the value of Scout's label `streamName`. May be any text.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(from = "String", into = "String")]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// The label of a sample that names the stream.
    pub const LABEL: &str = "streamName";

    /// The name of the stream that holds the most recently pushed and analysed tag of each repository.
    pub const LATEST_INDEXED: &str = "latest-indexed";

    /// Creates a name.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(name.as_ref().into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is [`LATEST_INDEXED`](Self::LATEST_INDEXED) instead of an environment of the organization.
    pub fn is_latest_indexed(&self) -> bool {
        self.as_str() == Self::LATEST_INDEXED
    }
}

impl_text_name!(StreamName);

/// A set of images that Scout reports on together: an environment, or `latest-indexed`.
///
/// Iterating over a stream yields the results of its policies.
///
/// ```
/// use scout_metrics_core::{Policy, PolicyResult, Stream};
///
/// let stream = Stream::new("production")
///     .with_vulnerabilities("5C 3H 6M 63L".parse()?)
///     .with_policy(PolicyResult::new(Policy::new("no-copyleft", "No copyleft licenses"), 3, 4)?);
/// assert!(!stream.name().is_latest_indexed());
/// assert_eq!(stream.policy("no-copyleft").and_then(PolicyResult::ratio), Some(0.75));
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
    /// Creates a stream without counts or policies.
    pub fn new(name: impl Into<StreamName>) -> Self {
        Self {
            name: name.into(),
            vulnerabilities: VulnerabilityCounts::new(),
            policies: Vec::new(),
        }
    }

    /// Sets the vulnerability counts.
    #[must_use]
    pub fn with_vulnerabilities(mut self, counts: VulnerabilityCounts) -> Self {
        self.vulnerabilities = counts;
        self
    }

    /// Adds the result of a policy.
    #[must_use]
    pub fn with_policy(mut self, result: PolicyResult) -> Self {
        self.policies.push(result);
        self
    }

    /// Adds the results of policies, in their order.
    #[must_use]
    pub fn with_policies(mut self, results: impl IntoIterator<Item = PolicyResult>) -> Self {
        let results = results.into_iter();
        if self.policies.is_empty() {
            // The memory of a vector is used again.
            self.policies = results.collect();
        } else {
            self.policies.extend(results);
        }
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

    /// Returns the results of the policies, in the order of the source.
    pub fn policies(&self) -> &[PolicyResult] {
        &self.policies
    }

    /// Returns the result of the policy with an identifier.
    ///
    /// Searches through all policies of the stream.
    pub fn policy(&self, id: &str) -> Option<&PolicyResult> {
        self.policies
            .iter()
            .find(|result| result.policy().id().as_str() == id)
    }
}

impl<'a> IntoIterator for &'a Stream {
    type Item = &'a PolicyResult;
    type IntoIter = slice::Iter<'a, PolicyResult>;

    fn into_iter(self) -> Self::IntoIter {
        self.policies.iter()
    }
}
