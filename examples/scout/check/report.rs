//! The findings of a check about all organizations.

use scout_metrics_core::{
    Error, Organization,
    gate::{Finding, Outcome, Reason, Verdict},
};
use scout_metrics_examples::terminal::printable;

#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) checked: Vec<Checked>,
}

impl Report {
    /// Returns the worst outcome of all organizations.
    pub(super) fn outcome(&self) -> Outcome {
        let outcomes = self.checked.iter().map(Checked::outcome);
        // Nothing was checked, which is not a pass.
        outcomes.max().unwrap_or(Outcome::Untellable)
    }

    /// Returns what people can do about anomalies, if there are any.
    pub(super) fn advice(&self) -> Option<String> {
        let mut reasons = self.findings().map(|(_, finding)| finding.reason());
        let is_anomaly = reasons.any(|r| matches!(r, Reason::Anomaly | Reason::BaselineAnomaly));
        is_anomaly.then(|| {
            "note: the result depends on data that was not understood. If you have looked at an anomaly and it does not \
             matter, --allow-anomalies KIND, or allow_anomalies in a file with rules, ignores its kind, which is in parentheses"
                .to_owned()
        })
    }

    /// Returns all findings with their organizations.
    pub(super) fn findings(&self) -> impl Iterator<Item = (&Organization, &Finding)> {
        self.checked.iter().flat_map(|checked| {
            let findings = checked.verdict.iter().flat_map(Verdict::findings);
            findings.map(|finding| (&checked.organization, finding))
        })
    }
}

/// The findings of a check about one organization.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) organization: Organization,
    /// The verdict, or why there was no snapshot.
    pub(super) verdict: Result<Verdict, Error>,
}

impl Checked {
    pub(super) fn outcome(&self) -> Outcome {
        match &self.verdict {
            Ok(verdict) => verdict.outcome(),
            Err(_) => Outcome::Untellable,
        }
    }

    /// Returns one line such as `acme: violated, 1 of 3 rules passed`.
    pub(super) fn summary(&self) -> String {
        match &self.verdict {
            Ok(verdict) => {
                let verdict = verdict.to_string();
                verdict.lines().next().unwrap_or_default().to_owned()
            }
            Err(_) => format!("{}: {}", self.organization, self.outcome()),
        }
    }
}

/// Returns an error with its causes on one line, without what a terminal would act on.
pub(super) fn shown(error: &Error) -> String {
    printable(&error.chain().to_string())
}
