//! Gates, which decide whether a snapshot is good enough to go on.
//!
//! A [`Gate`] has [`Rule`]s. Its [`Verdict`] on a snapshot is passed, violated, or "could not tell", and lists a
//! [`Finding`] for everything that is wrong.
//!
//! ```
//! use std::time::Duration;
//!
//! use scout_metrics_core::{
//!     Organization, Severity, Snapshot, Stream,
//!     gate::{Gate, Outcome, Rule},
//! };
//!
//! let gate = Gate::new([
//!     Rule::max(Severity::Critical, 0).with_stream("production"),
//!     Rule::max_at_least(Severity::High, 10),
//!     Rule::max_age(Duration::from_secs(25 * 60 * 60)),
//! ])?;
//!
//! // Docker Scout did not report critical vulnerabilities, which does not mean that there are none.
//! let production = Stream::new("production").with_vulnerabilities("3H 6M 63L".parse()?);
//! let verdict = gate.check(&Snapshot::new(Organization::new("acme")?, [production])?);
//! assert_eq!(verdict.outcome(), Outcome::Untellable);
//! assert_eq!(
//!     verdict.to_string(),
//!     "acme: could not tell, 1 of 3 rules passed
//! could not tell: production: CRITICAL was not reported (rule: at most 0 CRITICAL in production)
//! could not tell: production: CRITICAL was not reported (rule: at most 10 HIGH or worse in every stream)"
//! );
//! # Ok::<(), scout_metrics_core::Error>(())
//! ```
//!
//! # A gate fails closed
//!
//! A gate passes only if the data shows that every rule is met. A stream, severity or policy that a rule names and that was
//! not reported, a policy against which nothing was evaluated, vulnerabilities of an unknown severity, an anomaly in what
//! a rule reads, an old snapshot, a missing baseline: with any of these, the gate could not tell. A rule can allow some of
//! them.
//!
//! A comparison with a baseline does not need more than the baseline has: a policy against which nothing was evaluated
//! then either is no worse now.
//!
//! An anomaly with a sample is about the stream, the severity and the policy that the labels of the sample name. If they
//! name no stream, it may be about any. An anomaly without a sample, such as a deviation from the format, may be about
//! everything. A sample of an unknown family concerns a gate only if its labels name a stream, and a severity or a policy.
//!
//! # Rules in a file
//!
//! `Gate::from_toml` (feature `toml`) reads the rules from TOML, and [`Gate`] implements `Deserialize` for other formats:
//!
//! ```toml
#![doc = include_str!("rules.toml")]
//! ```
//!
//! | key | of | description |
//! |---|---|---|
//! | `max_age` | the file | the greatest age of a snapshot, such as `25h` or `7d` |
//! | `name` | each rule | a name for messages; the default is a text of the rule |
//! | `stream` | each rule | a stream or an array of streams; the default is every stream |
//! | `severity`, `at_least` | `vulnerabilities` | the severity to count, or the least of those to count together |
//! | `max` | `vulnerabilities` | the greatest count |
//! | `policy` | `compliance` | the identifier of a policy or an array of them; the default is every policy |
//! | `min` | `compliance` | the smallest part of the images that comply, from 0 to 1 |
//! | `than` | `no_worse` | the age of the baseline, relative to the snapshot |
//! | `tolerance` | `no_worse` | by how much the baseline may be older; the default is the same time, but at most a day |
//! | `at_least` | `no_worse` | the least severity to compare; the default is every severity |
//! | `allow_missing` | each rule | whether data that is missing passes; the default is `false` |
//! | `allow_unevaluated` | `compliance`, `no_worse` | whether policies pass against which nothing was evaluated, for `no_worse` if something was in the baseline; the default is `false` |
//! | `allow_anomalies` | each rule | the [kinds](crate::AnomalyKind::as_str) of anomalies to ignore, as a finding about one shows them in parentheses; `deviation/NAME` is one broken [rule](crate::Anomaly::rule) of the format; the default is none |
//!
//! Unknown keys are errors, and severities are written as Docker Scout writes them, in upper case.

mod baseline;
mod check;
mod doubt;
mod file;
mod file_values;
mod finding;
mod problem;
mod reason;
mod rule;
mod subject;
#[cfg(feature = "toml")]
mod toml;
mod verdict;

pub use self::{
    baseline::Baseline,
    finding::Finding,
    reason::Reason,
    rule::Rule,
    subject::{Quantity, Subject},
    verdict::{Outcome, RuleVerdict, Verdict},
};
use self::{baseline::Kind, check::Found, rule::Requirement};
use crate::{
    Error, ErrorKind, History, Result, Snapshot,
    text::{Rounded, Time},
};

/// Rules that a snapshot must meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    rules: Vec<Rule>,
}

impl Gate {
    /// Creates a gate.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if there is no rule, because such a gate would always pass, or if a rule has an error: a
    /// minimum compliance that is not from 0 to 1, or a stream, policy or severity in a rule that has no use for it.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Result<Self> {
        let rules: Vec<Rule> = rules.into_iter().collect();
        let invalid = |message: String| Err(Error::new(ErrorKind::Config, message));
        if rules.is_empty() {
            return invalid("a gate needs at least one rule".to_owned());
        }
        for rule in &rules {
            if let Some(error) = rule.find_error() {
                return invalid(format!("invalid rule `{rule}`: {error}"));
            }
        }
        Ok(Self { rules })
    }

    /// Returns the rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Checks a snapshot.
    ///
    /// A rule whose baseline is in a history cannot be checked in this way, so the verdict on it is "could not tell"; see
    /// [`check_with`](Self::check_with).
    pub fn check(&self, snapshot: &Snapshot) -> Verdict {
        let given = self.rules.iter().map(|rule| {
            let no_history = || Found::Missing("no history was given to search".to_owned());
            given(rule).unwrap_or_else(|_| no_history())
        });
        check::check(snapshot, &self.rules, &given.collect::<Vec<_>>())
    }

    /// Checks a snapshot, and finds baselines in a history.
    ///
    /// A history that fails does not fail this call: the verdict is "could not tell", with the error.
    pub async fn check_with<H: History + ?Sized>(
        &self,
        snapshot: &Snapshot,
        history: &H,
    ) -> Verdict {
        let mut baselines = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            baselines.push(match given(rule) {
                Ok(given) => given,
                Err(ago) => find(ago, snapshot, history).await,
            });
        }
        check::check(snapshot, &self.rules, &baselines)
    }
}

/// A baseline that must be found in a history.
struct Ago {
    duration: std::time::Duration,
    tolerance: std::time::Duration,
}

/// Returns the baseline of a rule, unless it must be found in a history.
fn given(rule: &Rule) -> Result<Found, Ago> {
    let Requirement::NoWorse(baseline) = &rule.requirement else {
        return Ok(Found::NotNeeded);
    };
    match &baseline.0 {
        Kind::Given(Some(snapshot)) => Ok(Found::Snapshot(snapshot.clone())),
        Kind::Given(None) => Ok(Found::Missing("none was found".to_owned())),
        Kind::Ago {
            duration,
            tolerance,
        } => Err(Ago {
            duration: *duration,
            tolerance: *tolerance,
        }),
    }
}

async fn find<H: History + ?Sized>(ago: Ago, snapshot: &Snapshot, history: &H) -> Found {
    let Some(time) = snapshot.scraped_at().checked_sub(ago.duration) else {
        return Found::Missing("it would be too long ago to express as a time".to_owned());
    };
    let found = history
        .at(snapshot.organization(), time, ago.tolerance)
        .await;
    match found {
        Ok(Some(snapshot)) => Found::Snapshot(snapshot),
        Ok(None) => Found::Missing(format!(
            "the history has no snapshot in the {} up to {}",
            Rounded(ago.tolerance),
            Time(time)
        )),
        Err(error) => Found::Unreadable(error.chain().to_string()),
    }
}
