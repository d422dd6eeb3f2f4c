//! The changes between two snapshots.

mod compare;
mod display;
pub(crate) mod over_time;
mod sentence;
mod weight;

use serde::{Deserialize, Serialize};

pub(crate) use self::weight::Rank;
pub use self::weight::Weight;
use crate::{PolicyResult, Severity, Stream, StreamName};

/// A difference between two snapshots, returned by [`Snapshot::changes_since`](crate::Snapshot::changes_since).
///
/// `Display` writes one line, in which control characters and marks of the direction of text are escaped. The JSON form has the fields of the variant, and
/// `kind`, the variant in lower case with underscores. It is as stable as that of a [`Snapshot`](crate::Snapshot).
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

    /// Returns how many vulnerabilities of a severity there are now that were not there before, in numbers: 0 if there are
    /// not more.
    ///
    /// An unreported count is treated as zero, and a new stream adds all it has.
    ///
    /// ```
    /// use scout_metrics_core::{Organization, Severity, Snapshot, Stream};
    ///
    /// let acme = Organization::new("acme")?;
    /// let before = Stream::new("production").with_vulnerabilities("5C 3H".parse()?);
    /// let after = Stream::new("production").with_vulnerabilities("4C 8H".parse()?);
    /// let before = Snapshot::new(acme.clone(), [before])?;
    /// let changes = Snapshot::new(acme, [after])?.changes_since(&before);
    ///
    /// let added: u64 = changes.iter().map(|change| change.added(Severity::High)).sum();
    /// let removed: u64 = changes.iter().map(|change| change.removed(Severity::Critical)).sum();
    /// assert_eq!((added, removed), (5, 1));
    /// # Ok::<(), scout_metrics_core::Error>(())
    /// ```
    pub fn added(&self, severity: Severity) -> u64 {
        let (before, after) = self.counts(severity);
        after.saturating_sub(before)
    }

    /// Returns how many fewer vulnerabilities of a severity there are than before; see [`added`](Self::added).
    pub fn removed(&self, severity: Severity) -> u64 {
        let (before, after) = self.counts(severity);
        before.saturating_sub(after)
    }

    /// Returns the counts of a severity before and now, 0 if the change is not about them.
    fn counts(&self, of: Severity) -> (u64, u64) {
        match self {
            Self::StreamAdded { after, .. } => (0, after.vulnerabilities()[of]),
            Self::StreamRemoved { before, .. } => (before.vulnerabilities()[of], 0),
            Self::VulnerabilitiesChanged {
                severity,
                before,
                after,
                ..
            } if *severity == of => (before.unwrap_or(0), after.unwrap_or(0)),
            _ => (0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, Snapshot, VulnerabilityCounts, testing::acme};

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

    #[test]
    fn a_sentence_says_what_is_there_now_and_what_was_before() {
        let before = vec![
            stream("a", "5C 1H 2M 3L 0?").with_policy(policy("p", "P", 1)),
            stream("gone", "1C"),
        ];
        let after = vec![
            stream("a", "7C 0H 3L 1?").with_policy(policy("p", "P", 3)),
            stream("new", "2C"),
        ];
        let sentences = |before, after| {
            let changes = changes(before, after);
            let sentences = changes.iter().map(|change| change.sentence().to_string());
            sentences.collect::<Vec<_>>()
        };
        assert_eq!(
            sentences(before, after),
            [
                "Stream a has 7 CRITICAL vulnerabilities, 2 more than before.",
                "Stream a has 0 HIGH vulnerabilities, 1 fewer than before.",
                "MEDIUM vulnerabilities are no longer reported for stream a.",
                "Stream a has 1 UNSPECIFIED vulnerability, 1 more than before.",
                "Policy P in stream a: 3 of 4 images comply, before 1 of 4.",
                "Stream new is new and has 2C.",
                "Stream gone is no longer reported.",
            ]
        );
        let with = |result| vec![stream("a\n", "0C").with_policy(result)];
        let unknown = VulnerabilityCounts::new()
            .with_unrecognized("B", 1)
            .unwrap();
        assert_eq!(
            sentences(
                with(policy("p", "P", 1)),
                vec![
                    Stream::new("a\n")
                        .with_vulnerabilities(unknown)
                        .with_policy(policy("q", "", 4))
                ]
            ),
            [
                r"CRITICAL vulnerabilities are no longer reported for stream a\n.",
                r"UNSPECIFIED vulnerabilities are no longer reported for stream a\n.",
                r"Stream a\n has 1 B vulnerability, not reported before.",
                r"Policy q is new in stream a\n; 4 of 4 images comply.",
                r"Policy P is no longer reported for stream a\n.",
            ]
        );
    }

    #[test]
    fn additions_and_removals_are_counted_by_severity() {
        let before = vec![stream("a", "5C 3H"), stream("gone", "1C 2H")];
        let after = vec![stream("a", "7C 1L"), stream("new", "4C")];
        let changes = changes(before, after);
        let sum = |of: fn(&Change, Severity) -> u64| {
            Severity::ALL.map(|severity| {
                changes
                    .iter()
                    .map(|change| of(change, severity))
                    .sum::<u64>()
            })
        };
        assert_eq!(sum(Change::added), [2 + 4, 0, 0, 1, 0]);
        assert_eq!(sum(Change::removed), [1, 3 + 2, 0, 0, 0]);
    }

    #[test]
    fn what_got_worse_weighs_most_then_the_severity_then_the_difference() {
        let before = vec![
            stream("a", "5C 3H 1M 1L 1?").with_policy(policy("p", "P", 3)),
            stream("b", "0C 9H 0M"),
        ];
        let unknown = "0C 3H 0M".parse::<VulnerabilityCounts>().unwrap();
        let unknown = unknown.with_unrecognized("B", 2).unwrap();
        let after = vec![
            stream("a", "0C 4H 9M 1L 9?").with_policy(policy("p", "P", 1)),
            Stream::new("b").with_vulnerabilities(unknown),
            stream("c", "1C 99H"),
            stream("d", "-"),
        ];
        let mut changes = changes(before, after);
        changes.sort_by_key(|change| std::cmp::Reverse(change.weight()));
        let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "c: stream added, 1C 99H",
                "b: B 2, not reported before",
                "a: HIGH 3 -> 4 (+1)",
                "a: policy P 3/4 -> 1/4",
                "a: MEDIUM 1 -> 9 (+8)",
                "a: UNSPECIFIED 1 -> 9 (+8)",
                "a: CRITICAL 5 -> 0 (-5)",
                "b: HIGH 9 -> 3 (-6)",
                "d: stream added, -",
            ]
        );
    }
}
