//! A verdict for people.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use scout_metrics_core::gate::{Outcome, RuleVerdict};
use scout_metrics_examples::terminal::printable;

use super::report::{Checked, Report, shown};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

pub(super) fn write(report: &Report) -> String {
    let organizations = report.checked.iter().map(organization);
    organizations.collect::<Vec<_>>().join("\n")
}

fn organization(checked: &Checked) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#}\n", checked.summary());
    let mut line = |outcome, what: &str, rule: Option<&str>| {
        let (mark, style) = mark(outcome);
        let rule = rule.map(|rule| format!("  {DIM}({}){DIM:#}", printable(rule)));
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "  {style}{mark}{style:#} {what}{}",
            rule.unwrap_or_default()
        );
    };
    match &checked.verdict {
        Err(error) => line(Outcome::Untellable, &shown(error), None),
        Ok(verdict) => {
            for finding in verdict.findings() {
                line(
                    finding.outcome(),
                    &finding.to_string(),
                    Some(finding.rule()),
                );
            }
            let rules = verdict.rules().iter();
            for rule in rules.filter(|rule| rule.outcome() == Outcome::Passed) {
                line(Outcome::Passed, &printable(name(rule)), None);
            }
        }
    }
    text
}

/// Returns the name of a rule, or its text if it has none.
pub(super) fn name(rule: &RuleVerdict) -> &str {
    rule.name().unwrap_or(rule.text())
}

fn mark(outcome: Outcome) -> (char, Style) {
    match outcome {
        Outcome::Passed => ('✓', GREEN),
        Outcome::Untellable => ('?', YELLOW),
        Outcome::Violated => ('✗', RED),
    }
}
