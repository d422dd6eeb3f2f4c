//! Rules in a file: the tables.

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{
    Baseline, Gate, Rule,
    file_values::{Anomalies, Count, Names, Ratio, Tables, Time},
    rule::Allowed,
};
use crate::{PolicyId, Severity, StreamName};

/// Reads the form of a rules file, which the [module](super) describes.
impl<'de> Deserialize<'de> for Gate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = RulesFile::deserialize(deserializer)?;
        let age = file.max_age.map(|max| Rule::max_age(max.0));
        let vulnerabilities = file.vulnerabilities.0.into_iter().map(Rule::from);
        let compliance = file.compliance.0.into_iter().map(Rule::from);
        let no_worse = file.no_worse.0.into_iter().map(Rule::from);
        let rules = age.into_iter().chain(vulnerabilities).chain(compliance);
        Self::new(rules.chain(no_worse)).map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table of rules")]
struct RulesFile {
    max_age: Option<Time>,
    #[serde(default)]
    vulnerabilities: Tables<Vulnerabilities>,
    #[serde(default)]
    compliance: Tables<Compliance>,
    #[serde(default)]
    no_worse: Tables<NoWorse>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct RawVulnerabilities {
    name: Option<String>,
    #[serde(default)]
    stream: Names<StreamName>,
    severity: Option<Severity>,
    at_least: Option<Severity>,
    max: Count,
    #[serde(default)]
    allow_missing: bool,
    #[serde(default)]
    allow_anomalies: Anomalies,
}

#[derive(Deserialize)]
#[serde(try_from = "RawVulnerabilities")]
struct Vulnerabilities(Rule);

impl TryFrom<RawVulnerabilities> for Vulnerabilities {
    type Error = &'static str;

    fn try_from(table: RawVulnerabilities) -> Result<Self, Self::Error> {
        let rule = match (table.severity, table.at_least) {
            (Some(severity), None) => Rule::max(severity, table.max.0),
            (None, Some(severity)) => Rule::max_at_least(severity, table.max.0),
            _ => return Err("expected one of `severity` and `at_least`"),
        };
        Ok(Self(Rule {
            name: table.name,
            streams: table.stream.0,
            allowed: Allowed {
                missing: table.allow_missing,
                unevaluated: false,
                anomalies: table.allow_anomalies.kinds,
                deviations: table.allow_anomalies.deviations,
            },
            ..rule
        }))
    }
}

impl From<Vulnerabilities> for Rule {
    fn from(table: Vulnerabilities) -> Self {
        table.0
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct Compliance {
    name: Option<String>,
    #[serde(default)]
    stream: Names<StreamName>,
    #[serde(default)]
    policy: Names<PolicyId>,
    min: Ratio,
    #[serde(default)]
    allow_missing: bool,
    #[serde(default)]
    allow_unevaluated: bool,
    #[serde(default)]
    allow_anomalies: Anomalies,
}

impl From<Compliance> for Rule {
    fn from(table: Compliance) -> Self {
        Self {
            name: table.name,
            streams: table.stream.0,
            policies: table.policy.0,
            allowed: Allowed {
                missing: table.allow_missing,
                unevaluated: table.allow_unevaluated,
                anomalies: table.allow_anomalies.kinds,
                deviations: table.allow_anomalies.deviations,
            },
            ..Self::min_compliance(table.min.0)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
struct NoWorse {
    name: Option<String>,
    #[serde(default)]
    stream: Names<StreamName>,
    than: Time,
    tolerance: Option<Time>,
    at_least: Option<Severity>,
    #[serde(default)]
    allow_missing: bool,
    #[serde(default)]
    allow_unevaluated: bool,
    #[serde(default)]
    allow_anomalies: Anomalies,
}

impl From<NoWorse> for Rule {
    fn from(table: NoWorse) -> Self {
        let baseline = Baseline::ago(table.than.0);
        let baseline = match table.tolerance {
            Some(tolerance) => baseline.with_tolerance(tolerance.0),
            None => baseline,
        };
        Self {
            name: table.name,
            streams: table.stream.0,
            at_least: table.at_least,
            allowed: Allowed {
                missing: table.allow_missing,
                unevaluated: table.allow_unevaluated,
                anomalies: table.allow_anomalies.kinds,
                deviations: table.allow_anomalies.deviations,
            },
            ..Self::no_worse_than(baseline)
        }
    }
}
