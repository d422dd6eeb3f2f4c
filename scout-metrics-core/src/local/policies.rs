//! The result file of `docker scout policy`.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};

use super::LocalScans;
use crate::text::quoted;

/// Whether an image complies with each policy that it was evaluated against, by the identifier of the policy.
#[derive(Debug)]
pub(super) struct PolicyOutcomes(pub(super) BTreeMap<String, bool>);

/// The part of a policy's result that is counted. Its violations and metrics are not.
#[derive(Deserialize)]
struct PolicyOutcome {
    pass: bool,
}

impl<'de> Deserialize<'de> for PolicyOutcomes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OutcomesVisitor)
    }
}

struct OutcomesVisitor;

impl<'de> Visitor<'de> for OutcomesVisitor {
    type Value = PolicyOutcomes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from policy identifiers to results")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut outcomes = BTreeMap::new();
        while let Some((id, outcome)) = map.next_entry::<String, PolicyOutcome>()? {
            if id.is_empty() {
                return Err(A::Error::custom("a policy identifier is empty"));
            }
            if outcomes.len() == LocalScans::MAX_POLICIES {
                let limit = LocalScans::MAX_POLICIES;
                return Err(A::Error::custom(format!("more than {limit} policies")));
            }
            match outcomes.entry(id) {
                Entry::Vacant(entry) => entry.insert(outcome.pass),
                Entry::Occupied(entry) => {
                    let message =
                        format!("the policy identifier {} occurs twice", quoted(entry.key()));
                    return Err(A::Error::custom(message));
                }
            };
        }
        Ok(PolicyOutcomes(outcomes))
    }
}
