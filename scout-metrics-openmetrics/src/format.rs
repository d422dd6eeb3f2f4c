//! The formats, and the media types that name them.

use std::fmt;

/// A text format for metrics.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Format {
    /// [OpenMetrics 1.0 text](https://prometheus.io/docs/specs/om/open_metrics_spec/).
    OpenMetrics,
    /// The [Prometheus text format 0.0.4](https://prometheus.io/docs/instrumenting/exposition_formats/), the default.
    #[default]
    Prometheus,
}

impl Format {
    /// Returns the value of the `Content-Type` header for a body of this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

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
