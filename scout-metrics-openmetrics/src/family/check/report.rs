//! Reports of broken rules.

use std::mem;

use super::Result;
use crate::{Deviation, Mode, Rule, family::families::Deviations};

/// A rule that is broken and not forgiven.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) rule: Rule,
    pub(crate) line: u64,
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
        self.broken_at(self.line, rule, message)
    }

    /// Records that a line before breaks a rule, or in strict mode fails.
    pub(super) fn broken_at(
        &mut self,
        line: u64,
        rule: Rule,
        message: impl FnOnce() -> String,
    ) -> Result {
        match self.mode {
            Mode::Lenient => {
                self.deviations.push(Deviation { rule, line });
                Ok(())
            }
            Mode::Strict => Err(Violation {
                rule,
                line,
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
