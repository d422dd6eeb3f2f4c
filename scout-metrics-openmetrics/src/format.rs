//! The formats.

use std::fmt;

/// A text format for metrics. Its versions and media types are those of [`ContentType`](crate::ContentType).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Format {
    /// [OpenMetrics 1.0 text](https://prometheus.io/docs/specs/om/open_metrics_spec/).
    OpenMetrics,
    /// The [Prometheus text format](https://prometheus.io/docs/instrumenting/exposition_formats/) 0.0.4 and 1.0.0, the
    /// default.
    #[default]
    Prometheus,
}

impl Format {
    /// Returns the short name: `openmetrics-1.0` or `prometheus-text-0.0.4`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenMetrics => "openmetrics-1.0",
            Self::Prometheus => "prometheus-text-0.0.4",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
