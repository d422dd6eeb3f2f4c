//! Snapshots from rows.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{
    fault::Fault,
    series::{Digest, Entry, Streams, Value, damaged},
    time,
};
use crate::{Anomaly, Organization, Snapshot};

const ENTRIES: &str = "
SELECT series.stream, series.kind, series.name, series.display_name, value.count, value.evaluated
FROM layout_item
JOIN series ON series.id = layout_item.series
JOIN value ON value.series = layout_item.series AND value.time = (
    SELECT max(time) FROM value WHERE series = layout_item.series AND time <= ?2
)
WHERE layout_item.layout = ?1
ORDER BY layout_item.position";

const LAST_SCRAPE: &str = "
SELECT scrape.time, scrape.layout, scrape.anomalies, scrape.digest
FROM scrape JOIN organization ON organization.id = scrape.organization
WHERE organization.name = ?1 AND scrape.time > ?2 AND scrape.time <= ?3
ORDER BY scrape.time DESC LIMIT 1";

const ORGANIZATIONS: &str = "
SELECT name FROM organization
WHERE EXISTS (SELECT 1 FROM scrape WHERE scrape.organization = organization.id)
ORDER BY name";

struct Scrape {
    time: i64,
    layout: i64,
    anomalies: Option<i64>,
    digest: i64,
}

pub(super) fn organizations(connection: &Connection) -> Result<Vec<Organization>, Fault> {
    let mut statement = connection.prepare_cached(ORGANIZATIONS)?;
    let mut rows = statement.query([])?;
    let mut organizations = Vec::new();
    while let Some(row) = rows.next()? {
        organizations.push(Organization::new(row.get_ref(0)?.as_str()?).map_err(damaged)?);
    }
    Ok(organizations)
}

/// Returns the last snapshot later than `after` and not later than `until`.
pub(super) fn last(
    connection: &mut Connection,
    organization: &Organization,
    after: i64,
    until: i64,
) -> Result<Option<Snapshot>, Fault> {
    // The statements see one state of the file, whatever is written in between.
    let transaction = connection.transaction()?;
    let scrape = transaction
        .prepare_cached(LAST_SCRAPE)?
        .query_row(params![organization.as_str(), after, until], scrape_of_row)
        .optional()?;
    scrape
        .map(|scrape| snapshot(&transaction, organization, &scrape))
        .transpose()
}

fn scrape_of_row(row: &Row<'_>) -> rusqlite::Result<Scrape> {
    Ok(Scrape {
        time: row.get(0)?,
        layout: row.get(1)?,
        anomalies: row.get(2)?,
        digest: row.get(3)?,
    })
}

fn snapshot(
    transaction: &Transaction<'_>,
    organization: &Organization,
    scrape: &Scrape,
) -> Result<Snapshot, Fault> {
    let anomalies = scrape
        .anomalies
        .map(|id| anomalies_json(transaction, id))
        .transpose()?;
    let mut digest = Digest::new(organization, scrape.time, anomalies.as_deref());
    let mut streams = Streams::default();
    let mut statement = transaction.prepare_cached(ENTRIES)?;
    let mut rows = statement.query(params![scrape.layout, scrape.time])?;
    while let Some(row) = rows.next()? {
        let entry = entry_of_row(row)?;
        digest.add(&entry);
        streams.push(&entry)?;
    }
    if digest.finish() != scrape.digest {
        let message = format!(
            "the checksum of the scrape at {} does not match",
            scrape.time
        );
        return Err(Fault::Damaged(message));
    }
    let scraped_at = time::from_millis(scrape.time)
        .ok_or_else(|| Fault::Damaged(format!("a scrape at {}", scrape.time)))?;
    let snapshot = Snapshot::new(organization.clone(), streams.finish()).map_err(damaged)?;
    Ok(snapshot
        .with_scraped_at(scraped_at)
        .with_anomalies(parse_anomalies(anomalies.as_deref())?))
}

fn entry_of_row<'a>(row: &'a Row<'_>) -> Result<Entry<'a>, Fault> {
    let text = |column| -> Result<&'a str, Fault> { Ok(row.get_ref(column)?.as_str()?) };
    Ok(Entry {
        stream: text(0)?,
        kind: text(1)?,
        name: text(2)?,
        display_name: text(3)?,
        value: Value {
            count: row.get(4)?,
            evaluated: row.get(5)?,
        },
    })
}

fn anomalies_json(transaction: &Transaction<'_>, id: i64) -> Result<String, Fault> {
    let mut statement = transaction.prepare_cached("SELECT json FROM anomalies WHERE id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0))?)
}

fn parse_anomalies(json: Option<&str>) -> Result<Vec<Anomaly>, Fault> {
    let Some(json) = json else {
        return Ok(Vec::new());
    };
    serde_json::from_str(json).map_err(|error| Fault::Damaged(error.to_string()))
}
