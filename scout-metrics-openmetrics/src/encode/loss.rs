//! The losses of writing families in another format.

use std::fmt;

use crate::{MetricType, error::shown};

/// A loss of one family when [`transcode_lossy`](crate::transcode_lossy) wrote it in a format that cannot express all of it.
///
/// `Display` writes one line, such as ``family `a`: 2 exemplars are left out``.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Loss {
    /// The name of the family, as the caller gave it.
    pub family: String,
    /// The kind of the loss, with its details.
    pub lost: Lost,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "family `{}`: {}", shown(&self.family), self.lost)
    }
}

/// The kinds of a [`Loss`].
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Lost {
    /// The times of creation are samples of another family, because the type has none in the format. In Prometheus text, where
    /// no type has them, that is a gauge, unless another family with that name has another type.
    Created {
        /// The name of the other family.
        family: String,
    },
    /// Samples of earlier points are left out, because Prometheus text has one point of a metric: the latest. A point without
    /// a timestamp is later than any with one, because it means now.
    EarlierPoints {
        /// The number of samples.
        count: usize,
    },
    /// A reader that unescapes names gets another name of the family, of its unit or of a label, because the escaping scheme
    /// of the [`ContentType`](crate::ContentType) does not keep all of it.
    Escaped {
        /// The name that was given.
        before: String,
        /// The name that is read.
        after: String,
    },
    /// Exemplars are left out: Prometheus text has none; OpenMetrics 1.0 and protobuf have one for the total of a counter and for
    /// each bucket; OpenMetrics 1.0 allows labels of at most 128 characters, and OpenMetrics 2.0 none without a timestamp.
    Exemplars {
        /// The number of exemplars.
        count: usize,
    },
    /// The help text is shortened, because the format cannot express blanks or carriage returns at that end of it, or left
    /// out, because the family is merged with one that has another help text.
    Help {
        /// The text that was given.
        before: String,
        /// The text that is written.
        after: String,
    },
    /// Samples are left out because a label occurs twice among their labels, or because one is named `__name__`. Which of
    /// the values is meant cannot be known. Likewise a label `le` of a histogram with buckets, `quantile` of a summary, and in
    /// OpenMetrics 2.0 labels that start with an underscore, which are reserved.
    InvalidLabels {
        /// The number of samples.
        count: usize,
    },
    /// The samples belong to another family, whose type, help text and unit they have now. OpenMetrics has the times of
    /// creation `x_created` in the family `x`, and no format has two families with one name. Other losses of these samples
    /// are those of the other family.
    Merged {
        /// The name of the other family.
        into: String,
    },
    /// The samples have another name, because counters of OpenMetrics end in `_total`.
    Name {
        /// The name of the samples that were given.
        before: String,
        /// The name of the samples that are written.
        after: String,
    },
    /// The native buckets of histograms are left out: only OpenMetrics 2.0 and protobuf have them, and these not if the type is
    /// given up. Count and sum are kept. A histogram without classic buckets gets the bucket `+Inf`, which holds the count.
    NativeHistograms {
        /// The number of histograms.
        count: usize,
    },
    /// The samples are in another order: OpenMetrics has the samples of one metric together, with rising timestamps and
    /// bounds.
    Order,
    /// The family is left out because its name starts with an underscore, which OpenMetrics 2.0 reserves.
    ReservedName,
    /// Samples are left out because there is one of the same series and of the same time before them.
    RepeatedSeries {
        /// The number of samples.
        count: usize,
    },
    /// The samples have suffixes that the type does not have, and so became families of their own, of the same type.
    Split,
    /// Start timestamps are rounded: to the nanosecond, or to what a float of seconds can hold in a sample `_created`.
    StartTimestampPrecision {
        /// The number of start timestamps.
        count: usize,
    },
    /// Start timestamps are left out, because the type has none: in OpenMetrics 2.0, all but counters, histograms, summaries and
    /// unknown, and in protobuf all that are one number except counters.
    StartTimestamps {
        /// The number of start timestamps.
        count: usize,
    },
    /// Timestamps are rounded down to milliseconds, because Prometheus text and protobuf count these.
    TimestampPrecision {
        /// The number of timestamps.
        count: usize,
    },
    /// Timestamps are left out: in Prometheus text and protobuf those that are beyond 64 bits of milliseconds, in OpenMetrics those of
    /// a metric that has samples without a timestamp.
    Timestamps {
        /// The number of timestamps.
        count: usize,
    },
    /// The type is another one: the format does not have it, the samples break one of its rules, or their names could
    /// belong to another family. The samples keep their names. Those with different suffixes are families of their own.
    Type {
        /// The type that was given.
        before: MetricType,
        /// The type that is written.
        after: MetricType,
    },
    /// The unit is left out: Prometheus text has none, and in OpenMetrics 1.0 it is the end of the family's name.
    Unit {
        /// The unit.
        unit: String,
    },
    /// The sums of histograms are written as NaN, because they are not known and OpenMetrics 2.0 demands them.
    UnknownSums {
        /// The number of histograms.
        count: usize,
    },
}

impl Lost {
    /// Adds a number of things of the same kind. Returns whether both are of one kind.
    pub(crate) fn absorb(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::EarlierPoints { count }, Self::EarlierPoints { count: more })
            | (Self::Exemplars { count }, Self::Exemplars { count: more })
            | (Self::InvalidLabels { count }, Self::InvalidLabels { count: more })
            | (Self::NativeHistograms { count }, Self::NativeHistograms { count: more })
            | (Self::RepeatedSeries { count }, Self::RepeatedSeries { count: more })
            | (Self::StartTimestamps { count }, Self::StartTimestamps { count: more })
            | (
                Self::StartTimestampPrecision { count },
                Self::StartTimestampPrecision { count: more },
            )
            | (Self::UnknownSums { count }, Self::UnknownSums { count: more })
            | (Self::TimestampPrecision { count }, Self::TimestampPrecision { count: more })
            | (Self::Timestamps { count }, Self::Timestamps { count: more }) => {
                *count += more;
                true
            }
            (one, other) => one == other,
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { family } => write!(
                f,
                "its times of creation are a family `{}` of their own",
                shown(family)
            ),
            Self::EarlierPoints { count } => {
                write_count(f, *count, "sample", "left out in favor of the latest point")
            }
            Self::Escaped { before, after } => write!(
                f,
                "the name `{}` is escaped as `{}`",
                shown(before),
                shown(after)
            ),
            Self::Exemplars { count } => write_count(f, *count, "exemplar", "left out"),
            Self::Help { after, .. } if after.is_empty() => {
                f.write_str("its help text is left out")
            }
            Self::Help { .. } => f.write_str("its help text is changed"),
            Self::InvalidLabels { count } => {
                write_count(f, *count, "sample", "left out because of invalid labels")
            }
            Self::Merged { into } => {
                write!(f, "its samples are part of family `{}`", shown(into))
            }
            Self::Name { before, after } => write!(
                f,
                "its samples `{}` are renamed to `{}`",
                shown(before),
                shown(after)
            ),
            Self::NativeHistograms { count } => write_count(
                f,
                *count,
                "native histogram",
                "written without native buckets",
            ),
            Self::Order => f.write_str("its samples are in another order"),
            Self::RepeatedSeries { count } => write_count(
                f,
                *count,
                "sample",
                "left out in favor of the first one of the same series",
            ),
            Self::ReservedName => f.write_str("it is left out because its name is reserved"),
            Self::Split => f.write_str("its samples are families of their own"),
            Self::StartTimestampPrecision { count } => {
                write_count(f, *count, "start timestamp", "rounded")
            }
            Self::StartTimestamps { count } => {
                write_count(f, *count, "start timestamp", "left out")
            }
            Self::TimestampPrecision { count } => {
                write_count(f, *count, "timestamp", "rounded down to milliseconds")
            }
            Self::Timestamps { count } => write_count(f, *count, "timestamp", "left out"),
            Self::Type { before, after } => {
                write!(f, "its type changes from {before} to {after}")
            }
            Self::UnknownSums { count } => write_count(f, *count, "unknown sum", "written as NaN"),
            Self::Unit { unit } => write!(f, "its unit `{}` is left out", shown(unit)),
        }
    }
}

fn write_count(f: &mut fmt::Formatter<'_>, count: usize, noun: &str, what: &str) -> fmt::Result {
    match count {
        1 => write!(f, "1 {noun} is {what}"),
        _ => write!(f, "{count} {noun}s are {what}"),
    }
}
