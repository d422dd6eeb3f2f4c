//! The bar of severities with the counts below it.

use askama::{Template, filters::HtmlSafe};
use scout_metrics_core::{
    Severity, VulnerabilityCounts,
    chart::{SeverityBar, Short},
};

use super::Name;

/// The maximum number of unrecognized severities that are shown.
const MAX_OTHERS: usize = 3;

/// A bar by severity, and each count with the letter of its severity.
#[derive(Debug, Template)]
#[template(path = "html/severities.html")]
pub(crate) struct Severities<'a> {
    bar: SeverityBar,
    counts: [(&'static str, char, Option<Short>); Severity::ALL.len()],
    others: Vec<(Name<'a>, Short)>,
}

/// The template escapes what is in it.
impl HtmlSafe for Severities<'_> {}

impl<'a> Severities<'a> {
    /// Creates the view of counts.
    pub(crate) fn new(counts: &'a VulnerabilityCounts) -> Self {
        let count = |severity| {
            (
                word(severity),
                Severity::letter(severity),
                counts.get(severity).map(Short::new),
            )
        };
        let others = counts.unrecognized().take(MAX_OTHERS);
        Self {
            bar: SeverityBar::new(counts).decorative(),
            counts: Severity::ALL.map(count),
            others: others
                .map(|(name, count)| (Name(name), Short::new(count)))
                .collect(),
        }
    }
}

/// Returns the name of a severity in lower case, which is also its class.
pub(crate) const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Unspecified => "unspecified",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_count_has_its_letter_and_what_is_unknown_a_dash() {
        let counts: VulnerabilityCounts = "5C 1299H".parse().unwrap();
        let counts = counts.with_unrecognized("<b>", 2).unwrap();
        let html = Severities::new(&counts).to_string();
        for part in [
            r#"aria-hidden="true""#,
            r#"<span><abbr class="critical" title="critical">C</abbr> 5</span>"#,
            r#"<abbr class="high" title="high">H</abbr> 1.2k</span>"#,
            r#"<abbr class="low" title="low">L</abbr> –</span>"#,
            "<span><bdi>&lt;b&gt;</bdi> 2</span>",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
    }
}
