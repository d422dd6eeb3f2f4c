//! When counting began.

use crate::Timestamp;

/// When counting began, as a sample `_created` or a start timestamp says it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    /// Seconds since the Unix epoch, which may be any number.
    Seconds(f64),
    Timestamp(Timestamp),
}

impl Start {
    pub(super) fn seconds(self) -> f64 {
        match self {
            Self::Seconds(seconds) => seconds,
            Self::Timestamp(timestamp) => timestamp.to_seconds(),
        }
    }

    pub(super) fn timestamp(self) -> Option<Timestamp> {
        match self {
            Self::Seconds(seconds) => Timestamp::from_seconds(seconds),
            Self::Timestamp(timestamp) => Some(timestamp),
        }
    }
}
