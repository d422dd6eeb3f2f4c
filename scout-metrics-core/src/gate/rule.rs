//! The rules of a gate.

use std::{fmt, time::Duration};

use super::Baseline;
use crate::{
    Anomaly, AnomalyKind, PolicyId, Severity, StreamName,
    text::{Names, Percent, Rounded},
};

/// A rule of a [`Gate`](super::Gate).
///
/// The crate `scout-metrics-openmetrics` has a `Rule` too, which is one of a format. Where both are needed, import one of them
/// with another name, as in `use scout_metrics_openmetrics::Rule as FormatRule`.
///
/// Without [`with_stream`](Self::with_stream) a rule is about every stream of the snapshot. Such a rule cannot notice that
/// a stream has disappeared, but a rule that names the stream does, and so does [`no_worse_than`](Self::no_worse_than).
///
/// # Missing and doubtful data
///
/// A rule passes only if the data shows it. If a stream, severity or policy is missing, if nothing was evaluated against a
/// policy, or if the snapshot has an [anomaly](crate::Anomaly) in what the rule reads, the verdict is that the gate could
/// not tell. The methods with `allowed` in their names relax this for one rule.
///
/// ```
/// use scout_metrics_core::{AnomalyKind, Severity, gate::Rule};
///
/// let rule = Rule::max_at_least(Severity::High, 3)
///     .with_stream("production")
///     .with_anomaly_allowed(AnomalyKind::Deviation);
/// assert_eq!(rule.to_string(), "at most 3 HIGH or worse in production");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub(super) requirement: Requirement,
    pub(super) name: Option<String>,
    /// Every stream if there is none.
    pub(super) streams: Vec<StreamName>,
    /// Every policy if there is none.
    pub(super) policies: Vec<PolicyId>,
    /// Every severity if there is none.
    pub(super) at_least: Option<Severity>,
    pub(super) allowed: Allowed,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Requirement {
    MaxAge(Duration),
    MaxVulnerabilities(Severities, u64),
    MinCompliance(f64),
    NoWorse(Baseline),
}

/// The severities that a rule counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Severities {
    AtLeast(Severity),
    Only(Severity),
}

impl Severities {
    pub(super) fn contains(self, severity: Severity) -> bool {
        match self {
            Self::AtLeast(least) => severity >= least,
            Self::Only(only) => severity == only,
        }
    }
}

/// The gaps in the data that a rule lets pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Allowed {
    pub(super) missing: bool,
    pub(super) unevaluated: bool,
    pub(super) anomalies: Vec<AnomalyKind>,
    pub(super) deviations: Vec<String>,
}

impl Allowed {
    pub(super) fn has(&self, kind: AnomalyKind) -> bool {
        self.anomalies.contains(&kind)
    }

    pub(super) fn has_anomaly(&self, anomaly: &Anomaly) -> bool {
        let mut rules = self.deviations.iter();
        let is_known = |rule: &str| rules.any(|known| known == rule);
        self.has(anomaly.kind()) || anomaly.rule().is_some_and(is_known)
    }
}

impl Rule {
    /// Allows at most `max` vulnerabilities of a severity in each stream.
    pub fn max(severity: Severity, max: u64) -> Self {
        Self::new(Requirement::MaxVulnerabilities(
            Severities::Only(severity),
            max,
        ))
    }

    /// Allows at most `max` vulnerabilities of a severity and worse ones, taken together, in each stream.
    pub fn max_at_least(severity: Severity, max: u64) -> Self {
        Self::new(Requirement::MaxVulnerabilities(
            Severities::AtLeast(severity),
            max,
        ))
    }

    /// Requires that at least this part of the evaluated images of each stream complies with each policy: 0.9 for 90 %.
    ///
    /// [`Gate::new`](super::Gate::new) refuses a number that is not from 0 to 1.
    pub fn min_compliance(min: f64) -> Self {
        Self::new(Requirement::MinCompliance(min))
    }

    /// Requires that every evaluated image complies with each policy.
    pub fn all_policies_pass() -> Self {
        Self::min_compliance(1.0)
    }

    /// Requires that no stream has more vulnerabilities of a severity, or more images that violate a policy, than in a
    /// baseline.
    ///
    /// The baseline is a snapshot, or a duration before the snapshot that is checked:
    /// [`Gate::check_with`](super::Gate::check_with) finds that one in a history. `None` is a baseline that is missing,
    /// with which the gate cannot tell.
    ///
    /// A stream, severity or policy of the baseline that is now missing makes the verdict "could not tell". So does
    /// one that has vulnerabilities or violations now and is not in the baseline.
    pub fn no_worse_than(baseline: impl Into<Baseline>) -> Self {
        Self::new(Requirement::NoWorse(baseline.into()))
    }

    /// Requires a snapshot that is at most this old. An older one, or one from the future, is one from which the gate
    /// could not tell.
    pub fn max_age(max: Duration) -> Self {
        Self::new(Requirement::MaxAge(max))
    }

    fn new(requirement: Requirement) -> Self {
        Self {
            requirement,
            name: None,
            streams: Vec::new(),
            policies: Vec::new(),
            at_least: None,
            allowed: Allowed::default(),
        }
    }

    /// Sets a name, which findings show in place of the text of the rule.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a stream. The default is every stream of the snapshot.
    #[must_use]
    pub fn with_stream(mut self, stream: impl Into<StreamName>) -> Self {
        self.streams.push(stream.into());
        self
    }

    /// Adds streams. Without any, the rule is about every stream of the snapshot.
    #[must_use]
    pub fn with_streams(
        mut self,
        streams: impl IntoIterator<Item = impl Into<StreamName>>,
    ) -> Self {
        self.streams.extend(streams.into_iter().map(Into::into));
        self
    }

    /// Adds a policy to a rule about compliance, by its identifier. The default is every policy that a stream has.
    ///
    /// Names of policies change, identifiers do not. [`Gate::new`](super::Gate::new) refuses other rules with a policy.
    #[must_use]
    pub fn with_policy(mut self, policy: impl Into<PolicyId>) -> Self {
        self.policies.push(policy.into());
        self
    }

    /// Limits a comparison with a baseline to a severity and worse ones. The default is every severity.
    ///
    /// [`Gate::new`](super::Gate::new) refuses other rules with this limit.
    #[must_use]
    pub fn with_at_least(mut self, severity: Severity) -> Self {
        self.at_least = Some(severity);
        self
    }

    /// Lets missing data pass: streams, severities and policies that were not reported, and a missing baseline.
    #[must_use]
    pub fn with_missing_allowed(mut self) -> Self {
        self.allowed.missing = true;
        self
    }

    /// Lets policies pass against which no image was evaluated. [`Rule::no_worse_than`] requires images only for policies
    /// that had some in the baseline.
    #[must_use]
    pub fn with_unevaluated_allowed(mut self) -> Self {
        self.allowed.unevaluated = true;
        self
    }

    /// Ignores anomalies of a kind, both in the snapshot and in the baseline.
    #[must_use]
    pub fn with_anomaly_allowed(mut self, kind: AnomalyKind) -> Self {
        self.allowed.anomalies.push(kind);
        self
    }

    /// Ignores that a rule of the format is broken, given by its [name](Anomaly::rule), both in the snapshot and in the
    /// baseline.
    ///
    /// ```
    /// use scout_metrics_core::{
    ///     Anomaly, AnomalyKind, Organization, Severity, Snapshot, Stream,
    ///     gate::{Gate, Rule},
    /// };
    ///
    /// let late = Anomaly::new(AnomalyKind::Deviation, "HELP comes after samples").with_rule("late_metadata");
    /// let production = Stream::new("production").with_vulnerabilities("0C".parse()?);
    /// let snapshot = Snapshot::new(Organization::new("acme")?, [production])?.with_anomalies(vec![late]);
    ///
    /// let no_criticals = || Rule::max(Severity::Critical, 0);
    /// assert!(!Gate::new([no_criticals()])?.check(&snapshot).is_passed());
    /// let ignoring = no_criticals().with_deviation_allowed("late_metadata");
    /// assert!(Gate::new([ignoring])?.check(&snapshot).is_passed());
    /// # Ok::<(), scout_metrics_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_deviation_allowed(mut self, rule: impl Into<String>) -> Self {
        self.allowed.deviations.push(rule.into());
        self
    }

    /// Returns the name, if one was set.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns whether the rule is about a stream.
    pub(super) fn is_about(&self, stream: &str) -> bool {
        let mut streams = self.streams.iter();
        self.streams.is_empty() || streams.any(|name| name.as_str() == stream)
    }

    /// Returns the error in the rule, to continue "the rule ...: ".
    pub(super) fn find_error(&self) -> Option<&'static str> {
        let (is_compliance, is_age, is_no_worse) = match self.requirement {
            Requirement::MaxAge(_) => (false, true, false),
            Requirement::MaxVulnerabilities(..) => (false, false, false),
            Requirement::MinCompliance(min) if !(0.0..=1.0).contains(&min) => {
                return Some("the minimum compliance is not a number from 0 to 1");
            }
            Requirement::MinCompliance(_) => (true, false, false),
            Requirement::NoWorse(_) => (false, false, true),
        };
        let errors = [
            (
                !is_compliance && !self.policies.is_empty(),
                "only a rule about compliance can name a policy",
            ),
            (
                !is_no_worse && self.at_least.is_some(),
                "only a comparison with a baseline can be limited to severities",
            ),
            (
                is_age && !self.streams.is_empty(),
                "the age of a snapshot does not depend on a stream",
            ),
        ];
        let found = errors.into_iter().find(|(is_found, _)| *is_found);
        found.map(|(_, error)| error)
    }
}

/// Writes one line without the name, in which control characters and marks of the direction of text are escaped.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.requirement {
            Requirement::MaxAge(max) => return write!(f, "scraped at most {} ago", Rounded(*max)),
            Requirement::MaxVulnerabilities(severities, max) => {
                write!(f, "at most {max} {severities}")?;
            }
            Requirement::MinCompliance(min) => {
                let policies = Names(&self.policies, "every policy");
                let min = Percent(*min);
                write!(f, "at least {min} of the images comply with {policies}")?;
            }
            Requirement::NoWorse(baseline) => {
                write!(f, "no worse than {baseline}")?;
                if let Some(severity) = self.at_least {
                    write!(f, " from {severity} up")?;
                }
            }
        }
        write!(f, " in {}", Names(&self.streams, "every stream"))
    }
}

impl fmt::Display for Severities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(severity) => write!(f, "{severity} or worse"),
            Self::Only(severity) => write!(f, "{severity}"),
        }
    }
}
