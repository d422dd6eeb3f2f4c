//! The suffixes of the names of samples.

use std::fmt;

use super::MetricType;

/// The suffix of a sample's name after that of its family, which says what the sample is in a histogram, a summary or a
/// counter.
#[expect(
    clippy::exhaustive_enums,
    reason = "the suffixes of OpenMetrics 1.0 are a closed set"
)]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Suffix {
    /// `_bucket`: how many events are in a bucket or below it.
    Bucket,
    /// `_count`: how many events there are.
    Count,
    /// `_created`: when counting began.
    Created,
    /// `_gcount`: how many events a gauge histogram has.
    GCount,
    /// `_gsum`: the sum of the events of a gauge histogram.
    GSum,
    /// `_info`: the labels are the information.
    Info,
    /// None: the name is that of the family.
    #[default]
    None,
    /// `_sum`: the sum of all events.
    Sum,
    /// `_total`: the value of a counter.
    Total,
}

impl Suffix {
    /// All suffixes but [`None`](Self::None).
    pub(crate) const NAMED: [Self; 8] = [
        Self::Bucket,
        Self::Count,
        Self::Created,
        Self::GCount,
        Self::GSum,
        Self::Info,
        Self::Sum,
        Self::Total,
    ];

    /// Returns the suffix with its underscore, empty for [`None`](Self::None).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => "_bucket",
            Self::Count => "_count",
            Self::Created => "_created",
            Self::GCount => "_gcount",
            Self::GSum => "_gsum",
            Self::Info => "_info",
            Self::None => "",
            Self::Sum => "_sum",
            Self::Total => "_total",
        }
    }

    /// Returns the suffix with this text.
    pub(crate) fn of(text: &str) -> Option<Self> {
        Some(match text {
            "_bucket" => Self::Bucket,
            "_count" => Self::Count,
            "_created" => Self::Created,
            "_gcount" => Self::GCount,
            "_gsum" => Self::GSum,
            "_info" => Self::Info,
            "_sum" => Self::Sum,
            "_total" => Self::Total,
            "" => Self::None,
            _ => return None,
        })
    }

    /// Returns whether OpenMetrics gives this suffix to samples of a type.
    pub(crate) const fn belongs_to(self, kind: MetricType) -> bool {
        match kind {
            MetricType::Counter => matches!(self, Self::Created | Self::Total),
            MetricType::Gauge | MetricType::StateSet | MetricType::Unknown => {
                matches!(self, Self::None)
            }
            MetricType::GaugeHistogram => matches!(self, Self::Bucket | Self::GCount | Self::GSum),
            MetricType::Histogram => {
                matches!(self, Self::Bucket | Self::Count | Self::Created | Self::Sum)
            }
            MetricType::Info => matches!(self, Self::Info),
            MetricType::Summary => {
                matches!(self, Self::Count | Self::Created | Self::None | Self::Sum)
            }
        }
    }
}

impl fmt::Display for Suffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
