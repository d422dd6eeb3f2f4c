//! Families to messages.

use super::write::{put_delimited, put_double, put_integer, put_message, put_signed, put_text};
use crate::{
    CompositeValue, EncodeError, Exemplar, Format, HistogramValue, LabelSet, MetricFamily,
    MetricType, NativeBuckets, NativeHistogram, Sample, Suffix, SummaryValue, Timestamp,
};

type Result = std::result::Result<(), EncodeError>;

/// Writes a family in composite form after its length.
pub(crate) fn write_family(out: &mut Vec<u8>, family: &MetricFamily) -> Result {
    put_delimited(out, |out| {
        put_text(out, 1, family.name());
        if !family.help().is_empty() {
            put_text(out, 2, family.help());
        }
        put_integer(out, 3, number_of(family)?);
        for sample in family.samples() {
            write_metric(out, family.kind(), sample)?;
        }
        if !family.unit().is_empty() {
            put_text(out, 5, family.unit());
        }
        Ok(())
    })
}

fn number_of(family: &MetricFamily) -> std::result::Result<u64, EncodeError> {
    Ok(match family.kind() {
        MetricType::Counter => 0,
        MetricType::Gauge => 1,
        MetricType::Summary => 2,
        MetricType::Unknown => 3,
        MetricType::Histogram => 4,
        MetricType::GaugeHistogram => 5,
        kind => return refuse(format!("the format has no type {kind}")),
    })
}

/// Writes a metric: its labels, its value and its timestamp.
fn write_metric(out: &mut Vec<u8>, kind: MetricType, sample: &Sample) -> Result {
    if sample.suffix() != Suffix::None {
        return refuse(format!(
            "a {kind} has no sample that ends in `{}`",
            sample.suffix()
        ));
    }
    put_message(out, 4, |out| {
        write_labels(out, sample.labels());
        match (kind, sample.composite()) {
            (MetricType::Counter, None) => write_counter(out, sample)?,
            (MetricType::Gauge, None) => write_number(out, 2, sample)?,
            (MetricType::Unknown, None) => write_number(out, 5, sample)?,
            (MetricType::Summary, Some(CompositeValue::Summary(summary))) => {
                write_summary(out, sample, summary)?;
            }
            (MetricType::Histogram, Some(CompositeValue::Histogram(histogram)))
            | (MetricType::GaugeHistogram, Some(CompositeValue::GaugeHistogram(histogram))) => {
                write_histogram(out, sample, histogram)?;
            }
            _ => {
                return refuse(format!(
                    "the value of a sample is not one of the type {kind}"
                ));
            }
        }
        match sample.timestamp().map(Timestamp::to_millis) {
            Some(Some(millis)) => put_integer(out, 6, millis as u64),
            Some(None) => return refuse("timestamps have whole milliseconds of 64 bits"),
            None => {}
        }
        Ok(())
    })
}

fn write_labels(out: &mut Vec<u8>, labels: &LabelSet) {
    for (name, value) in labels {
        let written: std::result::Result<(), std::convert::Infallible> =
            put_message(out, 1, |out| {
                put_text(out, 1, name);
                put_text(out, 2, value);
                Ok(())
            });
        let Ok(()) = written;
    }
}

fn write_number(out: &mut Vec<u8>, field: u32, sample: &Sample) -> Result {
    if !sample.exemplars().is_empty() || sample.start_timestamp().is_some() {
        return refuse("a gauge or unknown has neither exemplars nor a start timestamp");
    }
    put_message(out, field, |out| {
        put_double(out, 1, sample.value());
        Ok(())
    })
}

fn write_counter(out: &mut Vec<u8>, sample: &Sample) -> Result {
    put_message(out, 3, |out| {
        put_double(out, 1, sample.value());
        match sample.exemplars() {
            [] => {}
            [exemplar] => write_exemplar(out, 2, exemplar)?,
            _ => return refuse("a counter has at most one exemplar"),
        }
        write_start(out, 3, sample)
    })
}

fn write_summary(out: &mut Vec<u8>, sample: &Sample, summary: &SummaryValue) -> Result {
    if !sample.exemplars().is_empty() {
        return refuse("a summary has no exemplars");
    }
    put_message(out, 4, |out| {
        if let Some(count) = summary.count() {
            if !is_u64(count) {
                return refuse("the count of a summary is a whole number of 64 bits");
            }
            put_integer(out, 1, count as u64);
        }
        if let Some(sum) = summary.sum() {
            put_double(out, 2, sum);
        }
        summary
            .quantiles()
            .try_for_each(|quantile| write_quantile(out, quantile))?;
        write_start(out, 4, sample)
    })
}

fn write_quantile(out: &mut Vec<u8>, (rank, value): (f64, f64)) -> Result {
    put_message(out, 3, |out| {
        put_double(out, 1, rank);
        put_double(out, 2, value);
        Ok(())
    })
}

fn write_histogram(out: &mut Vec<u8>, sample: &Sample, histogram: &HistogramValue) -> Result {
    let (in_buckets, others) = place_exemplars(sample.exemplars(), histogram)?;
    // Counts are whole numbers in all buckets or in none.
    let is_whole = histogram.buckets().all(|(_, count)| whole(count).is_some())
        && histogram.native().is_none_or(is_whole_native)
        && whole(histogram.count()).is_some();
    let writer = CountWriter { is_whole };
    put_message(out, 7, |out| {
        writer.put(out, 1, 4, histogram.count());
        if let Some(sum) = histogram.sum() {
            put_double(out, 2, sum);
        }
        for (place, bucket) in histogram.buckets().enumerate() {
            let exemplar = in_buckets.get(place).copied().flatten();
            writer.write_bucket(out, bucket, exemplar)?;
        }
        if let Some(native) = histogram.native() {
            writer.write_native(out, native)?;
        }
        write_start(out, 15, sample)?;
        let mut others = others.iter();
        others.try_for_each(|exemplar| write_exemplar(out, 16, exemplar))
    })
}

/// The exemplar of each classic bucket, and those of the native histogram.
type Placed<'e> = (Vec<Option<&'e Exemplar>>, Vec<&'e Exemplar>);

/// Returns whether the exemplars of a histogram have places in a message.
pub(crate) fn has_places(exemplars: &[Exemplar], histogram: &HistogramValue) -> bool {
    place_exemplars(exemplars, histogram).is_ok()
}

/// Gives each exemplar the lowest classic bucket that holds its value. If that has one already, the native histogram gets it, or
/// without one the next bucket that is free, because all later buckets hold the value as well.
fn place_exemplars<'e>(
    exemplars: &'e [Exemplar],
    histogram: &HistogramValue,
) -> std::result::Result<Placed<'e>, EncodeError> {
    if exemplars.is_empty() {
        return Ok(Placed::default());
    }
    let is_native = histogram.native().is_some();
    let bounds: Vec<_> = histogram.buckets().map(|(bound, _)| bound).collect();
    let mut places = FreePlaces::new(bounds.len());
    let mut placed = (vec![None; bounds.len()], Vec::new());
    for exemplar in exemplars {
        // Bounds rise, or the buckets break a rule.
        let value = exemplar.value();
        let lowest = bounds.partition_point(|bound| *bound < value);
        match places.take(lowest, is_native) {
            Some(place) => placed.0[place] = Some(exemplar),
            None if is_native => placed.1.push(exemplar),
            None => {
                return refuse("an exemplar needs a bucket that holds it and no other exemplar");
            }
        }
    }
    Ok(placed)
}

/// The places of buckets that have no exemplar.
struct FreePlaces {
    /// For each place, itself if it is free, and otherwise one after it that is not after the next free one.
    next: Vec<usize>,
}

impl FreePlaces {
    fn new(count: usize) -> Self {
        Self {
            next: (0..=count).collect(),
        }
    }

    /// Takes a place, or the first free one after it.
    fn take(&mut self, from: usize, is_only: bool) -> Option<usize> {
        if is_only && self.next[from] != from {
            return None;
        }
        let mut place = from;
        while self.next[place] != place {
            self.next[place] = self.next[self.next[place]];
            place = self.next[place];
        }
        let is_bucket = place + 1 < self.next.len();
        is_bucket.then(|| {
            self.next[place] = place + 1;
            place
        })
    }
}

/// Writes counts, all of them as whole numbers or as floating-point numbers.
#[derive(Clone, Copy)]
struct CountWriter {
    is_whole: bool,
}

impl CountWriter {
    fn put(self, out: &mut Vec<u8>, whole_field: u32, float_field: u32, count: f64) {
        match whole(count).filter(|_| self.is_whole) {
            Some(count) => put_integer(out, whole_field, count),
            None => put_double(out, float_field, count),
        }
    }

    fn write_bucket(
        self,
        out: &mut Vec<u8>,
        (bound, count): (f64, f64),
        exemplar: Option<&Exemplar>,
    ) -> Result {
        put_message(out, 3, |out| {
            self.put(out, 1, 4, count);
            put_double(out, 2, bound);
            match exemplar {
                Some(exemplar) => write_exemplar(out, 3, exemplar),
                None => Ok(()),
            }
        })
    }

    fn write_native(self, out: &mut Vec<u8>, native: &NativeHistogram) -> Result {
        put_signed(out, 5, native.schema().into());
        put_double(out, 6, native.zero_threshold());
        self.put(out, 7, 8, native.zero_count());
        self.write_side(out, 9, native.negative())?;
        self.write_side(out, 12, native.positive())?;
        // A reader recognizes a native histogram without buckets by an empty span.
        let is_empty = native.negative().spans().is_empty() && native.positive().spans().is_empty();
        if is_empty && native.zero_threshold() == 0.0 && native.zero_count() == 0.0 {
            write_span(out, 12, 0, 0)?;
        }
        Ok(())
    }

    /// Writes the spans and the counts of buckets, whose fields follow each other.
    fn write_side(self, out: &mut Vec<u8>, field: u32, buckets: &NativeBuckets) -> Result {
        for span in buckets.spans() {
            write_span(out, field, span.offset, span.length)?;
        }
        let mut before = 0;
        for count in buckets.counts() {
            match whole(*count).filter(|_| self.is_whole) {
                Some(count) => {
                    put_signed(out, field + 1, count as i64 - before);
                    before = count as i64;
                }
                None => put_double(out, field + 2, *count),
            }
        }
        Ok(())
    }
}

fn write_span(out: &mut Vec<u8>, field: u32, offset: i32, length: u32) -> Result {
    put_message(out, field, |out| {
        put_signed(out, 1, offset.into());
        put_integer(out, 2, length.into());
        Ok(())
    })
}

fn write_exemplar(out: &mut Vec<u8>, field: u32, exemplar: &Exemplar) -> Result {
    put_message(out, field, |out| {
        write_labels(out, exemplar.labels());
        put_double(out, 2, exemplar.value());
        match exemplar.timestamp() {
            Some(timestamp) => write_timestamp(out, 3, timestamp),
            None => Ok(()),
        }
    })
}

fn write_start(out: &mut Vec<u8>, field: u32, sample: &Sample) -> Result {
    match sample.start_timestamp() {
        Some(start) => write_timestamp(out, field, start),
        None => Ok(()),
    }
}

/// Writes a message `google.protobuf.Timestamp`.
fn write_timestamp(out: &mut Vec<u8>, field: u32, timestamp: Timestamp) -> Result {
    let Ok(seconds) = i64::try_from(timestamp.seconds()) else {
        return refuse("times have seconds of 64 bits");
    };
    put_message(out, field, |out| {
        put_integer(out, 1, seconds as u64);
        put_integer(out, 2, timestamp.nanos().into());
        Ok(())
    })
}

fn is_whole_native(native: &NativeHistogram) -> bool {
    let counts = native
        .positive()
        .counts()
        .iter()
        .chain(native.negative().counts());
    let own = [native.count(), native.zero_count()];
    counts.chain(&own).all(|count| whole(*count).is_some())
}

/// Returns a count as a whole number, if it is one that a floating-point number holds exactly.
fn whole(count: f64) -> Option<u64> {
    const MAX: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
    let is_whole = (0.0..=MAX).contains(&count)
        && count.fract() == 0.0
        && !(count == 0.0 && count.is_sign_negative());
    is_whole.then_some(count as u64)
}

/// Returns whether a number is one that a whole number of 64 bits reads as.
fn is_u64(count: f64) -> bool {
    const MAX: f64 = u64::MAX as f64;
    (0.0..=MAX).contains(&count) && count.fract() == 0.0 && !count.is_sign_negative()
}

fn refuse<T>(what: impl Into<String>) -> std::result::Result<T, EncodeError> {
    Err(EncodeError::not_expressible("", Format::Protobuf, what))
}
