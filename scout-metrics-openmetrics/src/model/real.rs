//! Floating-point numbers that can be compared.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};

/// A number that equals another if both read the same: NaN equals NaN, and 0 does not equal -0. NaN comes last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Real(pub(super) f64);

/// Returns the same NaN for all of them, because they are all written `NaN`.
pub(super) fn one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        one_nan(self.0).to_bits() == one_nan(other.0).to_bits()
    }
}

impl Eq for Real {}

impl Hash for Real {
    fn hash<H: Hasher>(&self, state: &mut H) {
        one_nan(self.0).to_bits().hash(state);
    }
}

impl Ord for Real {
    fn cmp(&self, other: &Self) -> Ordering {
        one_nan(self.0).total_cmp(&one_nan(other.0))
    }
}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
