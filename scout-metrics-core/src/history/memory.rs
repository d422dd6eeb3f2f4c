//! A history in memory.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::range_times;
use crate::{History, Organization, RecordHistory, Result, Snapshot};

/// A history in memory, for tests and for programs that need no history across restarts.
///
/// # Behaviour and defaults
///
/// - At most [744 snapshots](Self::DEFAULT_CAPACITY) of each organization are kept, a month of hourly ones; when there
///   are more, the oldest are removed. See [`with_capacity`](Self::with_capacity).
/// - Times are kept exactly, and snapshots are shared, not copied.
/// - A clone shares the snapshots.
///
/// See [`History`] for an example.
#[derive(Clone)]
pub struct MemoryHistory {
    capacity: usize,
    organizations: Arc<Mutex<BTreeMap<Organization, ByTime>>>,
}

type ByTime = BTreeMap<SystemTime, Snapshot>;

impl MemoryHistory {
    /// The default number of snapshots kept of each organization: 31 days of 24 hours.
    pub const DEFAULT_CAPACITY: usize = 744;

    /// Creates an empty history.
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }

    /// Creates an empty history that keeps at most this number of snapshots of each organization.
    pub fn with_capacity(snapshots: usize) -> Self {
        Self {
            capacity: snapshots,
            organizations: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Organization, ByTime>> {
        // Each change is made by one call of a map, so a panic elsewhere leaves nothing half done.
        self.organizations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryHistory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryHistory")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for MemoryHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryHistory")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl History for MemoryHistory {
    async fn organizations(&self) -> Result<Vec<Organization>> {
        Ok(self.lock().keys().cloned().collect())
    }

    async fn at(
        &self,
        organization: &Organization,
        time: SystemTime,
        tolerance: Duration,
    ) -> Result<Option<Snapshot>> {
        let organizations = self.lock();
        let last = organizations
            .get(organization)
            .and_then(|by_time| by_time.range(..=time).next_back());
        let is_young = |scraped_at: SystemTime| {
            time.duration_since(scraped_at)
                .is_ok_and(|age| age <= tolerance)
        };
        Ok(last
            .filter(|(scraped_at, _)| is_young(**scraped_at))
            .map(|(_, snapshot)| snapshot.clone()))
    }

    async fn range(
        &self,
        organization: &Organization,
        start: SystemTime,
        end: SystemTime,
        step: Duration,
    ) -> Result<Vec<Snapshot>> {
        let times = range_times(start, end, step)?;
        let organizations = self.lock();
        let Some(by_time) = organizations.get(organization) else {
            return Ok(Vec::new());
        };
        let last_within_step = |time: SystemTime| {
            let after = time
                .checked_sub(step)
                .map_or(Bound::Unbounded, Bound::Excluded);
            by_time.range((after, Bound::Included(time))).next_back()
        };
        let found = times.into_iter().filter_map(last_within_step);
        Ok(found.map(|(_, snapshot)| snapshot.clone()).collect())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl RecordHistory for MemoryHistory {
    async fn record(&self, snapshot: &Snapshot) -> Result<()> {
        if self.capacity == 0 {
            return Ok(());
        }
        let mut organizations = self.lock();
        let by_time = organizations
            .entry(snapshot.organization().clone())
            .or_default();
        by_time.insert(snapshot.scraped_at(), snapshot.clone());
        if by_time.len() > self.capacity {
            by_time.pop_first();
        }
        Ok(())
    }

    async fn prune(&self, before: SystemTime) -> Result<u64> {
        let mut removed = 0;
        self.lock().retain(|_, by_time| {
            let kept = by_time.split_off(&before);
            removed += by_time.len() as u64;
            *by_time = kept;
            !by_time.is_empty()
        });
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        HistoryExt,
        testing::{acme, seconds, snapshot},
    };

    #[tokio::test]
    async fn the_oldest_are_removed_when_there_are_too_many() {
        let history = MemoryHistory::with_capacity(2);
        let at = |n| SystemTime::UNIX_EPOCH + seconds(n);
        for n in [3, 1, 2] {
            let snapshot = snapshot("a").with_scraped_at(at(n));
            history.record(&snapshot).await.unwrap();
        }
        assert!(
            history
                .at(&acme(), at(1), seconds(9))
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(history.prune(at(10)).await.unwrap(), 2);
        assert!(history.latest(&acme()).await.unwrap().is_none());
    }
}
