//! Finds the changes.

use std::collections::{BTreeSet, HashMap};

use super::Change;
use crate::{
    Severity, Snapshot, Stream,
    pair::{Pairs, pair},
};

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
