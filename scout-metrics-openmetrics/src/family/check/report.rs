//! Reports of broken rules.

use std::mem;

use super::{
    Result,
    place::{Part, Place},
};
use crate::{Deviation, Mode, Rule, SampleRef, family::families::Deviations};

/// A rule that is broken and not forgiven.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    pub(crate) line: u64,
    /// The byte of the line, counted from 0.
    pub(crate) at: usize,
    pub(crate) message: String,
}

/// A receiver of reports about broken rules.
#[derive(Debug)]
pub(crate) struct Report {
    mode: Mode,
    deviations: Deviations,
    /// The line that is being read.
    pub(crate) line: u64,
}

impl Report {
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            mode,
            deviations: Deviations::default(),
            line: 0,
        }
    }

    /// Records that the line which is being read breaks a rule, or in strict mode fails.
    pub(crate) fn broken(&mut self, rule: Rule, message: impl FnOnce() -> String) -> Result {
        self.broken_at(Place::start_of(self.line), rule, message)
    }

    /// Records that a part of the sample which is being read breaks a rule, or in strict mode fails.
    pub(super) fn broken_in(
        &mut self,
        sample: SampleRef<'_, '_>,
        part: Part,
        rule: Rule,
        message: impl FnOnce() -> String,
    ) -> Result {
        self.broken_at(Place::of(sample, part, self.line), rule, message)
    }

    /// Does what [`refused_in`](Self::refused_in) does if lenient mode does not forgive the rule here, and otherwise what
    /// [`broken_in`](Self::broken_in) does.
    pub(super) fn broken_or_refused(
        &mut self,
        is_refused: bool,
        sample: SampleRef<'_, '_>,
        part: Part,
        rule: Rule,
        message: impl FnOnce() -> String,
    ) -> Result {
        match is_refused {
            true => self.refused_in(sample, part, rule, message),
            false => self.broken_in(sample, part, rule, message),
        }
    }

    /// Fails because a part of the sample which is being read breaks a rule that no mode forgives.
    pub(super) fn refused_in(
        &self,
        sample: SampleRef<'_, '_>,
        part: Part,
        rule: Rule,
        message: impl FnOnce() -> String,
    ) -> Result {
        Err(self.violation(sample, part, rule, message()))
    }

    /// Describes a rule that a part of the sample which is being read breaks.
    pub(crate) fn violation(
        &self,
        sample: SampleRef<'_, '_>,
        part: Part,
        rule: Rule,
        message: String,
    ) -> Violation {
        let Place { line, at, .. } = Place::of(sample, part, self.line);
        Violation {
            rule,
            line,
            at,
            message,
        }
    }

    /// Records that a rule is broken in a line that has been read, or in strict mode fails.
    pub(super) fn broken_at(
        &mut self,
        place: Place,
        rule: Rule,
        message: impl FnOnce() -> String,
    ) -> Result {
        match self.mode {
            Mode::Lenient => {
                let Place { line, at, column } = place;
                self.deviations.push(|| match line {
                    0 => Deviation::in_bytes(rule, message(), at),
                    _ => Deviation::at(rule, message(), line, column),
                });
                Ok(())
            }
            Mode::Strict => Err(Violation {
                rule,
                line: place.line,
                at: place.at,
                message: message(),
            }),
        }
    }

    pub(crate) fn extend(&mut self, deviations: &[Deviation]) {
        self.deviations.extend(deviations);
    }

    /// Returns the deviations in the order of their lines.
    pub(crate) fn take_deviations(&mut self) -> Deviations {
        let mut deviations = mem::take(&mut self.deviations);
        deviations.sort();
        deviations
    }
}
