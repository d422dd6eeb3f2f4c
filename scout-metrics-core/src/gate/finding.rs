//! Why a gate does not pass.

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};

use super::{Outcome, Quantity, Reason, Subject, problem::Problem};
use crate::{Policy, Severity, StreamName};

/// One reason why a gate does not pass: what was found, what the rule allows, and the rule.
///
/// `Display` writes one line, in which control characters and marks of the direction of text are escaped. Serializes as `outcome`, `reason`, `rule` (`index`,
/// `name` if it has one, `text`), `message`, and where they apply `stream`, `severity`, `at_least`,
/// `unrecognized_severity`, `policy` (`id`, `display_name`), `actual` and `allowed`. Fields may be added, but are never
/// renamed or removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub(super) rule: Arc<Label>,
    pub(super) problem: Problem,
}

/// The rule of a finding.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Label {
    pub(super) index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) text: String,
}

impl Label {
    /// Returns the name of the rule, or its text if it has none.
    pub(super) fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.text)
    }
}

impl Finding {
    /// Returns whether the rule is violated, or the gate could not tell.
    pub fn outcome(&self) -> Outcome {
        self.reason().outcome()
    }

    /// Returns the kind of the finding.
    pub fn reason(&self) -> Reason {
        self.problem.reason
    }

    /// Returns the stream, or `None` if the finding is about the whole snapshot.
    pub fn stream(&self) -> Option<&StreamName> {
        self.problem.stream.as_ref()
    }

    /// Returns the part of the stream that the finding is about, or `None` if it is about all of it.
    pub fn subject(&self) -> Option<&Subject> {
        self.problem.subject.as_ref()
    }

    /// Returns the severity, which is the least one for a rule about a severity and worse ones.
    pub fn severity(&self) -> Option<Severity> {
        match self.problem.subject {
            Some(Subject::AtLeast(severity) | Subject::Severity(severity)) => Some(severity),
            _ => None,
        }
    }

    /// Returns the policy.
    pub fn policy(&self) -> Option<&Policy> {
        match &self.problem.subject {
            Some(Subject::Policy(policy)) => Some(policy),
            _ => None,
        }
    }

    /// Returns what was found, if it is a number.
    pub fn actual(&self) -> Option<Quantity> {
        self.problem.actual
    }

    /// Returns the limit that the rule or the baseline sets, if it is a number.
    pub fn allowed(&self) -> Option<Quantity> {
        self.problem.allowed
    }

    /// Returns the name of the rule, or its text if it has none.
    pub fn rule(&self) -> &str {
        self.rule.shown()
    }

    /// Returns the index of the rule in [`Verdict::rules`](super::Verdict::rules).
    pub fn rule_index(&self) -> usize {
        self.rule.index
    }
}

/// Writes the line without the rule.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            outcome: Outcome,
            reason: Reason,
            rule: &'a Label,
            #[serde(skip_serializing_if = "Option::is_none")]
            stream: Option<&'a StreamName>,
            #[serde(flatten)]
            subject: Option<&'a Subject>,
            #[serde(skip_serializing_if = "Option::is_none")]
            actual: Option<Quantity>,
            #[serde(skip_serializing_if = "Option::is_none")]
            allowed: Option<Quantity>,
            message: String,
        }

        Wire {
            outcome: self.outcome(),
            reason: self.reason(),
            rule: &self.rule,
            stream: self.problem.stream.as_ref(),
            subject: self.problem.subject.as_ref(),
            actual: self.problem.actual,
            allowed: self.problem.allowed,
            message: self.to_string(),
        }
        .serialize(serializer)
    }
}
