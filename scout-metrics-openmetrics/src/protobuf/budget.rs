//! The remaining bounds of an exposition.

use super::wire::Result;
use crate::{Limit, Limits, error::Fault};

/// The limits, and how much of them is used.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    families: usize,
    samples: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            families: 0,
            samples: 0,
        }
    }

    pub(super) fn add_family(&mut self, at: usize) -> Result<()> {
        self.families += 1;
        check(self.families, self.limits.families, Limit::Families, at)
    }

    #[inline]
    pub(super) fn add_samples(&mut self, count: usize, at: usize) -> Result<()> {
        self.samples = self.samples.saturating_add(count);
        check(self.samples, self.limits.samples, Limit::Samples, at)
    }

    #[inline]
    pub(super) fn check_name(&self, name: &str, at: usize) -> Result<()> {
        check(name.len(), self.limits.name_length, Limit::NameLength, at)
    }

    #[inline]
    pub(super) fn check_value(&self, value: &str, at: usize) -> Result<()> {
        check(
            value.len(),
            self.limits.value_length,
            Limit::ValueLength,
            at,
        )
    }

    #[inline]
    pub(super) fn check_labels(&self, count: usize, at: usize) -> Result<()> {
        check(count, self.limits.labels, Limit::Labels, at)
    }
}

#[inline]
fn check(value: usize, limit: usize, name: Limit, at: usize) -> Result<()> {
    if value <= limit {
        return Ok(());
    }
    Err(Fault::limit(at, name, limit))
}
