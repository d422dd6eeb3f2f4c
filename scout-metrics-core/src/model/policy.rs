//! A policy, and how many images of a stream comply with it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Error, ErrorKind,
    model::{MAX_COUNT, name::impl_text_name},
};

/// The identifier of a policy: the value of Scout's label `id`. May be any text.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(from = "String", into = "String")]
pub struct PolicyId(Arc<str>);

impl PolicyId {
    /// The label of a sample that identifies the policy.
    pub const LABEL: &str = "id";

    /// Creates an identifier.
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(id.as_ref().into())
    }

    /// Returns the identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl_text_name!(PolicyId);

/// A rule that an organization checks its images against.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Policy {
    id: PolicyId,
    display_name: Arc<str>,
}

impl Policy {
    /// Creates a policy from its identifier and the name to show to people.
    pub fn new(id: impl Into<PolicyId>, display_name: impl AsRef<str>) -> Self {
        Self {
            id: id.into(),
            display_name: display_name.as_ref().into(),
        }
    }

    /// Returns the identifier.
    pub fn id(&self) -> &PolicyId {
        &self.id
    }

    /// Returns the name to show to people, empty if Scout gave none.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }
}

/// The number of images of one stream that were evaluated against a policy, and that comply with it.
///
/// ```
/// use scout_metrics_core::{Policy, PolicyResult};
///
/// let result = PolicyResult::new(Policy::new("no-copyleft", "No copyleft licenses"), 3, 4)?;
/// assert_eq!(result.ratio(), Some(0.75));
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "Wire")]
pub struct PolicyResult {
    #[serde(flatten)]
    policy: Policy,
    compliant: u64,
    evaluated: u64,
}

impl PolicyResult {
    /// Creates a result from the numbers of compliant and evaluated images.
    ///
    /// Accepts more compliant than evaluated images: a source that reads such a pair keeps it and reports an anomaly.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if a count is larger than [`Snapshot::MAX_COUNT`](crate::Snapshot::MAX_COUNT).
    pub fn new(policy: Policy, compliant: u64, evaluated: u64) -> Result<Self, Error> {
        let largest = compliant.max(evaluated);
        if largest > MAX_COUNT {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{largest} images exceed the limit of {MAX_COUNT}"),
            ));
        }
        Ok(Self {
            policy,
            compliant,
            evaluated,
        })
    }

    /// Returns the policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the number of images that comply.
    pub fn compliant(&self) -> u64 {
        self.compliant
    }

    /// Returns the number of images that were evaluated.
    pub fn evaluated(&self) -> u64 {
        self.evaluated
    }

    /// Returns the number of evaluated images that do not comply.
    pub fn violating(&self) -> u64 {
        self.evaluated.saturating_sub(self.compliant)
    }

    /// Returns whether every evaluated image complies, which is true if none was evaluated.
    pub fn is_compliant(&self) -> bool {
        self.violating() == 0
    }

    /// Returns compliant images divided by evaluated images, or `None` if none was evaluated.
    ///
    /// The ratio is above 1 if the source reported more compliant than evaluated images, which is an anomaly.
    pub fn ratio(&self) -> Option<f64> {
        (self.evaluated > 0).then(|| self.compliant as f64 / self.evaluated as f64)
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(flatten)]
    policy: Policy,
    compliant: u64,
    evaluated: u64,
}

impl TryFrom<Wire> for PolicyResult {
    type Error = Error;

    fn try_from(wire: Wire) -> Result<Self, Error> {
        Self::new(wire.policy, wire.compliant, wire.evaluated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(compliant: u64, evaluated: u64) -> PolicyResult {
        PolicyResult::new(Policy::new("id", "Name"), compliant, evaluated).unwrap()
    }

    #[test]
    fn ratio_is_none_if_nothing_was_evaluated() {
        assert_eq!(result(0, 0).ratio(), None);
        assert!(result(0, 0).is_compliant());
    }

    #[test]
    fn impossible_counts_are_kept_and_do_not_underflow() {
        assert_eq!(result(3, 2).violating(), 0);
        assert_eq!(result(3, 2).ratio(), Some(1.5));
    }

    #[test]
    fn counts_stay_exact_in_a_float() {
        assert!(PolicyResult::new(Policy::new("id", "Name"), 0, MAX_COUNT).is_ok());
        let error = PolicyResult::new(Policy::new("id", "Name"), 0, MAX_COUNT + 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "9007199254740993 images exceed the limit of 9007199254740992"
        );
    }
}
