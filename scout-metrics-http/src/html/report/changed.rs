//! A change as a line of the report.

use scout_metrics_core::{Change, PolicyResult, chart::Escaped};

use crate::html::{Name, word};

/// A change, with names that cannot deceive.
pub(super) struct Changed<'a> {
    /// Whether it is worse, in a sign for those who do not see colour.
    pub(super) sign: char,
    pub(super) class: &'static str,
    pub(super) stream: Name<'a>,
    /// The changes, as HTML.
    pub(super) what: String,
}

impl<'a> Changed<'a> {
    pub(super) fn new(change: &'a Change) -> Self {
        let (sign, class) = match (change.is_worse(), is_better(change)) {
            (true, _) => ('▲', "up"),
            (_, true) => ('▼', "down"),
            _ => ('•', "same"),
        };
        Self {
            sign,
            class,
            stream: Name(change.stream().as_str()),
            what: what(change),
        }
    }
}

/// Returns whether there are fewer vulnerabilities, or fewer images that violate a policy. What is no longer reported is
/// not better.
fn is_better(change: &Change) -> bool {
    match change {
        Change::PolicyChanged { before, after, .. } => after.violating() < before.violating(),
        Change::UnrecognizedSeverityChanged { before, after, .. }
        | Change::VulnerabilitiesChanged { before, after, .. } => after.is_some() && after < before,
        _ => false,
    }
}

fn what(change: &Change) -> String {
    match change {
        Change::PolicyAdded { after, .. } => {
            format!(
                "<em>{}</em> is a new policy: {}",
                policy(after),
                complying(after)
            )
        }
        Change::PolicyChanged { before, after, .. } => {
            format!(
                "<em>{}</em>: {}, before {}",
                policy(after),
                complying(after),
                ratio(before)
            )
        }
        Change::PolicyRemoved { before, .. } => {
            format!("<em>{}</em> is no longer reported", policy(before))
        }
        Change::StreamAdded { after, .. } => {
            let counts = after.vulnerabilities().to_string();
            format!("is new: {}", Escaped::new(&counts))
        }
        Change::StreamRemoved { .. } => "is no longer reported".to_owned(),
        Change::UnrecognizedSeverityChanged {
            severity,
            before,
            after,
            ..
        } => format!("{} {}", Name(severity), counts(*before, *after)),
        Change::VulnerabilitiesChanged {
            severity,
            before,
            after,
            ..
        } => format!("{} {}", word(*severity), counts(*before, *after)),
        // A kind that this version does not know yet.
        _ => Escaped::new(&change.sentence().to_string()).to_string(),
    }
}

fn counts(before: Option<u64>, after: Option<u64>) -> String {
    let [before, after] = [before, after]
        .map(|count| count.map_or_else(|| "–".to_owned(), |count| count.to_string()));
    format!("{before} → {after}")
}

fn policy(result: &PolicyResult) -> Name<'_> {
    super::policies::policy_name(result)
}

fn complying(result: &PolicyResult) -> String {
    let verb = if result.evaluated() == 1 {
        "image complies"
    } else {
        "images comply"
    };
    format!("{} {verb}", ratio(result))
}

fn ratio(result: &PolicyResult) -> String {
    format!("{} of {}", result.compliant(), result.evaluated())
}
