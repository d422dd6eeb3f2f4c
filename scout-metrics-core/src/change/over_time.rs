//! Changes over time.

use std::time::{Duration, SystemTime};

use super::Change;
use crate::{History, HistoryExt, Organization, Result, Snapshot};

/// The maximum by which the earlier snapshot may be older than requested.
const MAX_TOLERANCE: Duration = Duration::from_secs(24 * 60 * 60);

/// Two snapshots of an organization, the earlier and the later.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    before: Snapshot,
    after: Snapshot,
}

impl Comparison {
    /// Creates a comparison.
    pub fn new(before: Snapshot, after: Snapshot) -> Self {
        Self { before, after }
    }

    /// Returns the earlier snapshot.
    pub fn before(&self) -> &Snapshot {
        &self.before
    }

    /// Returns the later snapshot.
    pub fn after(&self) -> &Snapshot {
        &self.after
    }

    /// Returns what changed, as [`Snapshot::changes_since`] does.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.after.changes_since(&self.before)
    }
}

pub(crate) async fn compare<H: History + ?Sized>(
    history: &H,
    organization: &Organization,
    ago: Duration,
) -> Result<Option<Comparison>> {
    let Some(after) = history.latest(organization).await? else {
        return Ok(None);
    };
    let time = after
        .scraped_at()
        .checked_sub(ago)
        .unwrap_or(SystemTime::UNIX_EPOCH);
    let before = history
        .at(organization, time, ago.min(MAX_TOLERANCE))
        .await?;
    Ok(before.map(|before| Comparison::new(before, after)))
}
