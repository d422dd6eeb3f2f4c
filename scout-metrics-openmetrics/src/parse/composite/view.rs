//! Views of composite values, borrowed from the parser.

use super::parts::{CompositeKind, CompositeParts, SideParts};
use crate::{
    BucketSpan, CompositeValue, HistogramValue, MetricType, NativeBuckets, NativeHistogram,
    NativeHistogramError, SummaryValue,
};

/// The histogram or summary that is the value of a sample of OpenMetrics 2.0, as it is written.
/// [`SampleRef::composite`](crate::SampleRef::composite) returns it.
#[derive(Clone, Copy, Debug)]
pub struct CompositeRef<'p>(&'p CompositeParts);

impl<'p> CompositeRef<'p> {
    pub(crate) fn new(parts: &'p CompositeParts) -> Option<Self> {
        parts.kind.map(|_| Self(parts))
    }

    /// Returns which type the names of the fields belong to: a histogram, a gauge histogram or a summary.
    pub fn kind(self) -> MetricType {
        match self.0.kind {
            Some(CompositeKind::GaugeHistogram) => MetricType::GaugeHistogram,
            Some(CompositeKind::Summary) => MetricType::Summary,
            Some(CompositeKind::Histogram) | None => MetricType::Histogram,
        }
    }

    /// Returns the number of events.
    pub fn count(self) -> f64 {
        self.0.count
    }

    /// Returns the sum of all events.
    pub fn sum(self) -> f64 {
        self.0.sum
    }

    /// Returns the thresholds of the classic buckets in their order, each with the number of events up to it. A summary has
    /// none.
    pub fn buckets(self) -> &'p [(f64, f64)] {
        match self.0.kind {
            Some(CompositeKind::Summary) => &[],
            _ => &self.0.pairs,
        }
    }

    /// Returns the ranks of the quantiles in their order, each with its value. A histogram has none.
    pub fn quantiles(self) -> &'p [(f64, f64)] {
        match self.0.kind {
            Some(CompositeKind::Summary) => &self.0.pairs,
            _ => &[],
        }
    }

    /// Returns the native buckets, if there are any.
    pub fn native(self) -> Option<NativeRef<'p>> {
        self.0.has_native.then_some(NativeRef(self.0))
    }

    /// Returns the value as owned data.
    ///
    /// # Errors
    ///
    /// If the native buckets are not those of a native histogram: if the schema is unknown, the zero threshold negative, or
    /// if there are not as many buckets as the spans say.
    pub fn to_value(self) -> Result<CompositeValue, NativeHistogramError> {
        let Self(parts) = self;
        let histogram = || {
            let histogram = HistogramValue::new(parts.count)
                .with_sum(parts.sum)
                .with_buckets(self.buckets().iter().copied());
            match self.native() {
                Some(native) => Ok(histogram.with_native(native.to_histogram()?)),
                None => Ok(histogram),
            }
        };
        Ok(match self.kind() {
            MetricType::GaugeHistogram => CompositeValue::GaugeHistogram(histogram()?),
            MetricType::Summary => {
                let summary = SummaryValue::new()
                    .with_count(parts.count)
                    .with_sum(parts.sum)
                    .with_quantiles(self.quantiles().iter().copied());
                CompositeValue::Summary(summary)
            }
            _ => CompositeValue::Histogram(histogram()?),
        })
    }
}

/// The native buckets of a [`CompositeRef`].
#[derive(Clone, Copy, Debug)]
pub struct NativeRef<'p>(&'p CompositeParts);

impl NativeRef<'_> {
    /// Returns the schema as it is written. Those from -4 to 8 exist.
    pub fn schema(self) -> i64 {
        self.0.schema
    }

    /// Returns how far from zero the values of the zero bucket are at most.
    pub fn zero_threshold(self) -> f64 {
        self.0.zero_threshold
    }

    /// Returns the number of events in the zero bucket.
    pub fn zero_count(self) -> f64 {
        self.0.zero_count
    }

    /// Returns the histogram as owned data.
    ///
    /// # Errors
    ///
    /// Those of [`CompositeRef::to_value`].
    pub fn to_histogram(self) -> Result<NativeHistogram, NativeHistogramError> {
        let Self(parts) = self;
        let schema = NativeHistogram::checked_schema(parts.schema)?;
        let native = NativeHistogram::new(schema, buckets(&parts.positive)?)?
            .with_negative(buckets(&parts.negative)?)
            .with_zero_bucket(parts.zero_threshold, parts.zero_count)?;
        Ok(native.with_count(parts.count).with_sum(parts.sum))
    }
}

fn buckets(side: &SideParts) -> Result<NativeBuckets, NativeHistogramError> {
    let span = |(offset, length): &(i64, u64)| {
        let offset = i32::try_from(*offset).ok()?;
        Some(BucketSpan::new(offset, u32::try_from(*length).ok()?))
    };
    let spans: Option<Vec<_>> = side.spans.iter().map(span).collect();
    let Some(spans) = spans else {
        let message = "expected spans of 32 bits, found larger numbers";
        return Err(NativeHistogramError::new(message.to_owned()));
    };
    NativeBuckets::new(spans, side.counts.clone())
}
