//! The answer of a gate.

use std::{cmp::Reverse, fmt, sync::Arc, time::SystemTime};

use serde::{Serialize, Serializer};

use super::{Finding, Quantity, Subject, finding::Label};
use crate::{Organization, Snapshot, change::Rank, text::OneLine};

/// The outcome of a gate or of one of its rules.
///
/// `Violated` compares greatest and `Passed` least, so that the outcome of several is their maximum.
#[expect(
    clippy::exhaustive_enums,
    reason = "a gate passes, does not pass, or cannot tell"
)]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Outcome {
    /// The data shows that every requirement is met.
    Passed,
    /// The data does not show whether the requirements are met. Not a pass.
    Untellable,
    /// A requirement is not met.
    Violated,
}

impl Outcome {
    /// Returns the outcome in lower case, for JSON and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Untellable => "untellable",
            Self::Violated => "violated",
        }
    }
}

/// Writes the outcome for people: `passed`, `could not tell` or `violated`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Untellable => "could not tell",
            outcome => outcome.as_str(),
        })
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The answer of a [`Gate`](super::Gate) about a snapshot.
///
/// `Display` writes a line for the outcome and a line for each finding. Serializes as `organization`, `scraped_at`,
/// `outcome`, `rules` (each with `name` if it has one, `text` and `outcome`) and [`findings`](Finding). Fields may be added,
/// but are never renamed or removed.
#[must_use]
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    organization: Organization,
    scraped_at: SystemTime,
    rules: Vec<RuleVerdict>,
    findings: Vec<Finding>,
}

/// The outcome of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleVerdict {
    label: Arc<Label>,
    outcome: Outcome,
}

impl RuleVerdict {
    pub(super) fn new(label: Arc<Label>, findings: &[Finding]) -> Self {
        let outcome = findings.iter().map(Finding::outcome).max();
        Self {
            label,
            outcome: outcome.unwrap_or(Outcome::Passed),
        }
    }

    /// Returns the name of the rule, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.label.name.as_deref()
    }

    /// Returns the text of the rule.
    pub fn text(&self) -> &str {
        &self.label.text
    }

    /// Returns whether the rule passed.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
}

impl Verdict {
    /// Creates a verdict, and sorts the findings.
    pub(super) fn new(
        snapshot: &Snapshot,
        rules: Vec<RuleVerdict>,
        mut findings: Vec<Finding>,
    ) -> Self {
        findings.sort_by_cached_key(|finding| Reverse(importance(finding)));
        Self {
            organization: snapshot.organization().clone(),
            scraped_at: snapshot.scraped_at(),
            rules,
            findings,
        }
    }

    /// Returns the worst outcome of all rules.
    pub fn outcome(&self) -> Outcome {
        let outcomes = self.rules.iter().map(RuleVerdict::outcome);
        // A gate has at least one rule.
        outcomes.max().unwrap_or(Outcome::Untellable)
    }

    /// Returns whether every rule passed.
    pub fn is_passed(&self) -> bool {
        self.outcome() == Outcome::Passed
    }

    /// Returns the organization of the snapshot.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Returns the time of the snapshot.
    pub fn scraped_at(&self) -> SystemTime {
        self.scraped_at
    }

    /// Returns the outcomes of the rules, in the order of the gate.
    pub fn rules(&self) -> &[RuleVerdict] {
        &self.rules
    }

    /// Returns all violations and everything that the gate could not tell, the most important first.
    ///
    /// Violations come first. Among them, vulnerabilities come by severity, with policies after those of high severity; of
    /// two with the same severity, the one that exceeds the limit by more comes first. Then comes what the gate could not
    /// tell: first what is about the whole snapshot, then what is about a stream.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

/// The importance of a finding: its outcome, whether it is about the whole snapshot, the rank of its subject, and by how
/// much it exceeds the limit.
fn importance(finding: &Finding) -> (Outcome, bool, Rank, u64) {
    let rank = match finding.subject() {
        Some(Subject::AtLeast(severity) | Subject::Severity(severity)) => (*severity).into(),
        Some(Subject::UnrecognizedSeverity(_)) => Rank::UnrecognizedSeverity,
        Some(Subject::Policy(_)) => Rank::Policy,
        None => Rank::Nothing,
    };
    let excess = match (finding.actual(), finding.allowed()) {
        (Some(Quantity::Count(actual)), Some(Quantity::Count(allowed))) => {
            actual.saturating_sub(allowed)
        }
        // Both are at most 1, or the finding is about more compliant than evaluated images.
        (Some(Quantity::Ratio(actual)), Some(Quantity::Ratio(allowed))) => {
            ((allowed - actual) * 1e6) as u64
        }
        _ => 0,
    };
    (finding.outcome(), finding.stream().is_none(), rank, excess)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = self.rules.iter().map(RuleVerdict::outcome);
        let passed = passed.filter(|outcome| *outcome == Outcome::Passed).count();
        let rules = match self.rules.len() {
            1 => "1 rule".to_owned(),
            rules => format!("{rules} rules"),
        };
        write!(
            f,
            "{}: {}, {passed} of {rules} passed",
            self.organization,
            self.outcome()
        )?;
        for finding in &self.findings {
            let rule = OneLine(finding.rule());
            write!(f, "\n{}: {finding} (rule: {rule})", finding.outcome())?;
        }
        Ok(())
    }
}

impl Serialize for RuleVerdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            #[serde(flatten)]
            label: &'a Label,
            outcome: Outcome,
        }

        Wire {
            label: &self.label,
            outcome: self.outcome,
        }
        .serialize(serializer)
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            organization: &'a Organization,
            #[serde(serialize_with = "crate::model::rfc3339::serialize")]
            scraped_at: SystemTime,
            outcome: Outcome,
            rules: &'a [RuleVerdict],
            findings: &'a [Finding],
        }

        Wire {
            organization: &self.organization,
            scraped_at: self.scraped_at,
            outcome: self.outcome(),
            rules: &self.rules,
            findings: &self.findings,
        }
        .serialize(serializer)
    }
}
