//! A metric and its parts, borrowed from the parser.

use super::{
    native::NativeHistogramRef,
    scratch::{ExemplarPart, NumberPart, Scratch},
};
use crate::{MetricType, ParseError, Rule, Timestamp, error::Fault};

/// A metric. [`FamilyRef::next_metric`](super::FamilyRef::next_metric) returns it.
#[derive(Clone, Copy, Debug)]
pub struct MetricRef<'m, 'a>(&'m Scratch<'a>);

/// The value of a metric.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum MetricValue<'m, 'a> {
    /// Of a counter.
    Counter(CounterRef<'m, 'a>),
    /// Of a gauge.
    Gauge(f64),
    /// Of a histogram or a gauge histogram.
    Histogram(HistogramRef<'m, 'a>),
    /// Of a summary.
    Summary(SummaryRef<'m, 'a>),
    /// Of a metric without a type.
    Untyped(f64),
}

impl<'m, 'a> MetricRef<'m, 'a> {
    pub(super) fn new(scratch: &'m Scratch<'a>) -> Self {
        Self(scratch)
    }

    /// Returns the names and values of the labels in their order.
    pub fn labels(self) -> &'m [(&'a str, &'a str)] {
        &self.0.labels[..self.0.own_labels]
    }

    /// Returns the type of the family.
    pub(super) fn kind(self) -> MetricType {
        self.0.point.kind
    }

    /// Returns the value, which is of the type of the family.
    pub fn value(self) -> MetricValue<'m, 'a> {
        match self.0.point.kind {
            MetricType::Counter => MetricValue::Counter(CounterRef(self.0)),
            MetricType::Gauge => MetricValue::Gauge(self.0.point.value),
            MetricType::GaugeHistogram | MetricType::Histogram => {
                MetricValue::Histogram(HistogramRef(self.0))
            }
            MetricType::Summary => MetricValue::Summary(SummaryRef(self.0)),
            _ => MetricValue::Untyped(self.0.point.value),
        }
    }

    /// Returns the timestamp, if there is one.
    pub fn timestamp(self) -> Option<Timestamp> {
        self.0.timestamp
    }

    /// Returns the exemplars of the value: of a counter, of buckets, and of a native histogram.
    pub(crate) fn exemplars(self) -> impl Iterator<Item = ExemplarRef<'m, 'a>> + use<'m, 'a> {
        let histogram = match self.value() {
            MetricValue::Histogram(histogram) => Some(histogram),
            _ => None,
        };
        let of_counter = exemplar(self.0, self.0.point.exemplar);
        let in_buckets = histogram.into_iter().flat_map(HistogramRef::buckets);
        let in_buckets = in_buckets.filter_map(|bucket| bucket.exemplar);
        let in_native = histogram.into_iter().flat_map(HistogramRef::exemplars);
        of_counter.into_iter().chain(in_buckets).chain(in_native)
    }

    /// Returns the place of the metric in the exposition.
    pub(crate) fn at(self) -> usize {
        self.0.at
    }

    /// Says what is wrong with the metric.
    pub(super) fn error(self, rule: Rule, message: String) -> ParseError {
        ParseError::in_bytes(*Fault::new(rule, self.0.at, message))
    }
}

/// The value of a counter.
#[derive(Clone, Copy, Debug)]
pub struct CounterRef<'m, 'a>(&'m Scratch<'a>);

impl<'m, 'a> CounterRef<'m, 'a> {
    /// Returns the value.
    pub fn value(self) -> f64 {
        self.0.point.value
    }

    /// Returns the exemplar, if there is one.
    pub fn exemplar(self) -> Option<ExemplarRef<'m, 'a>> {
        exemplar(self.0, self.0.point.exemplar)
    }

    /// Returns when counting began, if it is known.
    pub fn created(self) -> Option<Timestamp> {
        self.0.point.created
    }
}

/// The value of a summary.
#[derive(Clone, Copy, Debug)]
pub struct SummaryRef<'m, 'a>(&'m Scratch<'a>);

impl<'m, 'a> SummaryRef<'m, 'a> {
    /// Returns the number of values, if it is there. Prometheus reads 0 where it is not.
    pub fn count(self) -> Option<u64> {
        self.0.point.whole
    }

    /// Returns the sum of all values, if it is there. Prometheus reads 0 where it is not.
    pub fn sum(self) -> Option<f64> {
        self.0.point.sum
    }

    /// Returns the quantiles in their order.
    pub fn quantiles(self) -> Quantiles<'m> {
        Quantiles(self.0.numbers.iter())
    }

    /// Returns when counting began, if it is known.
    pub fn created(self) -> Option<Timestamp> {
        self.0.point.created
    }
}

/// An iterator over the quantiles of a [`SummaryRef`].
#[derive(Clone, Debug)]
pub struct Quantiles<'m>(std::slice::Iter<'m, NumberPart>);

/// A quantile of a [`SummaryRef`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct QuantileRef {
    /// The quantile, such as 0.99.
    pub quantile: f64,
    /// The value that so large a part of all values does not exceed.
    pub value: f64,
}

impl Iterator for Quantiles<'_> {
    type Item = QuantileRef;

    fn next(&mut self) -> Option<QuantileRef> {
        let part = self.0.next()?;
        Some(QuantileRef {
            quantile: part.at,
            value: part.value,
        })
    }
}

/// The value of a histogram or a gauge histogram: classic buckets, a native histogram, or both.
#[derive(Clone, Copy, Debug)]
pub struct HistogramRef<'m, 'a>(&'m Scratch<'a>);

impl<'m, 'a> HistogramRef<'m, 'a> {
    /// Returns the number of values.
    pub fn count(self) -> f64 {
        self.0.point.value
    }

    /// Returns the number of values without rounding, if it is a whole number.
    pub fn whole_count(self) -> Option<u64> {
        self.0.point.whole
    }

    /// Returns the sum of all values, if it is there. Prometheus reads 0 where it is not.
    pub fn sum(self) -> Option<f64> {
        self.0.point.sum
    }

    /// Returns the classic buckets in their order. A bucket `+Inf` may be missing, which would hold as many as there are.
    pub fn buckets(self) -> Buckets<'m, 'a> {
        Buckets {
            scratch: self.0,
            parts: self.0.numbers.iter(),
        }
    }

    /// Returns the native histogram, if there is one.
    pub fn native(self) -> Option<NativeHistogramRef<'m>> {
        let sum = self.sum().unwrap_or(f64::NAN);
        let native = || NativeHistogramRef::new(&self.0.native, self.count(), sum);
        self.0.native.is_native().then(native)
    }

    /// Returns the exemplars of the native histogram.
    pub fn exemplars(self) -> impl Iterator<Item = ExemplarRef<'m, 'a>> + use<'m, 'a> {
        let places = self.0.native.exemplars().iter();
        places.filter_map(move |place| exemplar(self.0, Some(*place)))
    }

    /// Returns when counting began, if it is known.
    pub fn created(self) -> Option<Timestamp> {
        self.0.point.created
    }
}

/// An iterator over the classic buckets of a [`HistogramRef`].
#[derive(Clone, Debug)]
pub struct Buckets<'m, 'a> {
    scratch: &'m Scratch<'a>,
    parts: std::slice::Iter<'m, NumberPart>,
}

/// A classic bucket of a [`HistogramRef`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BucketRef<'m, 'a> {
    /// The largest value in the bucket.
    pub upper_bound: f64,
    /// The number of values in the bucket and in those before.
    pub cumulative_count: f64,
    /// The exemplar, if there is one.
    pub exemplar: Option<ExemplarRef<'m, 'a>>,
}

impl<'m, 'a> Iterator for Buckets<'m, 'a> {
    type Item = BucketRef<'m, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let part = self.parts.next()?;
        Some(BucketRef {
            upper_bound: part.at,
            cumulative_count: part.value,
            exemplar: exemplar(self.scratch, part.exemplar),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.parts.size_hint()
    }
}

fn exemplar<'m, 'a>(scratch: &'m Scratch<'a>, place: Option<u32>) -> Option<ExemplarRef<'m, 'a>> {
    let part = scratch.exemplars.get(place? as usize)?;
    Some(ExemplarRef { scratch, part })
}

/// One event that went into a value.
#[derive(Clone, Copy, Debug)]
pub struct ExemplarRef<'m, 'a> {
    scratch: &'m Scratch<'a>,
    part: &'m ExemplarPart,
}

impl<'m, 'a> ExemplarRef<'m, 'a> {
    /// Returns the names and values of the labels in their order.
    pub fn labels(self) -> &'m [(&'a str, &'a str)] {
        &self.scratch.labels[self.part.labels.clone()]
    }

    /// Returns the value.
    pub fn value(self) -> f64 {
        self.part.value
    }

    /// Returns when the event happened, if it is known.
    pub fn timestamp(self) -> Option<Timestamp> {
        self.part.timestamp
    }
}
