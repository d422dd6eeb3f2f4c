//! The parts of a SARIF log that are read. Names and sections are those of SARIF 2.1.0.

use std::{fmt, marker::PhantomData, ops::Deref, slice};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, SeqAccess, Visitor},
};

/// The maximum number of items in an array. A result of a scanner has more than 256 bytes, so a report of the maximum size
/// does not have more.
const MAX_ITEMS: usize = 250_000;

#[derive(Debug, Deserialize)]
pub(crate) struct Log {
    pub(super) version: String,
    pub(super) runs: List<Run>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) tool: Tool,
    pub(super) invocations: Option<List<Invocation>>,
    pub(super) results: Option<List<Finding>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    pub(super) driver: Component,
    pub(super) extensions: Option<List<Component>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Component {
    pub(super) name: String,
    pub(super) rules: Option<List<Rule>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation {
    pub(super) execution_successful: Option<bool>,
}

/// A `reportingDescriptor`.
#[derive(Debug, Deserialize)]
pub(super) struct Rule {
    pub(super) id: String,
    #[serde(default)]
    pub(super) properties: Properties,
}

/// A `result`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    pub(super) rule_id: Option<String>,
    rule_index: Option<i64>,
    rule: Option<RuleReference>,
    kind: Option<String>,
    baseline_state: Option<String>,
    suppressions: Option<List<Suppression>>,
    pub(super) message: Option<Message>,
    #[serde(default)]
    pub(super) properties: Properties,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleReference {
    id: Option<String>,
    index: Option<i64>,
    /// The extension that has the rule. There is none if the driver has it.
    tool_component: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Suppression {
    status: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    pub(super) text: String,
}

/// The properties that scanners give to rules, and some tools to results.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Properties {
    pub(super) tags: Option<List<String>>,
    #[serde(rename = "security-severity")]
    pub(super) score: Option<Score>,
    #[serde(rename = "cvssV3_severity")]
    pub(super) word: Option<String>,
    purl: Option<String>,
    purls: Option<List<String>>,
}

/// A number, or text with a number as GitHub requires.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Score {
    Number(f64),
    Text(String),
}

impl Finding {
    /// Returns the identifier of the rule, empty if there is none.
    pub(super) fn rule_id(&self) -> &str {
        let reference = || self.rule.as_ref()?.id.as_deref();
        self.rule_id
            .as_deref()
            .or_else(reference)
            .unwrap_or_default()
    }

    /// Returns the index of the rule in the driver. -1 is the default and means none (section 3.27.6).
    pub(super) fn rule_index(&self) -> Option<usize> {
        let reference = self.rule.as_ref();
        if reference.is_some_and(|rule| rule.tool_component.is_some()) {
            return None;
        }
        let index = self.rule_index.or_else(|| reference?.index)?;
        usize::try_from(index).ok()
    }

    /// Returns whether the result says that something is wrong.
    pub(super) fn is_open(&self) -> bool {
        // Section 3.27.9: these kinds need no action.
        let is_fault = !matches!(
            self.kind.as_deref(),
            Some("pass" | "informational" | "notApplicable")
        );
        // Section 3.27.24: the result was in an earlier run only.
        let is_present = self.baseline_state.as_deref() != Some("absent");
        is_fault && is_present && !self.is_suppressed()
    }

    /// Section 3.27.23: a suppression without a status is accepted, and one under review or rejected suppresses nothing.
    fn is_suppressed(&self) -> bool {
        let suppressions = self.suppressions.as_deref().unwrap_or_default();
        let is_accepted =
            |one: &Suppression| matches!(one.status.as_deref(), None | Some("accepted"));
        !suppressions.is_empty() && suppressions.iter().all(is_accepted)
    }
}

impl Properties {
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.tags.as_deref().unwrap_or_default();
        tags.iter().map(String::as_str)
    }

    /// Returns the package URLs.
    pub(super) fn packages(&self) -> impl Iterator<Item = &str> {
        let many = self.purls.as_deref().unwrap_or_default();
        let all = self.purl.iter().chain(many);
        all.map(String::as_str).filter(|purl| !purl.is_empty())
    }
}

/// An array with a bound on the number of its items.
#[derive(Debug)]
pub(super) struct List<T>(Vec<T>);

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T> IntoIterator for &'a List<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = array.next_element()? {
            if items.len() == MAX_ITEMS {
                return Err(A::Error::custom(format!("more than {MAX_ITEMS} items")));
            }
            items.push(item);
        }
        Ok(List(items))
    }
}
