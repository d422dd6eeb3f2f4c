//! Snapshots as JSON.

use std::io::{self, Write};

use serde::Serializer;
use serde_json::{Serializer as JsonSerializer, ser::PrettyFormatter, to_writer};

use super::rows;
use crate::Snapshot;

/// Writes an array of snapshots in their [JSON form](Snapshot#json), indented, followed by a line feed.
///
/// # Errors
///
/// Fails only if the writer does.
pub fn json<'a>(
    snapshots: impl IntoIterator<Item = &'a Snapshot>,
    mut out: impl Write,
) -> io::Result<()> {
    let formatter = PrettyFormatter::new();
    let mut serializer = JsonSerializer::with_formatter(&mut out, formatter);
    serializer.collect_seq(snapshots)?;
    writeln!(out)
}

/// Writes [rows] as JSON lines: each row as an object on a line of its own, with `null` for what does not apply.
///
/// Unlike in CSV, names are as they are, and times have their parts of a second.
///
/// # Errors
///
/// Fails only if the writer does.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use scout_metrics_core::{Organization, Snapshot, Stream, export};
///
/// let production = Stream::new("production").with_vulnerabilities("5C".parse()?);
/// let snapshot = Snapshot::new(Organization::new("acme")?, [production])?
///     .with_scraped_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
///
/// let mut text = Vec::new();
/// export::json_lines([&snapshot], &mut text)?;
/// let text = String::from_utf8(text)?;
/// assert_eq!(
///     text.lines().next(),
///     Some(concat!(
///         r#"{"organization":"acme","scraped_at":"2023-11-14T22:13:20Z","stream":"production","#,
///         r#""severity":"CRITICAL","vulnerabilities":5,"policy_id":null,"policy":null,"#,
///         r#""compliant":null,"evaluated":null}"#
///     ))
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn json_lines<'a>(
    snapshots: impl IntoIterator<Item = &'a Snapshot>,
    mut out: impl Write,
) -> io::Result<()> {
    for row in snapshots.into_iter().flat_map(rows) {
        to_writer(&mut out, &row)?;
        writeln!(out)?;
    }
    out.flush()
}
