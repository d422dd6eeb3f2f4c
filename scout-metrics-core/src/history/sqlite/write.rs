//! Snapshots to rows.

use rusqlite::{
    CachedStatement, Connection, OptionalExtension, Transaction, TransactionBehavior::Immediate,
    params,
};

use super::{
    fault::Fault,
    series::{Digest, Entry, Value, entries},
    time,
};
use crate::{Anomaly, Organization, Snapshot};

/// Records a snapshot, or replaces the one with its time, wholly or not at all.
pub(super) fn record(connection: &mut Connection, snapshot: &Snapshot) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let time = time::millis(snapshot.scraped_at());
    let organization = organization_id(&transaction, snapshot.organization())?;
    let next = next_scrape(&transaction, organization, time)?;
    remove(&transaction, organization, time, next)?;

    let entries = entries(snapshot);
    let json = anomalies_json(snapshot.anomalies())?;
    let mut digest = Digest::new(snapshot.organization(), time, json.as_deref());
    let mut series = Vec::with_capacity(entries.len());
    let mut values = Values::new(&transaction, time, next)?;
    for entry in &entries {
        digest.add(entry);
        let id = series_id(&transaction, organization, entry)?;
        values.set(id, entry.value)?;
        series.push(id);
    }
    drop(values);
    let layout = layout_id(&transaction, &series)?;
    let anomalies = json
        .map(|json| anomalies_id(&transaction, &json))
        .transpose()?;
    transaction
        .prepare_cached(
            "INSERT INTO scrape (organization, time, layout, anomalies, digest)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            organization,
            time,
            layout,
            anomalies,
            digest.finish()
        ])?;
    Ok(transaction.commit()?)
}

fn organization_id(transaction: &Transaction<'_>, name: &Organization) -> Result<i64, Fault> {
    transaction
        .prepare_cached("INSERT INTO organization (name) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([name.as_str()])?;
    let mut statement =
        transaction.prepare_cached("SELECT id FROM organization WHERE name = ?1")?;
    Ok(statement.query_row([name.as_str()], |row| row.get(0))?)
}

/// Returns the time of the first scrape after a time.
fn next_scrape(
    transaction: &Transaction<'_>,
    organization: i64,
    time: i64,
) -> Result<Option<i64>, Fault> {
    let mut statement = transaction
        .prepare_cached("SELECT min(time) FROM scrape WHERE organization = ?1 AND time > ?2")?;
    Ok(statement.query_row([organization, time], |row| row.get(0))?)
}

/// Removes the scrape at a time, if there is one, without changing the data of later scrapes.
fn remove(
    transaction: &Transaction<'_>,
    organization: i64,
    time: i64,
    next: Option<i64>,
) -> Result<(), Fault> {
    let layout: Option<i64> = transaction
        .prepare_cached(
            "DELETE FROM scrape WHERE organization = ?1 AND time = ?2 RETURNING layout",
        )?
        .query_row([organization, time], |row| row.get(0))
        .optional()?;
    let Some(layout) = layout else {
        return Ok(());
    };
    const OF_SCRAPE: &str =
        "time = ?2 AND series IN (SELECT series FROM layout_item WHERE layout = ?1)";
    if let Some(next) = next {
        let carry = format!(
            "INSERT INTO value SELECT series, ?3, count, evaluated FROM value AS old
             WHERE {OF_SCRAPE} AND NOT EXISTS (
                 SELECT 1 FROM value WHERE series = old.series AND time > ?2 AND time <= ?3
             )"
        );
        transaction
            .prepare_cached(&carry)?
            .execute([layout, time, next])?;
    }
    let delete = format!("DELETE FROM value WHERE {OF_SCRAPE}");
    transaction
        .prepare_cached(&delete)?
        .execute([layout, time])?;
    Ok(())
}

fn series_id(
    transaction: &Transaction<'_>,
    organization: i64,
    entry: &Entry<'_>,
) -> Result<i64, Fault> {
    let key = params![
        organization,
        entry.stream,
        entry.kind,
        entry.name,
        entry.display_name
    ];
    let known = transaction
        .prepare_cached(
            "SELECT id FROM series WHERE organization = ?1 AND stream = ?2 AND kind = ?3
             AND name = ?4 AND display_name = ?5",
        )?
        .query_row(key, |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    transaction
        .prepare_cached(
            "INSERT INTO series (organization, stream, kind, name, display_name)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(key)?;
    Ok(transaction.last_insert_rowid())
}

/// The values at the time of a scrape, of which only changes are written.
struct Values<'a> {
    time: i64,
    /// The time of the following scrape, if this one is recorded late.
    next: Option<i64>,
    before: CachedStatement<'a>,
    keep: CachedStatement<'a>,
    set: CachedStatement<'a>,
}

impl<'a> Values<'a> {
    fn new(
        transaction: &'a Transaction<'_>,
        time: i64,
        next: Option<i64>,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            time,
            next,
            before: transaction.prepare_cached(
                "SELECT count, evaluated FROM value WHERE series = ?1 AND time <= ?2
                 ORDER BY time DESC LIMIT 1",
            )?,
            keep: transaction.prepare_cached(
                "INSERT INTO value SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (
                     SELECT 1 FROM value WHERE series = ?1 AND time > ?5 AND time <= ?2
                 )",
            )?,
            // A row may be left from when an earlier scrape was recorded late.
            set: transaction.prepare_cached(
                "INSERT OR REPLACE INTO value (series, time, count, evaluated) VALUES (?1, ?2, ?3, ?4)",
            )?,
        })
    }

    fn set(&mut self, series: i64, value: Value) -> rusqlite::Result<()> {
        let before = self
            .before
            .query_row([series, self.time], |row| {
                Ok(Value {
                    count: row.get(0)?,
                    evaluated: row.get(1)?,
                })
            })
            .optional()?;
        if before == Some(value) {
            return Ok(());
        }
        // Later scrapes that had this value from before the time must not get the new one.
        if let (Some(before), Some(next)) = (before, self.next) {
            self.keep.execute(params![
                series,
                next,
                before.count,
                before.evaluated,
                self.time
            ])?;
        }
        self.set
            .execute(params![series, self.time, value.count, value.evaluated])?;
        Ok(())
    }
}

/// Returns the layout of these series, which is shared by the scrapes that report the same ones in the same order.
fn layout_id(transaction: &Transaction<'_>, series: &[i64]) -> Result<i64, Fault> {
    let bytes: Vec<u8> = series.iter().flat_map(|id| id.to_le_bytes()).collect();
    let digest: i64 = crc32fast::hash(&bytes).into();
    let mut same = transaction.prepare_cached("SELECT id FROM layout WHERE digest = ?1")?;
    let candidates: Vec<i64> = same
        .query_map([digest], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for candidate in candidates {
        if layout_series(transaction, candidate)? == series {
            return Ok(candidate);
        }
    }
    transaction.execute("INSERT INTO layout (digest) VALUES (?1)", [digest])?;
    let layout = transaction.last_insert_rowid();
    let mut insert = transaction
        .prepare_cached("INSERT INTO layout_item (layout, position, series) VALUES (?1, ?2, ?3)")?;
    for (position, id) in series.iter().enumerate() {
        insert.execute(params![layout, position as u64, id])?;
    }
    Ok(layout)
}

fn layout_series(transaction: &Transaction<'_>, layout: i64) -> rusqlite::Result<Vec<i64>> {
    transaction
        .prepare_cached("SELECT series FROM layout_item WHERE layout = ?1 ORDER BY position")?
        .query_map([layout], |row| row.get(0))?
        .collect()
}

fn anomalies_json(anomalies: &[Anomaly]) -> Result<Option<String>, Fault> {
    if anomalies.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_string(anomalies);
    json.map(Some).map_err(|error| {
        let message = "cannot write an anomaly as JSON";
        Fault::Refused(crate::Error::new(crate::ErrorKind::Other, message).with_source(error))
    })
}

/// Returns the row of these anomalies, which is shared by the scrapes that have the same ones.
fn anomalies_id(transaction: &Transaction<'_>, json: &str) -> Result<i64, Fault> {
    let digest: i64 = crc32fast::hash(json.as_bytes()).into();
    let same = transaction
        .prepare_cached("SELECT id FROM anomalies WHERE digest = ?1 AND json = ?2")?
        .query_row(params![digest, json], |row| row.get(0))
        .optional()?;
    if let Some(id) = same {
        return Ok(id);
    }
    let insert = "INSERT INTO anomalies (digest, json) VALUES (?1, ?2)";
    transaction.execute(insert, params![digest, json])?;
    Ok(transaction.last_insert_rowid())
}

/// Deletes the rows that only removed scrapes used, in an order in which no row refers to a deleted one. The last value of
/// each series up to the time stays: scrapes after the time may still have it.
const SWEEP: [&str; 6] = [
    "DELETE FROM layout_item WHERE layout NOT IN (SELECT layout FROM scrape)",
    "DELETE FROM layout WHERE id NOT IN (SELECT layout FROM scrape)",
    "DELETE FROM anomalies
     WHERE id NOT IN (SELECT anomalies FROM scrape WHERE anomalies IS NOT NULL)",
    "DELETE FROM value WHERE series NOT IN (SELECT series FROM layout_item)",
    "DELETE FROM series WHERE id NOT IN (SELECT series FROM layout_item)",
    "DELETE FROM organization WHERE id NOT IN (SELECT organization FROM scrape)",
];

/// Removes the scrapes before a time, and returns how many were removed.
pub(super) fn prune(connection: &mut Connection, before: i64) -> Result<u64, Fault> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let removed = transaction.execute("DELETE FROM scrape WHERE time < ?1", [before])?;
    transaction.execute(
        "DELETE FROM value WHERE time < ?1 AND EXISTS (
             SELECT 1 FROM value AS later
             WHERE later.series = value.series AND later.time > value.time AND later.time <= ?1
         )",
        [before],
    )?;
    for statement in SWEEP {
        transaction.execute_batch(statement)?;
    }
    transaction.commit()?;
    Ok(removed as u64)
}
