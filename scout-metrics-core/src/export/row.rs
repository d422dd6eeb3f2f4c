//! The rows of a table.

use std::{iter, time::SystemTime};

use serde::Serialize;

use crate::{Organization, Snapshot, Stream};

/// A row of a table: a count of a severity, or the result of a policy.
///
/// Serializes with all fields, and the time as RFC 3339 text in UTC.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Row<'a> {
    /// The organization.
    pub organization: &'a Organization,
    /// The time of the scrape.
    #[serde(serialize_with = "crate::model::rfc3339::serialize")]
    pub scraped_at: SystemTime,
    /// The stream, or `None` if the snapshot has none.
    pub stream: Option<&'a str>,
    /// The severity, which may be an unrecognized one, if the row is about one.
    pub severity: Option<&'a str>,
    /// The number of vulnerabilities of the severity.
    pub vulnerabilities: Option<u64>,
    /// The identifier of the policy, if the row is about one.
    pub policy_id: Option<&'a str>,
    /// The display name of the policy.
    pub policy: Option<&'a str>,
    /// The number of images that comply with the policy.
    pub compliant: Option<u64>,
    /// The number of images that were evaluated against the policy.
    pub evaluated: Option<u64>,
}

/// Returns the rows of a snapshot: those of each stream in its order, first a row for each reported severity, then one
/// for each policy.
///
/// A stream without data has a row of its own, and so has a snapshot without streams. A severity that was not reported has
/// none. Anomalies have no rows.
pub fn rows(snapshot: &Snapshot) -> impl Iterator<Item = Row<'_>> {
    let empty = Row {
        organization: snapshot.organization(),
        scraped_at: snapshot.scraped_at(),
        stream: None,
        severity: None,
        vulnerabilities: None,
        policy_id: None,
        policy: None,
        compliant: None,
        evaluated: None,
    };
    let without_streams = snapshot.is_empty().then_some(empty);
    let streams = snapshot.streams().iter();
    without_streams
        .into_iter()
        .chain(streams.flat_map(move |stream| stream_rows(stream, empty)))
}

fn stream_rows<'a>(stream: &'a Stream, empty: Row<'a>) -> impl Iterator<Item = Row<'a>> {
    let counts = stream.vulnerabilities();
    let of_stream = Row {
        stream: Some(stream.name().as_str()),
        ..empty
    };
    let known = counts
        .iter()
        .map(|(severity, count)| (severity.as_str(), count));
    let severities = known.chain(counts.unrecognized());
    let severities = severities.map(move |(severity, count)| Row {
        severity: Some(severity),
        vulnerabilities: Some(count),
        ..of_stream
    });
    let policies = stream.policies().iter().map(move |result| Row {
        policy_id: Some(result.policy().id().as_str()),
        policy: Some(result.policy().display_name()),
        compliant: Some(result.compliant()),
        evaluated: Some(result.evaluated()),
        ..of_stream
    });
    let is_empty = counts.is_empty() && stream.policies().is_empty();
    let without_data = iter::once(of_stream).filter(move |_| is_empty);
    without_data.chain(severities).chain(policies)
}
