//! The queries, in the part of PromQL that Prometheus, Thanos, Mimir and VictoriaMetrics share.

use std::fmt::Write;

use scout_metrics_openmetrics::scout::{
    POLICY_COMPLIANT_IMAGES, POLICY_EVALUATED_IMAGES, STREAM_EMPTY, STREAM_VULNERABILITIES,
};

/// The families of a snapshot, in the order in which an exposition has them.
pub(super) const FAMILIES: [&str; 4] = [
    STREAM_VULNERABILITIES,
    POLICY_COMPLIANT_IMAGES,
    POLICY_EVALUATED_IMAGES,
    STREAM_EMPTY,
];

/// The part of a selector between braces: labels and the values that they must have.
#[derive(Clone, Debug, Default)]
pub(super) struct Matchers(String);

impl Matchers {
    #[must_use]
    pub(super) fn with(mut self, label: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(label);
        self.0.push('=');
        push_quoted(&mut self.0, value);
        self
    }

    /// Returns the selector of a family.
    pub(super) fn selector(&self, family: &str) -> String {
        format!("{family}{{{}}}", self.0)
    }

    /// Returns a query for the samples of the last scrape before each time of evaluation, and for the time of that scrape
    /// as a series without labels.
    ///
    /// A selector alone also returns series that the last scrape no longer had, if the server has no staleness marker for
    /// them.
    pub(super) fn last_scrape(&self, family: &str) -> String {
        let all = self.selector(family);
        let last = format!("max(timestamp({all}))");
        format!("({all} and timestamp({all}) == scalar({last})) or {last}")
    }

    /// Returns a query for all samples of a family in a window that ends at the time of evaluation.
    pub(super) fn samples(&self, family: &str, milliseconds: i64) -> String {
        format!("{}[{milliseconds}ms]", self.selector(family))
    }

    /// Returns a query for the number of samples of all families in a window that ends at the time of evaluation.
    pub(super) fn count(&self, milliseconds: i64) -> String {
        // A function drops the name of the metric, without which two families have the same labels.
        let counts = FAMILIES.map(|family| {
            let count = format!("count_over_time({})", self.samples(family, milliseconds));
            format!("label_replace({count},\"family\",\"{family}\",\"\",\"\")")
        });
        format!("sum({})", counts.join(" or "))
    }
}

/// Appends a string literal. Prometheus and VictoriaMetrics read it with the rules of Go.
fn push_quoted(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            // Writing to a string does not fail.
            c if c.is_control() => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Returns whether a label can be named in a selector without quotes.
pub(super) fn is_label(name: &str) -> bool {
    let is_start = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let is_rest = |b: u8| is_start(b) || b.is_ascii_digit();
    name.bytes().next().is_some_and(is_start) && name.bytes().all(is_rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_quotes() {
        let matchers = Matchers::default()
            .with("org", "acme")
            .with("job", "\"} or vector(0) # \\\n\u{1}\u{85}é");
        assert_eq!(
            matchers.selector("m"),
            r#"m{org="acme",job="\"} or vector(0) # \\\n\u0001\u0085é"}"#
        );
    }

    #[test]
    fn a_label_is_plain() {
        for name in ["org", "_x", "A1_"] {
            assert!(is_label(name), "{name}");
        }
        for name in ["", "1a", "a-b", "a.b", "é", "a\"", "a b"] {
            assert!(!is_label(name), "{name}");
        }
    }
}
