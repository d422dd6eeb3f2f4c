//! Native histograms.

use super::wire::{Field, Message, Result, zigzag};
use crate::{BucketSpan, NativeBuckets, NativeHistogram, NativeHistogramError, Rule, error::Fault};

/// The fields of a native histogram.
#[derive(Debug, Default)]
pub(super) struct NativePart {
    schema: i32,
    zero_threshold: f64,
    zero_count: f64,
    zero_count_float: f64,
    positive: Side,
    negative: Side,
    /// The places of the exemplars of no particular bucket.
    exemplars: Vec<u32>,
}

/// The buckets on one side of zero.
#[derive(Debug, Default)]
struct Side {
    spans: Vec<BucketSpan>,
    /// The differences of counts from one bucket to the next.
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

impl NativePart {
    pub(super) fn clear(&mut self) {
        self.schema = 0;
        self.zero_threshold = 0.0;
        self.zero_count = 0.0;
        self.zero_count_float = 0.0;
        self.positive.clear();
        self.negative.clear();
        self.exemplars.clear();
    }

    pub(super) fn add_exemplar(&mut self, place: u32) {
        self.exemplars.push(place);
    }

    pub(super) fn exemplars(&self) -> &[u32] {
        &self.exemplars
    }

    /// Reads a field of a message `Histogram`, if it is of a native histogram.
    pub(super) fn read(&mut self, field: Field<'_>) -> Result<()> {
        match field.number {
            5 => self.schema = field.signed("schema")?,
            6 => self.zero_threshold = field.double("zero_threshold")?,
            7 => self.zero_count = field.integer("zero_count")? as f64,
            8 => self.zero_count_float = field.double("zero_count_float")?,
            9..=11 => self.negative.read(field, field.number - 9)?,
            12..=14 => self.positive.read(field, field.number - 12)?,
            _ => {}
        }
        Ok(())
    }

    /// Makes counts of differences, and returns how many buckets there are.
    pub(super) fn finish(&mut self, at: usize) -> Result<usize> {
        if self.zero_count_float > 0.0 {
            self.zero_count = self.zero_count_float;
        }
        self.positive.finish(at)?;
        self.negative.finish(at)?;
        Ok(self.positive.counts.len() + self.negative.counts.len())
    }

    /// Returns whether the histogram is a native one, which Prometheus decides in the same way.
    pub(super) fn is_native(&self) -> bool {
        let has_spans = !self.positive.spans.is_empty() || !self.negative.spans.is_empty();
        has_spans || self.zero_threshold > 0.0 || self.zero_count > 0.0
    }
}

impl Side {
    fn clear(&mut self) {
        self.spans.clear();
        self.deltas.clear();
        self.counts.clear();
    }

    /// Reads spans, differences or counts.
    fn read(&mut self, field: Field<'_>, part: u32) -> Result<()> {
        match part {
            0 => self.spans.push(span(field.message("span")?)?),
            1 => {
                let packed = |numbers: &mut Message<'_>| numbers.next_varint().map(zigzag);
                let single = |field: Field<'_>| field.integer("delta").map(zigzag);
                field.each("delta", &mut self.deltas, packed, single)?;
            }
            _ => {
                let single = |field: Field<'_>| field.double("count");
                field.each("count", &mut self.counts, Message::next_double, single)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, at: usize) -> Result<()> {
        // Prometheus takes the floating-point counts where there are both.
        if self.counts.is_empty() {
            let mut count = 0_i64;
            for delta in &self.deltas {
                let Some(sum) = count.checked_add(*delta) else {
                    let message = "expected counts of 64 bits in a native histogram";
                    return Err(Fault::new(Rule::ProtobufMessage, at, message));
                };
                count = sum;
                self.counts.push(count as f64);
            }
        }
        Ok(())
    }

    fn to_buckets(&self) -> std::result::Result<NativeBuckets, NativeHistogramError> {
        // Spans without buckets say that a histogram is a native one.
        let is_empty = self.spans.iter().all(|span| span.length == 0);
        let spans = if is_empty { &[] } else { &*self.spans };
        NativeBuckets::new(spans, self.counts.as_slice())
    }
}

fn span(mut message: Message<'_>) -> Result<BucketSpan> {
    let mut span = BucketSpan::new(0, 0);
    while let Some(field) = message.next_field()? {
        match field.number {
            1 => span.offset = field.signed("offset")?,
            2 => {
                let length = field.integer("length")?;
                // Protocol buffers cut numbers that are too large for their type.
                span.length = length as u32;
            }
            _ => {}
        }
    }
    Ok(span)
}

/// A native histogram, borrowed from the parser. [`HistogramRef::native`](super::HistogramRef::native) returns it.
#[derive(Clone, Copy, Debug)]
pub struct NativeHistogramRef<'m> {
    part: &'m NativePart,
    count: f64,
    sum: f64,
}

/// The buckets of a [`NativeHistogramRef`] on one side of zero.
#[derive(Clone, Copy, Debug)]
pub struct SpanBuckets<'m>(&'m Side);

impl<'m> NativeHistogramRef<'m> {
    pub(super) fn new(part: &'m NativePart, count: f64, sum: f64) -> Self {
        Self { part, count, sum }
    }

    /// Returns the schema, which says how fine the buckets are. -4 to 8 are those of [`NativeHistogram`].
    pub fn schema(self) -> i32 {
        self.part.schema
    }

    /// Returns how far from zero the values of the zero bucket are at most.
    pub fn zero_threshold(self) -> f64 {
        self.part.zero_threshold
    }

    /// Returns the number of values in the zero bucket.
    pub fn zero_count(self) -> f64 {
        self.part.zero_count
    }

    /// Returns the buckets for positive values.
    pub fn positive(self) -> SpanBuckets<'m> {
        SpanBuckets(&self.part.positive)
    }

    /// Returns the buckets for negative values.
    pub fn negative(self) -> SpanBuckets<'m> {
        SpanBuckets(&self.part.negative)
    }

    /// Returns the histogram as owned data.
    ///
    /// # Errors
    ///
    /// If the spans do not fit the buckets, or if the schema or the zero threshold is not one that a native histogram can
    /// have.
    pub fn to_histogram(self) -> std::result::Result<NativeHistogram, NativeHistogramError> {
        let schema = NativeHistogram::checked_schema(self.part.schema.into())?;
        let histogram = NativeHistogram::new(schema, self.part.positive.to_buckets()?)?
            .with_negative(self.part.negative.to_buckets()?)
            .with_zero_bucket(self.part.zero_threshold, self.part.zero_count)?;
        Ok(histogram.with_count(self.count).with_sum(self.sum))
    }
}

impl<'m> SpanBuckets<'m> {
    /// Returns the spans.
    pub fn spans(self) -> &'m [BucketSpan] {
        &self.0.spans
    }

    /// Returns the counts of all buckets, which are not cumulative. Their number is that of the buckets in the spans, unless
    /// the exposition is wrong.
    pub fn counts(self) -> &'m [f64] {
        &self.0.counts
    }
}
