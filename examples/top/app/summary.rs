//! The sums of the streams of an organization.

use scout_metrics_core::{Severity, Stream};

use super::{Past, changed_since_yesterday, failing};

/// The sums of the environments of an organization, or of all its streams if it has no environment.
///
/// `latest-indexed` is left out otherwise, because the environments have the same images.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// The sum for each severity, or `None` where no stream reports it.
    pub(crate) counts: [Option<u64>; Severity::ALL.len()],
    pub(crate) failing: usize,
    /// The results of policies that evaluated images.
    pub(crate) evaluated: usize,
    /// How many critical and high vulnerabilities there are more than yesterday.
    pub(crate) change: i128,
    /// Critical and high vulnerabilities on each of the last days.
    pub(crate) days: Vec<Option<u64>>,
}

impl Summary {
    pub(super) fn new(streams: &[Stream], past: &Past) -> Self {
        let has_environments = streams
            .iter()
            .any(|stream| !stream.name().is_latest_indexed());
        let summed = streams.iter();
        let summed =
            summed.filter(|stream| !has_environments || !stream.name().is_latest_indexed());
        let mut summary = Self {
            days: past.sums(summed.clone().map(Stream::name)),
            ..Self::default()
        };
        for stream in summed {
            let counts = stream.vulnerabilities();
            summary.add_counts(Severity::ALL.map(|severity| counts.get(severity)));
            let (failing, evaluated) = failing(stream);
            summary.failing += failing;
            summary.evaluated += evaluated;
            summary.change += changed_since_yesterday(stream, past).unwrap_or(0);
        }
        summary
    }

    /// Adds another organization, without its days.
    pub(crate) fn add(&mut self, other: &Self) {
        self.add_counts(other.counts);
        self.failing += other.failing;
        self.evaluated += other.evaluated;
    }

    fn add_counts(&mut self, counts: [Option<u64>; Severity::ALL.len()]) {
        for (sum, count) in self.counts.iter_mut().zip(counts) {
            if let Some(count) = count {
                *sum = Some(sum.unwrap_or(0).saturating_add(count));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(streams: &[(&str, &str)]) -> [Option<u64>; Severity::ALL.len()] {
        let streams = streams
            .iter()
            .map(|(name, counts)| Stream::new(*name).with_vulnerabilities(counts.parse().unwrap()));
        Summary::new(&streams.collect::<Vec<_>>(), &Past::default()).counts
    }

    #[test]
    fn latest_indexed_counts_only_where_there_is_nothing_else() {
        let latest = ("latest-indexed", "7C");
        assert_eq!(counts(&[latest])[0], Some(7));
        assert_eq!(
            counts(&[latest, ("production", "2C 1H")])[..2],
            [Some(2), Some(1)]
        );
    }

    #[test]
    fn what_no_stream_reports_is_not_zero() {
        assert_eq!(
            counts(&[("production", "2C"), ("staging", "1C 0H")])[..3],
            [Some(3), Some(0), None]
        );
    }
}
