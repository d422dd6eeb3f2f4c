//! Sources that wrap other sources, one per file.

pub(crate) mod cache;
pub(crate) mod fallback;
pub(crate) mod merge;
pub(crate) mod observe;
pub(crate) mod timeout;

use crate::{Error, ErrorKind};

/// Returns whether data from elsewhere may stand in for an answer that failed with this error.
///
/// Where access was denied, somebody has decided that the data shall not be read, or has to renew a credential. Data
/// from elsewhere would hide the one and work around the other.
pub(crate) fn may_be_covered(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unauthorized)
}
