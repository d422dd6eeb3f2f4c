//! Why something cannot be written.

use std::{fmt, io, sync::Arc};

use crate::{Format, MetricFamily, ParseError, error::shown};

/// The kind of an [`EncodeError`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum EncodeErrorKind {
    /// The families together break a rule of the format; the source of the error is the [`ParseError`] that a reader
    /// would get.
    BrokenRule,
    /// The name of a metric or a label is empty.
    EmptyName,
    /// The format cannot express it, such as an exemplar in Prometheus text.
    NotExpressible,
    /// The output accepts no more text; the source of the error is its [`fmt::Error`] or its [`io::Error`].
    Output,
}

/// Why something cannot be written.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct EncodeError(Box<Fault>);

#[derive(Clone, Debug, thiserror::Error)]
enum Fault {
    #[error("the families break a rule of the format")]
    BrokenRule(#[source] ParseError),
    #[error("the name of {0} is empty")]
    EmptyName(&'static str),
    #[error("{subject} cannot be written as {format}: {what}")]
    NotExpressible {
        subject: String,
        format: Format,
        what: String,
    },
    #[error("the output accepts no more text")]
    Output(#[source] fmt::Error),
    #[error("the output cannot be written")]
    Write(#[source] Arc<io::Error>),
}

impl EncodeError {
    /// Returns the kind.
    pub fn kind(&self) -> EncodeErrorKind {
        match *self.0 {
            Fault::BrokenRule(_) => EncodeErrorKind::BrokenRule,
            Fault::EmptyName(_) => EncodeErrorKind::EmptyName,
            Fault::NotExpressible { .. } => EncodeErrorKind::NotExpressible,
            Fault::Output(_) | Fault::Write(_) => EncodeErrorKind::Output,
        }
    }

    pub(crate) fn broken_rule(error: ParseError) -> Self {
        Self(Box::new(Fault::BrokenRule(error)))
    }

    pub(crate) fn empty_name(what: &'static str) -> Self {
        Self(Box::new(Fault::EmptyName(what)))
    }

    pub(crate) fn not_expressible(subject: &str, format: Format, what: impl Into<String>) -> Self {
        Self(Box::new(Fault::NotExpressible {
            subject: subject.to_owned(),
            format,
            what: what.into(),
        }))
    }

    /// Names the family that cannot be expressed.
    pub(crate) fn with_family(mut self, family: &MetricFamily) -> Self {
        if let Fault::NotExpressible { subject, .. } = &mut *self.0 {
            *subject = format!("the family `{}`", shown(family.name()));
        }
        self
    }
}

impl From<fmt::Error> for EncodeError {
    fn from(error: fmt::Error) -> Self {
        Self(Box::new(Fault::Output(error)))
    }
}

impl From<io::Error> for EncodeError {
    fn from(error: io::Error) -> Self {
        Self(Box::new(Fault::Write(Arc::new(error))))
    }
}

/// Keeps the kind of an output's error. All others are of the kind [`InvalidInput`](io::ErrorKind::InvalidInput).
impl From<EncodeError> for io::Error {
    fn from(error: EncodeError) -> Self {
        let kind = match &*error.0 {
            Fault::Write(error) => error.kind(),
            Fault::Output(_) => io::ErrorKind::Other,
            _ => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_word() {
        assert_eq!(size_of::<EncodeError>(), size_of::<usize>());
    }
}
