//! The values that some samples have to have, and how messages show values.

use std::fmt;

use crate::number::write_value;

/// Returns whether a number is zero or positive, and so no NaN.
pub(super) fn is_natural(value: f64) -> bool {
    value >= 0.0
}

/// Returns whether a number is whole and not negative, and so not infinite.
pub(super) fn is_count(value: f64) -> bool {
    is_natural(value) && value.fract() == 0.0
}

/// A value as the formats write it.
pub(super) struct Shown(pub(super) f64);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_value(f, self.0)
    }
}
