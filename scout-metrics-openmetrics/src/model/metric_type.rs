//! The types of metrics.

use std::fmt;

/// The type of a metric, as in `# TYPE`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum MetricType {
    /// A value that only grows.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// The distribution of something that goes up and down.
    GaugeHistogram,
    /// A distribution of events in buckets.
    Histogram,
    /// Text that does not change while the process runs.
    Info,
    /// Which of some states are on.
    StateSet,
    /// A distribution of events in quantiles.
    Summary,
    /// Not known; `untyped` in the Prometheus format, and what a family without `# TYPE` has.
    #[default]
    Unknown,
}

impl MetricType {
    /// All types.
    pub const ALL: &'static [Self] = &[
        Self::Counter,
        Self::Gauge,
        Self::GaugeHistogram,
        Self::Histogram,
        Self::Info,
        Self::StateSet,
        Self::Summary,
        Self::Unknown,
    ];

    /// Returns the word of OpenMetrics. Prometheus text says `untyped` for [`Unknown`](Self::Unknown).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Histogram => "histogram",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Summary => "summary",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
