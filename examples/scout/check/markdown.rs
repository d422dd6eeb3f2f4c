//! Verdicts as tables in Markdown, for a comment or the summary of a job.

use std::fmt::Write;

use scout_metrics_core::gate::Outcome;

use super::{
    report::{Checked, Report, shown},
    text::name,
};

pub(super) fn write(report: &Report) -> String {
    let organizations = report.checked.iter().map(organization);
    organizations.collect::<Vec<_>>().join("\n")
}

fn organization(checked: &Checked) -> String {
    let mut text = format!("### {}\n\n", escape(&checked.summary()));
    let verdict = match &checked.verdict {
        Ok(verdict) => verdict,
        Err(error) => {
            text.push_str(&escape(&shown(error)));
            text.push('\n');
            return text;
        }
    };
    text.push_str("| outcome | finding | rule |\n|---|---|---|\n");
    let mut row = |outcome: Outcome, finding: &str, rule: &str| {
        let mark = match outcome {
            Outcome::Passed => "✅",
            Outcome::Untellable => "❔",
            Outcome::Violated => "❌",
        };
        let (finding, rule) = (escape(finding), escape(rule));
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {mark} {outcome} | {finding} | {rule} |");
    };
    for finding in verdict.findings() {
        row(finding.outcome(), &finding.to_string(), finding.rule());
    }
    let rules = verdict.rules().iter();
    for rule in rules.filter(|rule| rule.outcome() == Outcome::Passed) {
        row(Outcome::Passed, "", name(rule));
    }
    text
}

/// Returns a text that Markdown shows as it is, on one line: without formatting, links, cells and mentions of people.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let text = scout_metrics_examples::terminal::printable(text);
    for (place, c) in text.char_indices() {
        let (before, after) = (&text[..place], &text[place..]);
        let is_www =
            before.len() >= 3 && before.as_bytes()[place - 3..].eq_ignore_ascii_case(b"www");
        match c {
            '@' => escaped.push_str("&#64;"),
            // GitHub makes links of `https://...` and `www....`.
            ':' if after.starts_with("://") => escaped.push_str("&#58;"),
            '.' if is_www => escaped.push_str("&#46;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '!' | '&' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_no_links() {
        assert_eq!(
            escape("é https://a.example WWW.a.example a@b 0.9: x"),
            "é https&#58;//a.example WWW&#46;a.example a&#64;b 0.9: x"
        );
    }
}
