//! The numbers of a composite value, in memory that is used again for the next one.

use super::known::KnownThresholds;

/// The kind of a composite value, by the names of its fields.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CompositeKind {
    GaugeHistogram,
    Histogram,
    Summary,
}

/// The numbers of a composite value.
#[derive(Clone, Debug, Default)]
pub(crate) struct CompositeParts {
    /// `None` before the first composite value and after one that is not well-formed.
    pub(crate) kind: Option<CompositeKind>,
    pub(crate) count: f64,
    pub(crate) sum: f64,
    /// The thresholds and counts of classic buckets, or the ranks and values of quantiles.
    pub(crate) pairs: Vec<(f64, f64)>,
    pub(crate) has_native: bool,
    /// The schema as it is written, which may be none that exists.
    pub(crate) schema: i64,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: f64,
    pub(crate) positive: SideParts,
    pub(crate) negative: SideParts,
    pub(super) known: KnownThresholds,
}

impl CompositeParts {
    /// Forgets the numbers of the value before that the next one may not have.
    pub(in crate::parse) fn clear(&mut self) {
        self.pairs.clear();
        self.has_native = false;
        self.schema = 0;
        self.zero_threshold = 0.0;
        self.zero_count = 0.0;
        self.positive.clear();
        self.negative.clear();
    }

    /// Returns the number of buckets, quantiles and spans.
    pub(in crate::parse) fn length(&self) -> usize {
        self.pairs.len() + self.positive.length() + self.negative.length()
    }
}

/// The native buckets on one side of zero.
#[derive(Clone, Debug, Default)]
pub(crate) struct SideParts {
    /// Offsets and lengths as they are written.
    pub(crate) spans: Vec<(i64, u64)>,
    pub(crate) counts: Vec<f64>,
}

impl SideParts {
    fn clear(&mut self) {
        self.spans.clear();
        self.counts.clear();
    }

    fn length(&self) -> usize {
        self.spans.len() + self.counts.len()
    }
}
