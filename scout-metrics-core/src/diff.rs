//! The changes between two snapshots.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use serde::{Deserialize, Serialize};

use crate::{
    PolicyResult, Severity, Snapshot, Stream, StreamName,
    pair::{Pairs, pair},
    text::OneLine,
};

/// A difference between two snapshots, returned by [`Snapshot::changes_since`].
///
/// `Display` writes one line, in which control characters are escaped. The JSON form has the fields of the variant, and
/// `kind`, the variant in lower case with underscores. It is as stable as that of a [`Snapshot`].
///
/// ```
/// use scout_metrics_core::{Change, Severity};
///
/// let json = r#"{"kind":"vulnerabilities_changed","stream":"production","severity":"HIGH","before":3,"after":5}"#;
/// let change: Change = serde_json::from_str(json)?;
/// assert_eq!(change.to_string(), "production: HIGH 3 -> 5 (+2)");
/// assert_eq!(serde_json::to_string(&change)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Change {
    /// A stream has a result of a policy for which it had none before.
    #[non_exhaustive]
    PolicyAdded {
        /// The stream.
        stream: StreamName,
        /// The result now.
        after: PolicyResult,
    },
    /// The counts of a result of a policy changed, or the display name.
    #[non_exhaustive]
    PolicyChanged {
        /// The stream.
        stream: StreamName,
        /// The result before.
        before: PolicyResult,
        /// The result now.
        after: PolicyResult,
    },
    /// A stream no longer has a result of a policy. The stream still exists.
    #[non_exhaustive]
    PolicyRemoved {
        /// The stream.
        stream: StreamName,
        /// The result before.
        before: PolicyResult,
    },
    /// A stream is new.
    #[non_exhaustive]
    StreamAdded {
        /// The stream.
        stream: StreamName,
        /// The data of the stream now.
        after: Stream,
    },
    /// A stream no longer exists.
    #[non_exhaustive]
    StreamRemoved {
        /// The stream.
        stream: StreamName,
        /// The data of the stream before.
        before: Stream,
    },
    /// The count of an unrecognized severity changed, or it is reported in only one of the snapshots.
    #[non_exhaustive]
    UnrecognizedSeverityChanged {
        /// The stream.
        stream: StreamName,
        /// The name of the severity.
        severity: String,
        /// The count before, if it was reported.
        before: Option<u64>,
        /// The count now, if it is reported.
        after: Option<u64>,
    },
    /// The count of a severity changed, or it is reported in only one of the snapshots.
    #[non_exhaustive]
    VulnerabilitiesChanged {
        /// The stream.
        stream: StreamName,
        /// The severity.
        severity: Severity,
        /// The count before, if it was reported.
        before: Option<u64>,
        /// The count now, if it is reported.
        after: Option<u64>,
    },
}

impl Change {
    /// Returns the name of the stream that changed.
    pub fn stream(&self) -> &StreamName {
        match self {
            Self::PolicyAdded { stream, .. }
            | Self::PolicyChanged { stream, .. }
            | Self::PolicyRemoved { stream, .. }
            | Self::StreamAdded { stream, .. }
            | Self::StreamRemoved { stream, .. }
            | Self::UnrecognizedSeverityChanged { stream, .. }
            | Self::VulnerabilitiesChanged { stream, .. } => stream,
        }
    }

    /// Returns whether there are more vulnerabilities, or more images that violate a policy, than before.
    ///
    /// An unreported count is treated as zero, so a new stream with vulnerabilities is worse, and a removed one is not.
    pub fn is_worse(&self) -> bool {
        match self {
            Self::PolicyAdded { after, .. } => !after.is_compliant(),
            Self::PolicyChanged { before, after, .. } => after.violating() > before.violating(),
            Self::PolicyRemoved { .. } | Self::StreamRemoved { .. } => false,
            Self::StreamAdded { after, .. } => {
                after.vulnerabilities().total() > 0
                    || after.policies().iter().any(|result| !result.is_compliant())
            }
            Self::UnrecognizedSeverityChanged { before, after, .. }
            | Self::VulnerabilitiesChanged { before, after, .. } => {
                after.unwrap_or(0) > before.unwrap_or(0)
            }
        }
    }
}

impl Snapshot {
    /// Returns the differences from an earlier snapshot, except the time, the order and the anomalies.
    ///
    /// The streams of this snapshot come first, in its order, followed by the removed ones. For each stream, severities
    /// come first, from the worst to the unrecognized ones, followed by policies in the same order as streams.
    ///
    /// ```
    /// use scout_metrics_core::{Organization, Snapshot, Stream};
    ///
    /// let acme = Organization::new("acme")?;
    /// let production = |counts: &str| Ok::<_, scout_metrics_core::Error>(
    ///     Stream::new("production").with_vulnerabilities(counts.parse()?)
    /// );
    /// let before = Snapshot::new(acme.clone(), [production("5C 3H")?])?;
    /// let after = Snapshot::new(acme, [production("4C 3H")?, Stream::new("staging")])?;
    ///
    /// let lines: Vec<String> = after.changes_since(&before).iter().map(ToString::to_string).collect();
    /// assert_eq!(lines, ["production: CRITICAL 5 -> 4 (-1)", "staging: stream added, -"]);
    /// # Ok::<(), scout_metrics_core::Error>(())
    /// ```
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        if self.is_same(before) {
            return Vec::new();
        }
        let Pairs { kept, gone } = pair(before.streams(), self.streams(), |stream| {
            stream.name().as_str()
        });
        let mut changes = Vec::new();
        for (before, after) in kept {
            match before {
                None => changes.push(Change::StreamAdded {
                    stream: after.name().clone(),
                    after: after.clone(),
                }),
                Some(before) => compare_streams(before, after, &mut changes),
            }
        }
        changes.extend(gone.into_iter().map(|before| Change::StreamRemoved {
            stream: before.name().clone(),
            before: before.clone(),
        }));
        changes
    }
}

fn compare_streams(before: &Stream, after: &Stream, changes: &mut Vec<Change>) {
    let stream = after.name();
    for severity in Severity::ALL {
        let counts = |stream: &Stream| stream.vulnerabilities().get(severity);
        let (before, after) = (counts(before), counts(after));
        if before != after {
            changes.push(Change::VulnerabilitiesChanged {
                stream: stream.clone(),
                severity,
                before,
                after,
            });
        }
    }
    compare_unrecognized(before, after, changes);
    let Pairs { kept, gone } = pair(before.policies(), after.policies(), |result| {
        result.policy().id().as_str()
    });
    for (before, after) in kept {
        match before {
            None => changes.push(Change::PolicyAdded {
                stream: stream.clone(),
                after: after.clone(),
            }),
            Some(before) if before != after => changes.push(Change::PolicyChanged {
                stream: stream.clone(),
                before: before.clone(),
                after: after.clone(),
            }),
            Some(_) => {}
        }
    }
    changes.extend(gone.into_iter().map(|before| Change::PolicyRemoved {
        stream: stream.clone(),
        before: before.clone(),
    }));
}

fn compare_unrecognized(before: &Stream, after: &Stream, changes: &mut Vec<Change>) {
    let counts = |stream: &'_ Stream| -> HashMap<String, u64> {
        let counts = stream.vulnerabilities().unrecognized();
        counts
            .map(|(name, count)| (name.to_owned(), count))
            .collect()
    };
    let (counts_before, counts_after) = (counts(before), counts(after));
    let severities: BTreeSet<&String> = counts_before.keys().chain(counts_after.keys()).collect();
    for severity in severities {
        let count = |counts: &HashMap<String, u64>| counts.get(severity).copied();
        let (before, now) = (count(&counts_before), count(&counts_after));
        if before != now {
            changes.push(Change::UnrecognizedSeverityChanged {
                stream: after.name().clone(),
                severity: severity.clone(),
                before,
                after: now,
            });
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", OneLine(self.stream().as_str()))?;
        match self {
            Self::PolicyAdded { after, .. } => {
                write!(f, "policy {} added, {}", name(after), images(after))
            }
            Self::PolicyChanged { before, after, .. } => write_policy(f, before, after),
            Self::PolicyRemoved { before, .. } => write!(f, "policy {} removed", name(before)),
            Self::StreamAdded { after, .. } => {
                write!(f, "stream added, {}", after.vulnerabilities())
            }
            Self::StreamRemoved { .. } => f.write_str("stream removed"),
            Self::UnrecognizedSeverityChanged {
                severity,
                before,
                after,
                ..
            } => write_counts(f, OneLine(severity), *before, *after),
            Self::VulnerabilitiesChanged {
                severity,
                before,
                after,
                ..
            } => write_counts(f, severity, *before, *after),
        }
    }
}

fn write_counts(
    f: &mut fmt::Formatter<'_>,
    severity: impl fmt::Display,
    before: Option<u64>,
    after: Option<u64>,
) -> fmt::Result {
    match (before, after) {
        (Some(before), Some(after)) => {
            let sign = if after > before { '+' } else { '-' };
            let difference = after.abs_diff(before);
            write!(f, "{severity} {before} -> {after} ({sign}{difference})")
        }
        (None, Some(after)) => write!(f, "{severity} {after}, not reported before"),
        (_, None) => write!(f, "{severity} no longer reported"),
    }
}

fn write_policy(
    f: &mut fmt::Formatter<'_>,
    before: &PolicyResult,
    after: &PolicyResult,
) -> fmt::Result {
    write!(f, "policy {}", name(before))?;
    if name(before).0 != name(after).0 {
        write!(f, " is now called {}", name(after))?;
    }
    let counts = |result: &PolicyResult| (result.compliant(), result.evaluated());
    if counts(before) != counts(after) {
        write!(f, " {} -> {}", images(before), images(after))?;
    }
    Ok(())
}

/// Returns the display name, or the identifier if there is none.
fn name(result: &PolicyResult) -> OneLine<&str> {
    let policy = result.policy();
    match policy.display_name() {
        "" => OneLine(policy.id().as_str()),
        name => OneLine(name),
    }
}

fn images(result: &PolicyResult) -> String {
    format!("{}/{}", result.compliant(), result.evaluated())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, VulnerabilityCounts, testing::acme};

    fn stream(name: &str, counts: &str) -> Stream {
        Stream::new(name).with_vulnerabilities(counts.parse().unwrap())
    }

    fn policy(id: &str, name: &str, compliant: u64) -> PolicyResult {
        PolicyResult::new(Policy::new(id, name), compliant, 4).unwrap()
    }

    fn changes(before: Vec<Stream>, after: Vec<Stream>) -> Vec<Change> {
        let snapshot = |streams| Snapshot::new(acme(), streams).unwrap();
        snapshot(after).changes_since(&snapshot(before))
    }

    fn lines(before: Vec<Stream>, after: Vec<Stream>) -> Vec<String> {
        let changes = changes(before, after);
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_changes_when_only_the_order_does() {
        let streams = || {
            [
                stream("a", "1C")
                    .with_policy(policy("p", "P", 1))
                    .with_policy(policy("q", "Q", 1)),
                stream("b", "2C"),
            ]
        };
        let mut turned = streams();
        turned.reverse();
        assert_eq!(changes(streams().into(), turned.into()), []);
    }

    #[test]
    fn streams_come_and_go() {
        assert_eq!(
            lines(
                vec![
                    stream("gone", "1C"),
                    stream("stays", "1H"),
                    stream("gone too", "-")
                ],
                vec![stream("new", "5C 3H 6M 63L"), stream("stays", "1H")],
            ),
            [
                "new: stream added, 5C 3H 6M 63L",
                "gone: stream removed",
                "gone too: stream removed"
            ]
        );
    }

    #[test]
    fn counts_change_by_severity_and_unreported_is_not_zero() {
        assert_eq!(
            lines(
                vec![stream("a", "5C 3H 6M 0?")],
                vec![stream("a", "7C 3H 0L 1?")],
            ),
            [
                "a: CRITICAL 5 -> 7 (+2)",
                "a: MEDIUM no longer reported",
                "a: LOW 0, not reported before",
                "a: UNSPECIFIED 0 -> 1 (+1)"
            ]
        );
    }

    #[test]
    fn policies_come_go_and_change() {
        let before = stream("a", "1C")
            .with_policy(policy("p1", "Gone", 1))
            .with_policy(policy("p2", "Worse", 3))
            .with_policy(policy("p3", "Old name", 3))
            .with_policy(policy("p4", "Both", 3))
            .with_policy(policy("p5", "Stays", 3));
        let after = stream("a", "1C")
            .with_policy(policy("p0", "New", 1))
            .with_policy(policy("p2", "Worse", 2))
            .with_policy(policy("p3", "", 3))
            .with_policy(policy("p4", "Each", 4))
            .with_policy(policy("p5", "Stays", 3));
        assert_eq!(
            lines(vec![before], vec![after]),
            [
                "a: policy New added, 1/4",
                "a: policy Worse 3/4 -> 2/4",
                "a: policy Old name is now called p3",
                "a: policy Both is now called Each 3/4 -> 4/4",
                "a: policy Gone removed"
            ]
        );
    }

    #[test]
    fn a_change_is_one_line_whatever_the_names_are() {
        let odd = "a\r\n\u{1b}[31m\u{85}\"é\0";
        let before = stream(odd, "1C").with_policy(policy(odd, odd, 1));
        let after = stream(odd, "1C");
        assert_eq!(
            lines(vec![before], vec![after]),
            [r#"a\r\n\u{1b}[31m\u{85}"é\u{0}: policy a\r\n\u{1b}[31m\u{85}"é\u{0} removed"#]
        );
    }

    #[test]
    fn the_json_form_is_stable() {
        let before = vec![
            stream("a", "1C 0?").with_policy(policy("p", "P", 1)),
            stream("b", "-"),
        ];
        let after = vec![
            stream("a", "0?")
                .with_policy(policy("p", "P", 2))
                .with_policy(policy("q", "Q", 0)),
            stream("c", "-"),
        ];
        let changes = changes(before, after);
        let json: Vec<String> = changes
            .iter()
            .map(|change| serde_json::to_string(change).unwrap())
            .collect();
        assert_eq!(
            json,
            [
                r#"{"kind":"vulnerabilities_changed","stream":"a","severity":"CRITICAL","before":1,"after":null}"#,
                r#"{"kind":"policy_changed","stream":"a","before":{"id":"p","display_name":"P","compliant":1,"evaluated":4},"after":{"id":"p","display_name":"P","compliant":2,"evaluated":4}}"#,
                r#"{"kind":"policy_added","stream":"a","after":{"id":"q","display_name":"Q","compliant":0,"evaluated":4}}"#,
                r#"{"kind":"stream_added","stream":"c","after":{"name":"c","vulnerabilities":{},"policies":[]}}"#,
                r#"{"kind":"stream_removed","stream":"b","before":{"name":"b","vulnerabilities":{},"policies":[]}}"#,
            ]
        );
        for (change, json) in changes.iter().zip(&json) {
            assert_eq!(&serde_json::from_str::<Change>(json).unwrap(), change);
        }
    }

    #[test]
    fn unrecognized_severities_come_go_and_change() {
        let stream = |counts: &[(&str, u64)]| {
            let counts = counts
                .iter()
                .try_fold(VulnerabilityCounts::new(), |all, &(severity, count)| {
                    all.with_unrecognized(severity, count)
                });
            vec![Stream::new("a").with_vulnerabilities(counts.unwrap())]
        };
        let before = stream(&[("SAME", 1), ("GONE", 1), ("MORE", 1)]);
        let after = stream(&[("SAME", 1), ("NEW\n", 0), ("MORE", 8)]);
        assert_eq!(
            lines(before.clone(), after.clone()),
            [
                "a: GONE no longer reported",
                "a: MORE 1 -> 8 (+7)",
                r"a: NEW\n 0, not reported before",
            ]
        );
        let changes = changes(before, after);
        let json = serde_json::to_string(&changes[1]).unwrap();
        assert_eq!(
            json,
            r#"{"kind":"unrecognized_severity_changed","stream":"a","severity":"MORE","before":1,"after":8}"#
        );
        assert_eq!(serde_json::from_str::<Change>(&json).unwrap(), changes[1]);
    }

    #[test]
    fn more_vulnerabilities_and_more_violations_are_worse() {
        let worse = |before: Stream, after: Stream| {
            let changes = changes(vec![before], vec![after]);
            changes.iter().map(Change::is_worse).collect::<Vec<_>>()
        };
        let is_worse = |before: &str, after: &str| worse(stream("a", before), stream("a", after));
        assert_eq!(is_worse("1C 1?", "2C 1?"), [true]);
        assert_eq!(is_worse("2C 1?", "1C 1?"), [false]);
        assert_eq!(is_worse("1?", "1C 1?"), [true]);
        assert_eq!(is_worse("1?", "0C 1?"), [false]);
        assert_eq!(is_worse("1C 1?", "1?"), [false]);
        assert_eq!(worse(stream("a", "-"), stream("b", "1?")), [true, false]);
        assert_eq!(worse(stream("a", "-"), stream("b", "-")), [false, false]);

        let with = |compliant| stream("a", "-").with_policy(policy("p", "P", compliant));
        assert_eq!(worse(with(3), with(2)), [true]);
        assert_eq!(worse(with(2), with(3)), [false]);
        assert_eq!(worse(stream("a", "-"), with(4)), [false]);
        assert_eq!(worse(stream("a", "-"), with(3)), [true]);
        assert_eq!(worse(with(3), stream("a", "-")), [false]);
    }
}
