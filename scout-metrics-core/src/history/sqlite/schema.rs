//! The tables of the file, how it is created, and how an existing one is checked.

use rusqlite::{Connection, TransactionBehavior::Immediate};

use super::fault::Fault;

/// "SCOU" in ASCII, by which `file` and SQLite's tools recognize the program a database belongs to.
const APPLICATION_ID: i32 = 0x5343_4F55;

/// The version of the tables below, in the database's `user_version`.
const VERSION: i32 = 1;

/// A scrape has a layout: the series it reported, in order. A value of a series holds from its time until the next
/// row of the series. A row of kind `stream` is the head of a stream, so that empty ones are kept.
///
/// Each reference from a row that outlives others has an index. Without it, SQLite reads the whole table for every row
/// that is pruned.
const TABLES: &str = "
CREATE TABLE organization (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organization,
    stream TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('stream', 'severity', 'policy')),
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    UNIQUE (organization, stream, kind, name, display_name)
) STRICT;
CREATE TABLE layout (id INTEGER PRIMARY KEY, digest INTEGER NOT NULL) STRICT;
CREATE INDEX layout_by_digest ON layout (digest);
CREATE TABLE layout_item (
    layout INTEGER NOT NULL REFERENCES layout,
    position INTEGER NOT NULL,
    series INTEGER NOT NULL REFERENCES series,
    PRIMARY KEY (layout, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX layout_item_by_series ON layout_item (series);
CREATE TABLE anomalies (id INTEGER PRIMARY KEY, digest INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
CREATE INDEX anomalies_by_digest ON anomalies (digest);
CREATE TABLE scrape (
    organization INTEGER NOT NULL REFERENCES organization,
    time INTEGER NOT NULL,
    layout INTEGER NOT NULL REFERENCES layout,
    anomalies INTEGER REFERENCES anomalies,
    digest INTEGER NOT NULL,
    PRIMARY KEY (organization, time)
) STRICT, WITHOUT ROWID;
CREATE INDEX scrape_by_layout ON scrape (layout);
CREATE INDEX scrape_by_anomalies ON scrape (anomalies) WHERE anomalies IS NOT NULL;
CREATE TABLE value (
    series INTEGER NOT NULL REFERENCES series,
    time INTEGER NOT NULL,
    count INTEGER NOT NULL,
    evaluated INTEGER NOT NULL,
    PRIMARY KEY (series, time)
) STRICT, WITHOUT ROWID;
CREATE VIEW reported AS
SELECT
    organization.name AS organization,
    strftime('%Y-%m-%dT%H:%M:%S', scrape.time / 1000, 'unixepoch')
        || printf('.%03dZ', scrape.time % 1000) AS time,
    series.stream, series.kind, series.name, series.display_name, value.count, value.evaluated
FROM scrape
JOIN organization ON organization.id = scrape.organization
JOIN layout_item ON layout_item.layout = scrape.layout
JOIN series ON series.id = layout_item.series
JOIN value ON value.series = series.id AND value.time = (
    SELECT max(time) FROM value WHERE series = layout_item.series AND time <= scrape.time
);
CREATE VIEW vulnerabilities AS
SELECT organization, time, stream, name AS severity, count FROM reported WHERE kind = 'severity';
CREATE VIEW policies AS
SELECT organization, time, stream, name AS policy_id, display_name, count AS compliant, evaluated
FROM reported WHERE kind = 'policy';
";

/// Creates the tables in a new file, or checks that an existing file has them and is not damaged.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), Fault> {
    // One writer at a time, so that two processes do not both create the tables.
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables = "SELECT count(*) FROM sqlite_schema";
    let is_new = application == 0
        && version == 0
        && transaction.query_row(tables, [], |row| row.get::<_, i64>(0))? == 0;
    if is_new {
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        return Ok(transaction.commit()?);
    }
    if application != APPLICATION_ID {
        return Err(Fault::NotOurs);
    }
    if version > VERSION {
        return Err(Fault::Newer {
            version,
            known: VERSION,
        });
    }
    if version < VERSION {
        return Err(Fault::Damaged(format!("schema version {version}")));
    }
    check_integrity(&transaction)
}

fn check_integrity(connection: &Connection) -> Result<(), Fault> {
    let first: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
    match first.as_str() {
        "ok" => Ok(()),
        _ => Err(Fault::Damaged(first)),
    }
}
