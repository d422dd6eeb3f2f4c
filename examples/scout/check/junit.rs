//! JUnit XML, which most CI services read: a suite for each organization, a test for each rule.

use std::fmt::Write;

use jiff::Timestamp;

use scout_metrics_core::gate::{Finding, Outcome, Verdict};
use scout_metrics_examples::terminal::printable;

use super::{
    report::{Checked, Report, shown},
    text::name,
};

pub(super) fn write(report: &Report) -> String {
    let suites: Vec<Suite> = report.checked.iter().map(Suite::new).collect();
    let sum = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        r#"<testsuites name="scout" tests="{}" failures="{}" errors="{}">"#,
        sum(|suite| suite.tests.len()),
        sum(|suite| suite.count(Outcome::Violated)),
        sum(|suite| suite.count(Outcome::Untellable)),
    );
    for suite in &suites {
        suite.write(&mut text);
    }
    text.push_str("</testsuites>\n");
    text
}

struct Suite {
    name: String,
    /// The time of the snapshot, if there is one.
    time: Option<String>,
    tests: Vec<Test>,
}

struct Test {
    name: String,
    outcome: Outcome,
    kind: &'static str,
    /// The problems, the most important first.
    messages: Vec<String>,
}

impl Suite {
    fn new(checked: &Checked) -> Self {
        let name = checked.organization.to_string();
        match &checked.verdict {
            Ok(verdict) => Self {
                name,
                time: Timestamp::try_from(verdict.scraped_at())
                    .ok()
                    .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S").to_string()),
                tests: (0..verdict.rules().len())
                    .map(|rule| Test::new(verdict, rule))
                    .collect(),
            },
            Err(error) => Self {
                name,
                time: None,
                tests: vec![Test {
                    name: "snapshot".to_owned(),
                    outcome: Outcome::Untellable,
                    kind: "no_snapshot",
                    messages: vec![shown(error)],
                }],
            },
        }
    }

    fn count(&self, outcome: Outcome) -> usize {
        let tests = self.tests.iter();
        tests.filter(|test| test.outcome == outcome).count()
    }

    fn write(&self, text: &mut String) {
        let name = escape(&self.name);
        let time = self.time.as_ref();
        let _ = writeln!(
            text,
            r#"  <testsuite name="{name}" tests="{}" failures="{}" errors="{}" skipped="0"{}>"#,
            self.tests.len(),
            self.count(Outcome::Violated),
            self.count(Outcome::Untellable),
            time.map_or(String::new(), |time| format!(r#" timestamp="{time}""#)),
        );
        for test in &self.tests {
            test.write(text, &name);
        }
        text.push_str("  </testsuite>\n");
    }
}

impl Test {
    fn new(verdict: &Verdict, rule: usize) -> Self {
        let findings = verdict.findings().iter();
        let findings: Vec<&Finding> = findings
            .filter(|finding| finding.rule_index() == rule)
            .collect();
        let message = |finding: &&Finding| format!("{}: {finding}", finding.outcome());
        let rule = &verdict.rules()[rule];
        Self {
            name: printable(name(rule)),
            outcome: rule.outcome(),
            kind: findings
                .first()
                .map_or("", |finding| finding.reason().as_str()),
            messages: findings.iter().map(message).collect(),
        }
    }

    fn write(&self, text: &mut String, suite: &str) {
        let name = escape(&self.name);
        let _ = write!(text, r#"    <testcase classname="{suite}" name="{name}""#);
        let element = match self.outcome {
            Outcome::Passed => return text.push_str("/>\n"),
            Outcome::Untellable => "error",
            Outcome::Violated => "failure",
        };
        let kind = self.kind;
        let first = escape(self.messages.first().map_or("", String::as_str));
        let all = escape(&self.messages.join("\n"));
        let _ = writeln!(
            text,
            ">\n      <{element} type=\"{kind}\" message=\"{first}\">{all}</{element}>\n    </testcase>"
        );
    }
}

/// Escapes a text for an element or an attribute. Characters that XML cannot hold ([XML 1.0], 2.2) are replaced.
///
/// [XML 1.0]: https://www.w3.org/TR/xml/#charsets
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' => escaped.push('\n'),
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}
