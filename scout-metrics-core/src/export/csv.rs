//! Tables as CSV.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use csv::{Terminator, WriterBuilder};

use super::{Row, rows};
use crate::{Snapshot, text::Time};

const HEADER: [&str; 9] = [
    "organization",
    "scraped_at",
    "stream",
    "severity",
    "vulnerabilities",
    "policy_id",
    "policy",
    "compliant",
    "evaluated",
];

/// Writes [rows] as CSV: RFC 4180, in UTF-8, with a header.
///
/// The columns are the fields of [`Row`]; a field that does not apply is empty. Times have no parts of a second, as in
/// `2026-11-22T05:34:33Z`. Lines end in CR LF, and fields with a comma, a quote or the end of a line are quoted.
///
/// # Formulas
///
/// A spreadsheet runs a field that begins with `=`, `+`, `-` or `@` as a formula, even if it is quoted, and the names of
/// streams and policies may be any text. A name that begins with one of these characters, with its full-width form, with a
/// tab, a carriage return or a line feed is therefore written with an apostrophe before it, as [OWASP recommends], and so
/// is a name that begins with an apostrophe. To get the name back, remove one apostrophe from the beginning of a name.
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
/// use scout_metrics_core::{Organization, Policy, PolicyResult, Snapshot, Stream, export};
///
/// let production = Stream::new("production")
///     .with_vulnerabilities("5C 3H".parse()?)
///     .with_policy(PolicyResult::new(Policy::new("no-copyleft", "=No, copyleft"), 3, 4)?);
/// let snapshot = Snapshot::new(Organization::new("acme")?, [production])?
///     .with_scraped_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
///
/// let mut text = Vec::new();
/// export::csv([&snapshot], &mut text)?;
/// assert_eq!(
///     String::from_utf8(text)?.replace("\r\n", "\n"),
///     r#"organization,scraped_at,stream,severity,vulnerabilities,policy_id,policy,compliant,evaluated
/// acme,2023-11-14T22:13:20Z,production,CRITICAL,5,,,,
/// acme,2023-11-14T22:13:20Z,production,HIGH,3,,,,
/// acme,2023-11-14T22:13:20Z,production,UNSPECIFIED,0,,,,
/// acme,2023-11-14T22:13:20Z,production,,,no-copyleft,"'=No, copyleft",3,4
/// "#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [OWASP recommends]: https://owasp.org/www-community/attacks/CSV_Injection
pub fn csv<'a>(
    snapshots: impl IntoIterator<Item = &'a Snapshot>,
    out: impl Write,
) -> io::Result<()> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(out);
    writer.write_record(HEADER)?;
    for row in snapshots.into_iter().flat_map(rows) {
        let time = Time(row.scraped_at).to_string();
        write_row(&mut writer, &row, &time)?;
    }
    writer.flush()
}

fn write_row(writer: &mut csv::Writer<impl Write>, row: &Row<'_>, time: &str) -> io::Result<()> {
    let name = |name: Option<&'_ str>| harmless(name.unwrap_or_default()).into_owned();
    let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    writer.write_field(row.organization.as_str())?;
    writer.write_field(time)?;
    writer.write_field(name(row.stream))?;
    writer.write_field(name(row.severity))?;
    writer.write_field(count(row.vulnerabilities))?;
    writer.write_field(name(row.policy_id))?;
    writer.write_field(name(row.policy))?;
    writer.write_field(count(row.compliant))?;
    writer.write_field(count(row.evaluated))?;
    Ok(writer.write_record(None::<&[u8]>)?)
}

/// Returns a name that no spreadsheet runs as a formula.
fn harmless(name: &str) -> Cow<'_, str> {
    const STARTS: [char; 12] = [
        '=', '+', '-', '@', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}', '\t', '\r', '\n', '\'',
    ];
    match name.starts_with(STARTS) {
        true => Cow::Owned(format!("'{name}")),
        false => Cow::Borrowed(name),
    }
}
