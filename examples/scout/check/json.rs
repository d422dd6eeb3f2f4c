//! Verdicts as JSON.

use serde::Serialize;

use scout_metrics_core::{
    Organization,
    gate::{Outcome, Verdict},
};

use super::report::{Checked, Report, shown};

#[derive(Serialize)]
struct Document<'a> {
    outcome: Outcome,
    verdicts: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'a> {
    Error {
        organization: &'a Organization,
        outcome: Outcome,
        error: String,
    },
    Verdict(&'a Verdict),
}

impl<'a> Entry<'a> {
    fn new(checked: &'a Checked) -> Self {
        match &checked.verdict {
            Ok(verdict) => Self::Verdict(verdict),
            Err(error) => Self::Error {
                organization: &checked.organization,
                outcome: checked.outcome(),
                error: shown(error),
            },
        }
    }
}

pub(super) fn write(report: &Report) -> serde_json::Result<String> {
    let document = Document {
        outcome: report.outcome(),
        verdicts: report.checked.iter().map(Entry::new).collect(),
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
