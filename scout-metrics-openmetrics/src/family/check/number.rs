//! The values that some samples have to have.

/// Returns whether a number is zero or positive, and so no NaN.
pub(super) fn is_natural(value: f64) -> bool {
    value >= 0.0
}

/// Returns whether a number is whole and not negative, and so not infinite.
pub(super) fn is_count(value: f64) -> bool {
    is_natural(value) && value.fract() == 0.0
}
