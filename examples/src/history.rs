//! Histories that other programs record.

use std::{error::Error as StdError, path::Path};

use scout_metrics_core::{
    Error, ErrorKind, History, HistoryExt, Organization, Result, Snapshot, SqliteHistory,
};

use crate::terminal;

/// Opens a SQLite file that exists.
///
/// # Errors
///
/// Returns that the file is missing, with its path, and the errors of [`SqliteHistory::open`].
pub async fn open(path: &Path) -> Result<SqliteHistory, Box<dyn StdError>> {
    if !path.exists() {
        let path = terminal::printable(&path.to_string_lossy());
        return Err(
            format!("there is no history `{path}`: `scout history import` makes one").into(),
        );
    }
    let opened = terminal::waiting_for("checking the history", SqliteHistory::open(path)).await;
    Ok(opened?)
}

/// Returns the latest snapshot of an organization.
///
/// # Errors
///
/// [`NotFound`](ErrorKind::NotFound) if the history has none, and the errors of the history.
pub async fn latest(history: &dyn History, organization: &Organization) -> Result<Snapshot> {
    let latest = history.latest(organization).await?;
    latest.ok_or_else(|| {
        let error = Error::new(ErrorKind::NotFound, "the history has no snapshot of it");
        error.with_organization(organization)
    })
}
