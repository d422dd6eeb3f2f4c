//! The baseline with which a gate compares a snapshot.

use std::{fmt, time::Duration};

use crate::{
    Snapshot,
    text::{Rounded, Time},
};

/// An earlier snapshot to compare with, given or found in a history.
///
/// A [`Snapshot`], an `Option` of one, and a [`Duration`] (as [`ago`](Self::ago)) convert into a baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline(pub(super) Kind);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Ago {
        duration: Duration,
        tolerance: Duration,
    },
    Given(Option<Snapshot>),
}

impl Baseline {
    /// The default maximum of the tolerance: a day.
    pub const MAX_DEFAULT_TOLERANCE: Duration = Duration::from_secs(24 * 60 * 60);

    /// Creates a baseline that is searched for in a history: the last snapshot that is older than the checked one by at
    /// least this duration.
    ///
    /// It may be older by the tolerance, which by default is the same duration, but at most
    /// [a day](Self::MAX_DEFAULT_TOLERANCE).
    pub fn ago(duration: Duration) -> Self {
        Self(Kind::Ago {
            duration,
            tolerance: duration.min(Self::MAX_DEFAULT_TOLERANCE),
        })
    }

    /// Sets by how much a baseline from a history may be older than requested.
    #[must_use]
    pub fn with_tolerance(mut self, new: Duration) -> Self {
        if let Kind::Ago { tolerance, .. } = &mut self.0 {
            *tolerance = new;
        }
        self
    }
}

impl From<Duration> for Baseline {
    fn from(duration: Duration) -> Self {
        Self::ago(duration)
    }
}

impl From<Snapshot> for Baseline {
    fn from(snapshot: Snapshot) -> Self {
        Some(snapshot).into()
    }
}

impl From<Option<Snapshot>> for Baseline {
    fn from(snapshot: Option<Snapshot>) -> Self {
        Self(Kind::Given(snapshot))
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Ago { duration, .. } => write!(f, "{} ago", Rounded(*duration)),
            Kind::Given(None) => f.write_str("a baseline"),
            Kind::Given(Some(snapshot)) => write!(f, "at {}", Time(snapshot.scraped_at())),
        }
    }
}
