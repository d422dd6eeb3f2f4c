//! The formats.

use std::fmt;

/// A format for metrics. Its versions and media types are those of [`ContentType`](crate::ContentType).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Format {
    /// [OpenMetrics 1.0 text](https://prometheus.io/docs/specs/om/open_metrics_spec/).
    OpenMetrics,
    /// [OpenMetrics 2.0](https://prometheus.io/docs/specs/om/open_metrics_spec_2_0/), in the version 2.0.0-rc0 of its
    /// specification. Its names have no suffixes, and a histogram or a summary is one sample with a
    /// [`CompositeValue`](crate::CompositeValue).
    OpenMetrics2,
    /// The [Prometheus text format](https://prometheus.io/docs/instrumenting/exposition_formats/) 0.0.4 and 1.0.0, the
    /// default.
    #[default]
    Prometheus,
    /// The [protobuf format](https://prometheus.io/docs/instrumenting/exposition_formats/#protobuf-format) of Prometheus. It is no
    /// text: [`parse_families`](crate::parse_families), [`encode_families`](crate::encode_families) and
    /// [`transcode`](crate::transcode) know it, and [`protobuf`](crate::protobuf) reads it message by message.
    Protobuf,
}

impl Format {
    /// Returns the short name: `openmetrics-1.0`, `openmetrics-2.0`, `prometheus-text-0.0.4` or
    /// `prometheus-protobuf`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenMetrics => "openmetrics-1.0",
            Self::OpenMetrics2 => "openmetrics-2.0",
            Self::Prometheus => "prometheus-text-0.0.4",
            Self::Protobuf => "prometheus-protobuf",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The formats that are text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TextFormat {
    OpenMetrics,
    OpenMetrics2,
    Prometheus,
}

impl Format {
    /// Returns the format as one that is text, if it is.
    pub(crate) const fn text(self) -> Option<TextFormat> {
        match self {
            Self::OpenMetrics => Some(TextFormat::OpenMetrics),
            Self::OpenMetrics2 => Some(TextFormat::OpenMetrics2),
            Self::Prometheus => Some(TextFormat::Prometheus),
            Self::Protobuf => None,
        }
    }
}

impl TextFormat {
    /// Returns whether it is a version of OpenMetrics.
    pub(crate) const fn is_openmetrics(self) -> bool {
        matches!(self, Self::OpenMetrics | Self::OpenMetrics2)
    }
}

impl From<TextFormat> for Format {
    fn from(format: TextFormat) -> Self {
        match format {
            TextFormat::OpenMetrics => Self::OpenMetrics,
            TextFormat::OpenMetrics2 => Self::OpenMetrics2,
            TextFormat::Prometheus => Self::Prometheus,
        }
    }
}
