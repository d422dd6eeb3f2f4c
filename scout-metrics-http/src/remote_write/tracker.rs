//! The series of one organization: which there are, and which have ended.

use std::{sync::Arc, time::SystemTime};

use scout_metrics_core::{Result, Snapshot};
use scout_metrics_openmetrics::scout;
use tokio::time::Instant;

use super::{
    batch::{Rows, Write},
    rising::RisingTimes,
    table::Table,
};

/// The label that names the organization.
pub(super) const ORGANIZATION: &str = "org";

/// Makes writes of the snapshots of one organization.
#[derive(Debug)]
pub(super) struct Tracker {
    group: usize,
    constant: Arc<[(String, String)]>,
    current: Option<(Snapshot, Arc<Table>)>,
    times: RisingTimes,
}

impl Tracker {
    pub(super) fn new(group: usize, constant: Arc<[(String, String)]>) -> Self {
        Self {
            group,
            constant,
            current: None,
            times: RisingTimes::default(),
        }
    }

    /// Returns whether the last writes were of this snapshot.
    pub(super) fn has_written(&self, snapshot: Option<&Snapshot>) -> bool {
        self.current.as_ref().map(|(written, _)| written) == snapshot
    }

    /// Returns the writes that replace what was written before by a snapshot, or by nothing if there is none: first the
    /// ends of series that it does not have.
    pub(super) fn write(
        &mut self,
        snapshot: Option<Snapshot>,
        time: SystemTime,
    ) -> Result<Vec<Write>> {
        let at = self.times.next(time);
        let Some(snapshot) = snapshot else {
            let ended = self.current.take();
            let ended = ended.map(|(_, table)| self.stale(table, &Table::default(), at));
            return Ok(ended.into_iter().flatten().collect());
        };
        let mut writes = Vec::new();
        let known = self.current.as_ref();
        let known = known.filter(|(known, _)| *known == snapshot);
        let (table, is_repeat) = match known {
            Some((_, table)) => (Arc::clone(table), true),
            None => {
                let table = Arc::new(table(&snapshot, &self.constant)?);
                let replaced = self.current.replace((snapshot, Arc::clone(&table)));
                if let Some((_, replaced)) = replaced {
                    writes.extend(self.stale(replaced, &table, at));
                }
                (table, false)
            }
        };
        writes.push(self.new_write(table, Rows::All, at, is_repeat));
        Ok(writes)
    }

    /// Returns the ends of the series that a table has and its successor has not.
    fn stale(&self, table: Arc<Table>, successor: &Table, at: i64) -> Option<Write> {
        let rows = table.rows_missing_in(successor);
        if rows.is_empty() {
            return None;
        }
        Some(self.new_write(table, Rows::Stale(rows.into()), at, true))
    }

    fn new_write(&self, table: Arc<Table>, rows: Rows, at: i64, is_repeat: bool) -> Write {
        Write {
            table,
            rows,
            at,
            group: self.group,
            queued: Instant::now(),
            is_repeat,
        }
    }
}

/// Returns the samples of a snapshot with the name of its organization and other constant labels.
pub(super) fn table(snapshot: &Snapshot, constant: &[(String, String)]) -> Result<Table> {
    let organization = (ORGANIZATION, snapshot.organization().as_str());
    let constant = constant.iter().map(|(name, value)| (&**name, &**value));
    let labels: Vec<_> = [organization].into_iter().chain(constant).collect();
    Table::new(&scout::families([(snapshot, &*labels)])?, &[])
}
