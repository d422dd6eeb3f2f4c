//! Sums over streams.

use scout_metrics_core::{Severity, Snapshot, Stream, VulnerabilityCounts};

use super::level::failing;

/// The sums over the environments of an organization.
///
/// `latest-indexed` is not in them: it has the images that the environments have, too. It counts only if it is alone.
#[derive(Clone, Debug)]
pub(crate) struct Totals<'a> {
    /// The vulnerabilities of all environments. The same image in two environments counts twice.
    pub(crate) counts: VulnerabilityCounts,
    /// The number of environments.
    pub(crate) environments: usize,
    /// The number of pairs of a policy and an environment that has images that violate it.
    pub(crate) failing: usize,
    /// The stream `latest-indexed`.
    pub(crate) latest_indexed: Option<&'a Stream>,
}

impl<'a> Totals<'a> {
    /// Computes the sums of a snapshot.
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        let (latest, environments): (Vec<_>, Vec<_>) = snapshot
            .streams()
            .iter()
            .partition(|stream| is_apart(snapshot, stream));
        let mut counts = VulnerabilityCounts::new();
        for severity in Severity::ALL {
            if let Some(sum) = sum(&environments, severity) {
                // The sum is at most the maximum, so it is set.
                let _ = counts.set(severity, sum);
            }
        }
        Self {
            counts,
            environments: environments.len(),
            failing: environments
                .iter()
                .map(|stream| failing(stream).count())
                .sum(),
            latest_indexed: latest.first().copied(),
        }
    }

    /// Returns the number of critical and high vulnerabilities, or `None` if neither is reported.
    pub(crate) fn serious(snapshot: &Snapshot) -> Option<u64> {
        let environments = snapshot
            .streams()
            .iter()
            .filter(|stream| !is_apart(snapshot, stream));
        environments
            .filter_map(super::change::serious)
            .reduce(u64::saturating_add)
    }
}

/// Returns whether a stream is not part of the sums of its snapshot.
pub(crate) fn is_apart(snapshot: &Snapshot, stream: &Stream) -> bool {
    stream.name().is_latest_indexed() && snapshot.streams().len() > 1
}

/// Returns the sum of the counts of a severity, or `None` if no stream reports it.
fn sum(streams: &[&Stream], severity: Severity) -> Option<u64> {
    let counts = streams
        .iter()
        .filter_map(|stream| stream.vulnerabilities().get(severity));
    counts
        .reduce(u64::saturating_add)
        .map(|sum| sum.min(Snapshot::MAX_COUNT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use scout_metrics_core::Organization;

    #[test]
    fn latest_indexed_is_apart() {
        let stream =
            |name, counts: &str| Stream::new(name).with_vulnerabilities(counts.parse().unwrap());
        let streams = [
            stream("latest-indexed", "9C"),
            stream("a", "1C 2H"),
            stream("b", "2H 3L"),
        ];
        let snapshot = Snapshot::new(Organization::new("acme").unwrap(), streams).unwrap();
        let totals = Totals::new(&snapshot);
        assert_eq!(totals.counts.to_string(), "1C 4H 3L");
        assert_eq!(totals.environments, 2);
        assert_eq!(totals.latest_indexed, snapshot.stream("latest-indexed"));
        assert_eq!(Totals::serious(&snapshot), Some(5));
        let alone = Snapshot::new(
            Organization::new("acme").unwrap(),
            [stream("latest-indexed", "9C")],
        );
        let alone = alone.unwrap();
        assert_eq!(Totals::new(&alone).counts.to_string(), "9C");
        assert_eq!(Totals::new(&alone).latest_indexed, None);
    }
}
