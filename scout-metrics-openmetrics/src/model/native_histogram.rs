//! Native histograms: buckets whose bounds follow from a formula.

use std::{
    cmp::Ordering,
    error, fmt,
    hash::{Hash, Hasher},
};

use super::real::one_nan;

/// A native histogram: buckets whose bounds grow by a constant factor, of which only those that hold something are kept.
///
/// The factor is `2^(2^-schema)`: for schema 0 the bounds are powers of 2, and each higher schema splits every bucket into
/// two. The bucket with index `i` holds the values that are greater than `factor^(i-1)` and not greater than `factor^i`. Those
/// for negative values mirror them. Values that are no further from zero than the [zero threshold](Self::zero_threshold) are in
/// a bucket of their own.
///
/// It is the value of a [`Sample`](crate::Sample::native_histogram). OpenMetrics 2.0 and the protobuf format can express it;
/// the others cannot. Counts are whole numbers up to 2^53, or any other floating-point numbers.
///
/// ```
/// use scout_metrics_openmetrics::{NativeBuckets, NativeHistogram};
///
/// // 3 values up to 1, 2 up to 4 and 5 up to 8, and none between 1 and 2.
/// let positive = NativeBuckets::from_counts([(0, 3.0), (2, 2.0), (3, 5.0)])?;
/// let sizes = NativeHistogram::new(0, positive)?.with_sum(60.5);
/// assert_eq!(sizes.count(), 10.0);
/// let bounds: Vec<_> = sizes.positive().iter().map(|(index, _)| sizes.upper_bound(index)).collect();
/// assert_eq!(bounds, [1.0, 4.0, 8.0]);
/// # Ok::<(), scout_metrics_openmetrics::NativeHistogramError>(())
/// ```
///
/// Two are equal if all their numbers read the same.
#[derive(Clone, Debug)]
pub struct NativeHistogram {
    schema: i8,
    zero_threshold: f64,
    zero_count: f64,
    positive: NativeBuckets,
    negative: NativeBuckets,
    count: f64,
    sum: f64,
}

impl NativeHistogram {
    /// The smallest and the greatest schema, as in [OpenMetrics 2.0](https://prometheus.io/docs/specs/om/open_metrics_spec_2_0/).
    pub const SCHEMAS: std::ops::RangeInclusive<i8> = -4..=8;

    /// Returns the schema with a number, if there is one.
    pub(crate) fn checked_schema(number: i64) -> Result<i8, NativeHistogramError> {
        let schema = i8::try_from(number).ok();
        let schema = schema.filter(|schema| Self::SCHEMAS.contains(schema));
        schema.ok_or_else(|| {
            let message = format!("expected a schema from -4 to 8, found {number}");
            NativeHistogramError::new(message)
        })
    }

    /// Creates a native histogram with buckets for positive values. Its count is the number of values in them, and its sum is
    /// not a number until it is set.
    ///
    /// # Errors
    ///
    /// If the schema is not one of [`SCHEMAS`](Self::SCHEMAS).
    pub fn new(schema: i8, positive: NativeBuckets) -> Result<Self, NativeHistogramError> {
        Ok(Self {
            schema: Self::checked_schema(schema.into())?,
            zero_threshold: 0.0,
            zero_count: 0.0,
            count: positive.total(),
            positive,
            negative: NativeBuckets::default(),
            sum: f64::NAN,
        })
    }

    /// Returns the histogram with buckets for negative values, whose number is added to the count.
    #[must_use]
    pub fn with_negative(mut self, negative: NativeBuckets) -> Self {
        self.count += negative.total() - self.negative.total();
        self.negative = negative;
        self
    }

    /// Returns the histogram with a number of values that are no further from zero than a threshold, added to the count.
    ///
    /// # Errors
    ///
    /// If the threshold is negative or not finite.
    pub fn with_zero_bucket(
        mut self,
        threshold: f64,
        count: f64,
    ) -> Result<Self, NativeHistogramError> {
        if !threshold.is_finite() || threshold.is_sign_negative() && threshold != 0.0 {
            let message = format!(
                "expected a zero threshold that is finite and not negative, found {threshold}"
            );
            return Err(NativeHistogramError::new(message));
        }
        self.count += count - self.zero_count;
        self.zero_threshold = threshold;
        self.zero_count = count;
        Ok(self)
    }

    /// Returns the histogram with a count that is not that of its buckets: observations that are not a number are in no bucket.
    #[must_use]
    pub fn with_count(mut self, count: f64) -> Self {
        self.count = count;
        self
    }

    /// Returns the histogram with the sum of all values.
    #[must_use]
    pub fn with_sum(mut self, sum: f64) -> Self {
        self.sum = sum;
        self
    }

    /// Returns the schema, which says how fine the buckets are.
    pub fn schema(&self) -> i8 {
        self.schema
    }

    /// Returns how far from zero the values of the zero bucket are at most.
    pub fn zero_threshold(&self) -> f64 {
        self.zero_threshold
    }

    /// Returns the number of values in the zero bucket.
    pub fn zero_count(&self) -> f64 {
        self.zero_count
    }

    /// Returns the buckets for positive values.
    pub fn positive(&self) -> &NativeBuckets {
        &self.positive
    }

    /// Returns the buckets for negative values.
    pub fn negative(&self) -> &NativeBuckets {
        &self.negative
    }

    /// Returns the number of values.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Returns the sum of all values.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Returns the bound of the bucket with an index that is further from zero, as a positive number. The other bound is that of
    /// the index before.
    ///
    /// The bucket that holds the greatest finite number ends with it. Those after it end at infinity; OpenMetrics 2.0 allows one.
    pub fn upper_bound(&self, index: i32) -> f64 {
        let bound = (f64::from(index) * (-f64::from(self.schema)).exp2()).exp2();
        if index < self.infinite_index() {
            bound.min(f64::MAX)
        } else {
            f64::INFINITY
        }
    }

    /// Returns the index of the bucket that ends at infinity.
    pub(crate) fn infinite_index(&self) -> i32 {
        const EXPONENTS: i32 = f64::MAX_EXP;
        let greatest_finite = match self.schema {
            0.. => EXPONENTS << self.schema,
            _ => EXPONENTS >> -self.schema,
        };
        greatest_finite + 1
    }
}

impl PartialEq for NativeHistogram {
    fn eq(&self, other: &Self) -> bool {
        self.numbers() == other.numbers() && self.sides() == other.sides()
    }
}

impl Eq for NativeHistogram {}

impl Hash for NativeHistogram {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.numbers().hash(state);
        self.sides().hash(state);
    }
}

impl PartialOrd for NativeHistogram {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Orders by the bits of the numbers: only that it is an order matters.
impl Ord for NativeHistogram {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.numbers().cmp(&other.numbers())).then_with(|| self.sides().cmp(&other.sides()))
    }
}

impl NativeHistogram {
    /// Returns all that is not a bucket, equal if it reads the same.
    fn numbers(&self) -> (i8, [u64; 4]) {
        let numbers = [self.count, self.sum, self.zero_threshold, self.zero_count];
        (self.schema, numbers.map(|number| one_nan(number).to_bits()))
    }

    fn sides(&self) -> [&NativeBuckets; 2] {
        [&self.positive, &self.negative]
    }
}

/// The buckets of a [`NativeHistogram`] on one side of zero.
#[derive(Clone, Debug, Default)]
pub struct NativeBuckets {
    spans: Vec<BucketSpan>,
    counts: Vec<f64>,
}

/// Buckets whose indexes follow each other.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct BucketSpan {
    /// The index of the first bucket if this is the first span, and otherwise how many buckets are left out after the span
    /// before.
    pub offset: i32,
    /// The number of buckets.
    pub length: u32,
}

impl BucketSpan {
    /// Creates a span.
    pub const fn new(offset: i32, length: u32) -> Self {
        Self { offset, length }
    }
}

impl NativeBuckets {
    /// Creates buckets from spans and the counts of all buckets in them.
    ///
    /// # Errors
    ///
    /// If the spans do not have as many buckets as there are counts, if the offset of a span after the first is negative, or
    /// if an index exceeds 32 bits.
    pub fn new(
        spans: impl Into<Vec<BucketSpan>>,
        counts: impl Into<Vec<f64>>,
    ) -> Result<Self, NativeHistogramError> {
        let buckets = Self {
            spans: spans.into(),
            counts: counts.into(),
        };
        check_spans(&buckets.spans, buckets.counts.len())?;
        Ok(buckets)
    }

    /// Creates buckets from indexes and counts, by rising indexes.
    ///
    /// # Errors
    ///
    /// If an index is not greater than the one before.
    pub fn from_counts(
        buckets: impl IntoIterator<Item = (i32, f64)>,
    ) -> Result<Self, NativeHistogramError> {
        let mut made = Self::default();
        let mut next = 0;
        for (index, count) in buckets {
            let gap = i64::from(index) - next;
            match made.spans.last_mut() {
                Some(_) if gap < 0 => {
                    let message =
                        format!("expected an index greater than {}, found {index}", next - 1);
                    return Err(NativeHistogramError::new(message));
                }
                Some(span) if gap == 0 => span.length += 1,
                // The gap between two numbers of 32 bits may need one more.
                _ => match i32::try_from(gap) {
                    Ok(offset) => made.spans.push(BucketSpan::new(offset, 1)),
                    Err(_) => {
                        let message =
                            format!("expected at most 2^31 buckets between two, found {gap}");
                        return Err(NativeHistogramError::new(message));
                    }
                },
            }
            made.counts.push(count);
            next = i64::from(index) + 1;
        }
        Ok(made)
    }

    /// Returns the spans.
    pub fn spans(&self) -> &[BucketSpan] {
        &self.spans
    }

    /// Returns the counts of all buckets in the spans. They are not cumulative.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// Returns the index and the count of each bucket, by rising indexes.
    pub fn iter(&self) -> impl Iterator<Item = (i32, f64)> + Clone + '_ {
        indexes(&self.spans).zip(self.counts.iter().copied())
    }

    /// Returns whether there are no buckets.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Returns the sum of the counts.
    pub fn total(&self) -> f64 {
        // The sum of no numbers would be -0.
        self.counts.iter().fold(0.0, |total, count| total + count)
    }

    fn bits(&self) -> impl Iterator<Item = u64> + '_ {
        self.counts.iter().map(|count| one_nan(*count).to_bits())
    }
}

impl PartialEq for NativeBuckets {
    fn eq(&self, other: &Self) -> bool {
        self.spans == other.spans && self.bits().eq(other.bits())
    }
}

impl Eq for NativeBuckets {}

impl Hash for NativeBuckets {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spans.hash(state);
        self.bits().for_each(|bits| bits.hash(state));
    }
}

impl PartialOrd for NativeBuckets {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NativeBuckets {
    fn cmp(&self, other: &Self) -> Ordering {
        self.spans
            .cmp(&other.spans)
            .then_with(|| self.bits().cmp(other.bits()))
    }
}

/// Returns the indexes of the buckets in spans that were checked.
pub(crate) fn indexes(spans: &[BucketSpan]) -> impl Iterator<Item = i32> + Clone + '_ {
    let mut next = 0;
    spans.iter().flat_map(move |span| {
        let first = next + span.offset;
        next = first.saturating_add_unsigned(span.length);
        (0..span.length).map(move |place| first.saturating_add_unsigned(place))
    })
}

/// Checks that spans are those of so many buckets.
pub(crate) fn check_spans(
    spans: &[BucketSpan],
    buckets: usize,
) -> Result<(), NativeHistogramError> {
    let mut next = 0;
    let mut length = 0;
    for (place, span) in spans.iter().enumerate() {
        if place > 0 && span.offset < 0 {
            let message = format!(
                "expected spans that follow each other, found the offset {}",
                span.offset
            );
            return Err(NativeHistogramError::new(message));
        }
        next += i64::from(span.offset) + i64::from(span.length);
        length += u64::from(span.length);
        if i32::try_from(next).is_err() {
            return Err(NativeHistogramError::new(
                "expected indexes of 32 bits in the spans",
            ));
        }
    }
    if length != buckets as u64 {
        let message =
            format!("expected as many buckets as the {length} of the spans, found {buckets}");
        return Err(NativeHistogramError::new(message));
    }
    Ok(())
}

/// Why numbers are not a native histogram.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NativeHistogramError(String);

impl NativeHistogramError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for NativeHistogramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for NativeHistogramError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_indexes_say_the_same() {
        let buckets = NativeBuckets::from_counts([(-3, 1.0), (-2, 2.0), (4, 3.0)]).unwrap();
        assert_eq!(
            buckets.spans(),
            [BucketSpan::new(-3, 2), BucketSpan::new(5, 1)]
        );
        let read: Vec<_> = buckets.iter().collect();
        assert_eq!(read, [(-3, 1.0), (-2, 2.0), (4, 3.0)]);
        assert_eq!(
            NativeBuckets::new(buckets.spans(), buckets.counts()),
            Ok(buckets)
        );
    }

    #[test]
    fn spans_that_fit_no_buckets_are_refused() {
        for (spans, buckets, message) in [
            (
                vec![(0, 2)],
                1,
                "expected as many buckets as the 2 of the spans, found 1",
            ),
            (
                vec![],
                1,
                "expected as many buckets as the 0 of the spans, found 1",
            ),
            (
                vec![(0, 1), (-1, 1)],
                2,
                "expected spans that follow each other, found the offset -1",
            ),
            (
                vec![(i32::MAX, 1)],
                1,
                "expected indexes of 32 bits in the spans",
            ),
            (
                vec![(0, u32::MAX)],
                1,
                "expected indexes of 32 bits in the spans",
            ),
        ] {
            let spans: Vec<_> = spans
                .into_iter()
                .map(|(offset, length)| BucketSpan::new(offset, length))
                .collect();
            let error = check_spans(&spans, buckets).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn bounds_are_powers_of_the_factor() {
        let bound = |schema, index| {
            let histogram = NativeHistogram::new(schema, NativeBuckets::default()).unwrap();
            histogram.upper_bound(index)
        };
        assert_eq!(bound(0, 3), 8.0);
        assert_eq!(bound(3, 8), 2.0);
        assert_eq!(bound(-4, 1), 65536.0);
        assert_eq!(bound(0, -1), 0.5);
        for (schema, greatest) in [(-4, 64), (0, 1024), (8, 262_144)] {
            assert!(bound(schema, greatest - 1) < f64::MAX);
            assert_eq!(bound(schema, greatest), f64::MAX);
            assert_eq!(bound(schema, greatest + 1), f64::INFINITY);
        }
        assert_eq!(bound(8, i32::MAX), f64::INFINITY);
    }
}
