//! A snapshot as rows of series and values, and back.

use crc32fast::Hasher;

use super::fault::Fault;
use crate::{Organization, Policy, PolicyResult, Severity, Snapshot, Stream, VulnerabilityCounts};

pub(super) const STREAM: &str = "stream";
pub(super) const SEVERITY: &str = "severity";
pub(super) const POLICY: &str = "policy";

/// The data of a snapshot about one series: the head of a stream, the count of a severity, or the counts of a policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) stream: &'a str,
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
    pub(super) display_name: &'a str,
    pub(super) value: Value,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Value {
    /// Vulnerabilities of a severity, or compliant images of a policy.
    pub(super) count: u64,
    pub(super) evaluated: u64,
}

/// Returns the data of a snapshot, in its order.
pub(super) fn entries(snapshot: &Snapshot) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    for stream in snapshot.streams() {
        push_stream(&mut entries, stream);
    }
    entries
}

fn push_stream<'a>(entries: &mut Vec<Entry<'a>>, stream: &'a Stream) {
    let head = Entry {
        stream: stream.name().as_str(),
        kind: STREAM,
        name: "",
        display_name: "",
        value: Value::default(),
    };
    let severity = |name: &'a str, count| Entry {
        kind: SEVERITY,
        name,
        value: Value {
            count,
            evaluated: 0,
        },
        ..head
    };
    let counts = stream.vulnerabilities();
    let known = counts.iter().map(|(name, count)| (name.as_str(), count));
    entries.push(head);
    entries.extend(
        known
            .chain(counts.unrecognized())
            .map(|(name, count)| severity(name, count)),
    );
    entries.extend(stream.policies().iter().map(|result| Entry {
        kind: POLICY,
        name: result.policy().id().as_str(),
        display_name: result.policy().display_name(),
        value: Value {
            count: result.compliant(),
            evaluated: result.evaluated(),
        },
        ..head
    }));
}

/// Puts the streams of a snapshot together from its entries.
#[derive(Debug, Default)]
pub(super) struct Streams {
    done: Vec<Stream>,
    current: Option<(Stream, VulnerabilityCounts)>,
}

impl Streams {
    pub(super) fn push(&mut self, entry: &Entry<'_>) -> Result<(), Fault> {
        if entry.kind == STREAM {
            self.end_stream();
            self.current = Some((Stream::new(entry.stream), VulnerabilityCounts::new()));
            return Ok(());
        }
        let Some((stream, counts)) = self
            .current
            .take()
            .filter(|(stream, _)| stream.name().as_str() == entry.stream)
        else {
            return Err(Fault::Damaged("a value outside of its stream".to_owned()));
        };
        let Value { count, evaluated } = entry.value;
        self.current = Some(if entry.kind == SEVERITY {
            (stream, with_count(counts, entry.name, count)?)
        } else {
            let policy = Policy::new(entry.name, entry.display_name);
            let result = PolicyResult::new(policy, count, evaluated).map_err(damaged)?;
            (stream.with_policy(result), counts)
        });
        Ok(())
    }

    fn end_stream(&mut self) {
        let current = self.current.take();
        self.done
            .extend(current.map(|(stream, counts)| stream.with_vulnerabilities(counts)));
    }

    pub(super) fn finish(mut self) -> Vec<Stream> {
        self.end_stream();
        self.done
    }
}

fn with_count(
    counts: VulnerabilityCounts,
    severity: &str,
    count: u64,
) -> Result<VulnerabilityCounts, Fault> {
    let counts = match severity.parse::<Severity>() {
        Ok(known) => counts.with(known, count),
        Err(_) => counts.with_unrecognized(severity, count),
    };
    counts.map_err(damaged)
}

pub(super) fn damaged(error: crate::Error) -> Fault {
    Fault::Damaged(error.to_string())
}

/// A checksum of all data of a snapshot, with which a read verifies that it returns what was recorded.
///
/// SQLite has no checksums: it cannot notice that a byte of a number has changed on the disk.
pub(super) struct Digest(Hasher);

impl Digest {
    pub(super) fn new(organization: &Organization, time: i64, anomalies: Option<&str>) -> Self {
        let mut digest = Self(Hasher::new());
        digest.text(organization.as_str());
        digest.0.update(&time.to_le_bytes());
        digest.text(anomalies.unwrap_or_default());
        digest
    }

    pub(super) fn add(&mut self, entry: &Entry<'_>) {
        for text in [entry.stream, entry.kind, entry.name, entry.display_name] {
            self.text(text);
        }
        self.0.update(&entry.value.count.to_le_bytes());
        self.0.update(&entry.value.evaluated.to_le_bytes());
    }

    /// The length is part of the checksum, so that text cannot move from one field to the next.
    fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    pub(super) fn finish(self) -> i64 {
        self.0.finalize().into()
    }
}
