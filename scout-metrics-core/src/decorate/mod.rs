//! Sources that wrap other sources, one per file.

pub(crate) mod cache;
pub(crate) mod fallback;
pub(crate) mod observe;
pub(crate) mod timeout;

use crate::Error;

/// Returns whether data from elsewhere may stand in for an answer that failed with this error.
pub(crate) fn may_be_covered(error: &Error) -> bool {
    !error.is_denied()
}
