//! Changes as sentences.

use std::fmt;

use super::{Change, display::name};
use crate::{PolicyResult, text::OneLine};

impl Change {
    /// Returns a value whose `Display` writes one sentence, for messages to people.
    ///
    /// Control characters and marks of the direction of text are escaped.
    ///
    /// ```
    /// use scout_metrics_core::{Organization, Snapshot, Stream};
    ///
    /// let acme = Organization::new("acme")?;
    /// let before = Stream::new("production").with_vulnerabilities("5C 3H".parse()?);
    /// let after = Stream::new("production").with_vulnerabilities("4C 8H".parse()?);
    /// let before = Snapshot::new(acme.clone(), [before])?;
    /// let changes = Snapshot::new(acme, [after])?.changes_since(&before);
    ///
    /// let sentences: Vec<String> = changes.iter().map(|change| change.sentence().to_string()).collect();
    /// assert_eq!(
    ///     sentences,
    ///     [
    ///         "Stream production has 4 CRITICAL vulnerabilities, 1 fewer than before.",
    ///         "Stream production has 8 HIGH vulnerabilities, 5 more than before.",
    ///     ]
    /// );
    /// # Ok::<(), scout_metrics_core::Error>(())
    /// ```
    pub fn sentence(&self) -> impl fmt::Display + '_ {
        Sentence(self)
    }
}

struct Sentence<'a>(&'a Change);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = OneLine(self.0.stream());
        match self.0 {
            Change::PolicyAdded { after, .. } => write!(
                f,
                "Policy {} is new in stream {stream}; {}.",
                name(after),
                Complying(after)
            ),
            Change::PolicyChanged { before, after, .. } => {
                write!(f, "Policy {} in stream {stream}: ", name(after))?;
                write!(f, "{}, before {}.", Complying(after), Ratio(before))
            }
            Change::PolicyRemoved { before, .. } => {
                write!(
                    f,
                    "Policy {} is no longer reported for stream {stream}.",
                    name(before)
                )
            }
            Change::StreamAdded { after, .. } => {
                write!(
                    f,
                    "Stream {stream} is new and has {}.",
                    after.vulnerabilities()
                )
            }
            Change::StreamRemoved { .. } => write!(f, "Stream {stream} is no longer reported."),
            Change::UnrecognizedSeverityChanged {
                severity,
                before,
                after,
                ..
            } => write_counts(f, &stream, OneLine(severity), *before, *after),
            Change::VulnerabilitiesChanged {
                severity,
                before,
                after,
                ..
            } => write_counts(f, &stream, severity, *before, *after),
        }
    }
}

fn write_counts(
    f: &mut fmt::Formatter<'_>,
    stream: impl fmt::Display,
    severity: impl fmt::Display,
    before: Option<u64>,
    after: Option<u64>,
) -> fmt::Result {
    let Some(after) = after else {
        return write!(
            f,
            "{severity} vulnerabilities are no longer reported for stream {stream}."
        );
    };
    let noun = if after == 1 {
        "vulnerability"
    } else {
        "vulnerabilities"
    };
    write!(f, "Stream {stream} has {after} {severity} {noun}, ")?;
    match before {
        None => f.write_str("not reported before."),
        Some(before) if after > before => write!(f, "{} more than before.", after - before),
        Some(before) => write!(f, "{} fewer than before.", before - after),
    }
}

/// Displays how many images comply with a policy.
struct Complying<'a>(&'a PolicyResult);

impl fmt::Display for Complying<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.0.evaluated() == 1 {
            "image complies"
        } else {
            "images comply"
        };
        write!(f, "{} {verb}", Ratio(self.0))
    }
}

struct Ratio<'a>(&'a PolicyResult);

impl fmt::Display for Ratio<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.0.compliant(), self.0.evaluated())
    }
}
