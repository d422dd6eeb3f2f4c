//! [Workflow commands] of GitHub Actions.
//!
//! [Workflow commands]: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands

use std::fmt::Write;

use scout_metrics_core::gate::Outcome;
use scout_metrics_examples::terminal::printable;

use super::{
    location::Locations,
    report::{Checked, Report, shown},
};

pub(super) fn write(report: &Report, locations: &Locations) -> String {
    let mut text = String::new();
    for checked in &report.checked {
        organization(&mut text, checked, locations);
    }
    text
}

fn organization(text: &mut String, checked: &Checked, locations: &Locations) {
    let mut command = |outcome: Outcome, message: &str| {
        let title = property(&format!("{}: {outcome}", checked.organization));
        let file = locations.rules().map(property);
        let file = file.map_or(String::new(), |file| format!("file={file},"));
        // A check that could not tell is an error too: it must not be overlooked. Writing to a string does not fail.
        let _ = writeln!(text, "::error {file}title={title}::{}", data(message));
    };
    match &checked.verdict {
        Err(error) => command(Outcome::Untellable, &shown(error)),
        Ok(verdict) => {
            for finding in verdict.findings() {
                let message = format!("{finding} (rule: {})", printable(finding.rule()));
                command(finding.outcome(), &message);
            }
        }
    }
    let _ = writeln!(text, "{}", checked.summary());
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
