//! [SARIF 2.1.0], which code scanning services read: a run for each organization.
//!
//! [SARIF 2.1.0]: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

use serde_json::{Value, json};

use scout_metrics_core::{
    Organization,
    gate::{Finding, Outcome, Verdict},
};
use scout_metrics_examples::terminal::printable;

use super::{
    fingerprint::fingerprint,
    location::Locations,
    report::{Checked, Report, shown},
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(super) fn write(report: &Report, locations: &Locations) -> serde_json::Result<String> {
    let runs = report.checked.iter().map(|checked| run(checked, locations));
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": runs.collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string_pretty(&log)? + "\n")
}

fn run(checked: &Checked, locations: &Locations) -> Value {
    let organization = &checked.organization;
    let findings = match &checked.verdict {
        Ok(verdict) => Verdict::findings(verdict),
        Err(_) => &[],
    };
    // The kind of a finding is its rule here, because the text of a gate's rule changes with its limit.
    let mut kinds: Vec<&str> = findings
        .iter()
        .map(|finding| finding.reason().as_str())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    let results = findings.iter().map(|finding| {
        let index = kinds.binary_search(&finding.reason().as_str());
        result(organization, finding, index.unwrap_or_default(), locations)
    });
    let failures = checked
        .verdict
        .as_ref()
        .err()
        .map(|error| json!({ "level": "error", "message": { "text": shown(error) } }));
    let is_executed = failures.is_none();
    json!({
        "tool": { "driver": {
            "name": "scout",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": kinds.iter().map(|kind| rule(kind)).collect::<Vec<_>>(),
        } },
        // Uploads of several organizations do not replace each other.
        "automationDetails": { "id": format!("scout/{organization}/") },
        "invocations": [{
            "executionSuccessful": is_executed,
            "toolExecutionNotifications": failures.into_iter().collect::<Vec<_>>(),
        }],
        "results": results.collect::<Vec<_>>(),
    })
}

fn rule(kind: &str) -> Value {
    json!({ "id": kind, "shortDescription": { "text": kind.replace('_', " ") } })
}

fn result(
    organization: &Organization,
    finding: &Finding,
    rule_index: usize,
    locations: &Locations,
) -> Value {
    let level = match finding.outcome() {
        Outcome::Violated => "error",
        _ => "warning",
    };
    let rule = printable(finding.rule());
    let name = finding.stream().map_or_else(
        || organization.to_string(),
        |stream| format!("{organization}/{}", printable(stream.as_str())),
    );
    json!({
        "ruleId": finding.reason().as_str(),
        "ruleIndex": rule_index,
        "level": level,
        "message": { "text": format!("{finding} (rule: {rule})") },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": locations.uri(organization, finding) },
                "region": { "startLine": 1 },
            },
            "logicalLocations": [{ "fullyQualifiedName": name }],
        }],
        "partialFingerprints": { "scout/v1": fingerprint(organization, finding) },
    })
}
