//! The identity of a series.

use scout_metrics_core::RawSample;

/// The identity of a series: its name and its labels, in any order. An empty label is an absent one (OpenMetrics 1.0,
/// section Label).
#[derive(Debug, Eq, Hash, PartialEq)]
pub(super) struct SeriesKey<'a> {
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
}

impl<'a> From<&'a RawSample> for SeriesKey<'a> {
    fn from(sample: &'a RawSample) -> Self {
        let mut labels: Vec<_> = sample
            .labels()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        labels.sort_unstable();
        Self {
            name: sample.name(),
            labels,
        }
    }
}
