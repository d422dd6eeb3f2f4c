//! A finding without its rule.

use std::fmt;

use super::{Quantity, Reason, Subject};
use crate::{StreamName, text::OneLine};

/// A problem that a rule found, without the rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) reason: Reason,
    pub(super) stream: Option<StreamName>,
    pub(super) subject: Option<Subject>,
    pub(super) actual: Option<Quantity>,
    pub(super) allowed: Option<Quantity>,
    detail: Option<String>,
}

impl Problem {
    /// Creates a problem of the whole snapshot.
    pub(super) fn new(reason: Reason) -> Self {
        Self {
            reason,
            stream: None,
            subject: None,
            actual: None,
            allowed: None,
            detail: None,
        }
    }

    /// Creates a problem of a stream.
    pub(super) fn of(stream: &StreamName, reason: Reason) -> Self {
        Self {
            stream: Some(stream.clone()),
            ..Self::new(reason)
        }
    }

    pub(super) fn about(self, subject: Subject) -> Self {
        Self {
            subject: Some(subject),
            ..self
        }
    }

    pub(super) fn actual(self, actual: Quantity) -> Self {
        Self {
            actual: Some(actual),
            ..self
        }
    }

    pub(super) fn allowed(self, allowed: Quantity) -> Self {
        Self {
            allowed: Some(allowed),
            ..self
        }
    }

    pub(super) fn detail(self, detail: String) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }
}

/// Writes one line, in which control characters and marks of the direction of text are escaped.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(stream) = &self.stream {
            write!(f, "{}: ", OneLine(stream))?;
        }
        let detail = OneLine(self.detail.as_deref().unwrap_or_default());
        let actual = Shown(self.actual);
        let allowed = Shown(self.allowed);
        let subject = Shown(self.subject.as_ref());
        match self.reason {
            Reason::Anomaly => write!(f, "anomaly: {detail}"),
            Reason::BaselineAnomaly => write!(f, "anomaly in the baseline: {detail}"),
            Reason::BaselineIncomplete => match &self.subject {
                None => f.write_str("not in the baseline"),
                Some(subject) => write!(f, "{subject} is not in the baseline"),
            },
            Reason::BaselineMissing => write!(f, "no baseline: {detail}"),
            Reason::BaselineUnreadable => write!(f, "cannot read the baseline: {detail}"),
            Reason::FromFuture => f.write_str("the snapshot was scraped in the future"),
            Reason::NoPolicies => f.write_str("no policies were reported"),
            Reason::NoStreams => f.write_str("no streams were reported"),
            Reason::NotEvaluated => write!(f, "no image was evaluated against {subject}"),
            Reason::PolicyMissing => write!(f, "{subject} was not reported"),
            Reason::SeverityMissing => write!(f, "{detail} not reported"),
            Reason::StreamMissing => f.write_str("the stream was not reported"),
            Reason::TooFewCompliant => {
                write!(f, "{subject} {detail}, at least {allowed} required")
            }
            Reason::TooManyVulnerabilities => {
                write!(f, "{subject} {actual}, at most {allowed} allowed")
            }
            Reason::TooOld => write!(
                f,
                "the snapshot is {actual} old, older than the limit of {allowed}"
            ),
            Reason::UnknownSeverity => write!(f, "{subject} {actual}, an unknown severity"),
            Reason::Worse if matches!(self.subject, Some(Subject::Policy(_))) => {
                write!(f, "{subject} {actual} violating, {allowed} in the baseline")
            }
            Reason::Worse => write!(f, "{subject} {actual}, {allowed} in the baseline"),
        }
    }
}

/// Displays a value that the reason of the finding comes with.
struct Shown<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => write!(f, "{value}"),
            None => Ok(()),
        }
    }
}
