//! Why something cannot be written.

use std::{fmt, io, sync::Arc};

use crate::{Format, Loss, MetricFamily, NameCollision, ParseError, error::shown};

/// The kind of an [`EncodeError`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum EncodeErrorKind {
    /// The families together break a rule of the format; the source of the error is the [`ParseError`] that a reader
    /// would get.
    BrokenRule,
    /// The name of a metric or a label is empty.
    EmptyName,
    /// Two names become the same by escaping. The error is that of a [`NameCollision`].
    NameCollision,
    /// The format cannot express it, such as an exemplar in Prometheus text. After [`transcode`](crate::transcode), the
    /// error has [`losses`](EncodeError::losses).
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
    #[error(transparent)]
    NameCollision(NameCollision),
    #[error("{subject} cannot be written as {format}: {what}")]
    NotExpressible {
        subject: String,
        format: Format,
        what: String,
    },
    #[error("{format} cannot express everything: {}", first_losses(losses))]
    Lossy { format: Format, losses: Vec<Loss> },
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
            Fault::NameCollision(_) => EncodeErrorKind::NameCollision,
            Fault::Lossy { .. } | Fault::NotExpressible { .. } => EncodeErrorKind::NotExpressible,
            Fault::Output(_) | Fault::Write(_) => EncodeErrorKind::Output,
        }
    }

    /// Returns everything that [`transcode_lossy`](crate::transcode_lossy) would lose, if that is why
    /// [`transcode`](crate::transcode) failed.
    pub fn losses(&self) -> &[Loss] {
        match &*self.0 {
            Fault::Lossy { losses, .. } => losses,
            _ => &[],
        }
    }

    pub(crate) fn lossy(format: Format, losses: Vec<Loss>) -> Self {
        Self(Box::new(Fault::Lossy { format, losses }))
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

/// Returns the first losses as one line, and how many there are more.
fn first_losses(losses: &[Loss]) -> String {
    const SHOWN: usize = 3;
    let first = losses.iter().take(SHOWN);
    let first: Vec<_> = first.map(ToString::to_string).collect();
    let first = first.join("; ");
    match losses.len().saturating_sub(SHOWN) {
        0 => first,
        rest => format!("{first}; and {rest} more"),
    }
}

impl From<NameCollision> for EncodeError {
    fn from(collision: NameCollision) -> Self {
        Self(Box::new(Fault::NameCollision(collision)))
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
