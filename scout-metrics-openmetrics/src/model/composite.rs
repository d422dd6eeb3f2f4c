//! Composite values: histograms and summaries as the value of one sample.

use super::{NativeHistogram, real::Real};

/// The value of a sample that is not one number: a histogram or a summary.
///
/// OpenMetrics 2.0 and protobuf have them where the other formats have several samples, such as `wait_bucket`, `wait_count` and
/// `wait_sum`. [`MetricFamily::to_classic`](crate::MetricFamily::to_classic) and
/// [`MetricFamily::to_composite`](crate::MetricFamily::to_composite) convert between the two, and
/// [`MetricFamily::histograms`](crate::MetricFamily::histograms) reads both.
///
/// It holds what an exposition says, even if that breaks a rule, such as buckets that fall. Two are equal if all their numbers
/// read the same; so NaN equals NaN here.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum CompositeValue {
    /// A histogram of something that goes up and down.
    GaugeHistogram(HistogramValue),
    /// A histogram of events.
    Histogram(HistogramValue),
    /// A summary of events.
    Summary(SummaryValue),
}

impl CompositeValue {
    /// Returns the number of events. It is 0 for a summary that does not say it.
    pub fn count(&self) -> f64 {
        match self {
            Self::GaugeHistogram(histogram) | Self::Histogram(histogram) => histogram.count(),
            Self::Summary(summary) => summary.count().unwrap_or_default(),
        }
    }

    /// Returns the sum of all events, if it is known.
    pub fn sum(&self) -> Option<f64> {
        match self {
            Self::GaugeHistogram(histogram) | Self::Histogram(histogram) => histogram.sum(),
            Self::Summary(summary) => summary.sum(),
        }
    }

    /// Returns the histogram, of events or of something that goes up and down, if it is one.
    pub fn histogram(&self) -> Option<&HistogramValue> {
        match self {
            Self::GaugeHistogram(histogram) | Self::Histogram(histogram) => Some(histogram),
            Self::Summary(_) => None,
        }
    }

    /// Returns the summary, if it is one.
    pub fn summary(&self) -> Option<&SummaryValue> {
        match self {
            Self::Summary(summary) => Some(summary),
            Self::GaugeHistogram(_) | Self::Histogram(_) => None,
        }
    }
}

/// The value of a histogram: its count, its sum, and classic buckets, [native buckets](NativeHistogram) or both.
///
/// ```
/// use scout_metrics_openmetrics::HistogramValue;
///
/// let wait = HistogramValue::new(10.0).with_sum(4.2).with_buckets([(0.5, 8.0), (f64::INFINITY, 10.0)]);
/// let buckets: Vec<_> = wait.buckets().collect();
/// assert_eq!(buckets, [(0.5, 8.0), (f64::INFINITY, 10.0)]);
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HistogramValue {
    count: Real,
    sum: Option<Real>,
    buckets: Vec<(Real, Real)>,
    native: Option<Box<NativeHistogram>>,
}

impl HistogramValue {
    /// Creates a histogram of so many events, without buckets.
    pub fn new(count: f64) -> Self {
        Self {
            count: Real(count),
            sum: None,
            buckets: Vec::new(),
            native: None,
        }
    }

    /// Returns the histogram with the sum of all events.
    #[must_use]
    pub fn with_sum(mut self, sum: f64) -> Self {
        self.sum = Some(Real(sum));
        if let Some(native) = self.native.take() {
            self.native = Some(Box::new(native.with_sum(sum)));
        }
        self
    }

    /// Returns the histogram with these classic buckets, and no others: thresholds and the cumulative counts of events up to
    /// them.
    #[must_use]
    pub fn with_buckets(mut self, buckets: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let buckets = buckets.into_iter();
        self.buckets = buckets
            .map(|(threshold, count)| (Real(threshold), Real(count)))
            .collect();
        self
    }

    /// Returns the histogram with the buckets of a native one, whose count and sum become those of this histogram.
    #[must_use]
    pub fn with_native(mut self, native: NativeHistogram) -> Self {
        let sum = self.sum().unwrap_or(f64::NAN);
        self.native = Some(Box::new(native.with_count(self.count()).with_sum(sum)));
        self
    }

    /// Returns the histogram without its native buckets.
    #[must_use]
    pub fn without_native(mut self) -> Self {
        self.native = None;
        self
    }

    /// Returns the number of events.
    pub fn count(&self) -> f64 {
        self.count.0
    }

    /// Returns the sum of all events. OpenMetrics 2.0 always has it, the protobuf format need not.
    pub fn sum(&self) -> Option<f64> {
        self.sum.map(|sum| sum.0)
    }

    /// Returns the thresholds of the classic buckets in their order, each with the number of events up to it.
    pub fn buckets(&self) -> impl ExactSizeIterator<Item = (f64, f64)> + Clone + '_ {
        self.buckets
            .iter()
            .map(|(threshold, count)| (threshold.0, count.0))
    }

    /// Returns the native histogram with the same count and sum, if there is one.
    pub fn native(&self) -> Option<&NativeHistogram> {
        self.native.as_deref()
    }
}

/// Creates a histogram that has native buckets alone, with their count and sum.
impl From<NativeHistogram> for HistogramValue {
    fn from(native: NativeHistogram) -> Self {
        Self::new(native.count())
            .with_sum(native.sum())
            .with_native(native)
    }
}

/// The value of a summary: its count, its sum and its quantiles.
///
/// ```
/// use scout_metrics_openmetrics::SummaryValue;
///
/// let wait = SummaryValue::new().with_count(17.0).with_sum(42.5).with_quantiles([(0.5, 2.0), (0.99, 7.5)]);
/// assert_eq!(wait.quantiles().last(), Some((0.99, 7.5)));
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SummaryValue {
    count: Option<Real>,
    sum: Option<Real>,
    quantiles: Vec<(Real, Real)>,
}

impl SummaryValue {
    /// Creates a summary of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the summary with the number of events.
    #[must_use]
    pub fn with_count(mut self, count: f64) -> Self {
        self.count = Some(Real(count));
        self
    }

    /// Returns the summary with the sum of all events.
    #[must_use]
    pub fn with_sum(mut self, sum: f64) -> Self {
        self.sum = Some(Real(sum));
        self
    }

    /// Returns the summary with these quantiles, and no others: ranks from 0 to 1 and values.
    #[must_use]
    pub fn with_quantiles(mut self, quantiles: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let quantiles = quantiles.into_iter();
        self.quantiles = quantiles
            .map(|(rank, value)| (Real(rank), Real(value)))
            .collect();
        self
    }

    /// Returns the number of events. OpenMetrics 2.0 always has it, the protobuf format need not.
    pub fn count(&self) -> Option<f64> {
        self.count.map(|count| count.0)
    }

    /// Returns the sum of all events. OpenMetrics 2.0 always has it, the protobuf format need not.
    pub fn sum(&self) -> Option<f64> {
        self.sum.map(|sum| sum.0)
    }

    /// Returns the ranks of the quantiles in their order, each with its value.
    pub fn quantiles(&self) -> impl ExactSizeIterator<Item = (f64, f64)> + Clone + '_ {
        self.quantiles.iter().map(|(rank, value)| (rank.0, value.0))
    }
}
