//! Changes as lines of JSON.

use std::{
    io::{Result, Write},
    time::SystemTime,
};

use jiff::Timestamp;
use serde::Serialize;

use scout_metrics_core::{Change, Organization, Snapshot};

#[derive(Serialize)]
struct Line<'a> {
    organization: &'a Organization,
    scraped_at: &'a str,
    #[serde(flatten)]
    change: &'a Change,
}

/// Writes each change as a line of JSON, with the organization and the time of the snapshot.
///
/// # Errors
///
/// Returns the errors of the writer.
pub fn write_json<'a>(
    out: &mut impl Write,
    snapshot: &Snapshot,
    changes: impl IntoIterator<Item = &'a Change>,
) -> Result<()> {
    let scraped_at = &seconds(snapshot.scraped_at());
    for change in changes {
        let line = Line {
            organization: snapshot.organization(),
            scraped_at,
            change,
        };
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
    }
    Ok(())
}

/// Returns a time such as `2026-11-22T05:34:33Z`.
pub fn seconds(time: SystemTime) -> String {
    let time = Timestamp::try_from(time).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
