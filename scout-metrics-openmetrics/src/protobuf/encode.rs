//! Families to messages.

use super::write::{put_delimited, put_double, put_integer, put_message, put_signed, put_text};
use crate::{
    Bucket, EncodeError, Exemplar, Format, Histogram, LabelSet, MetricFamily, MetricType,
    NativeBuckets, NativeHistogram, Quantile, Sample, Suffix, Summary, Timestamp,
};

type Result = std::result::Result<(), EncodeError>;

/// Writes a family after its length.
pub(crate) fn write_family(out: &mut Vec<u8>, family: &MetricFamily) -> Result {
    put_delimited(out, |out| {
        put_text(out, 1, &family.name_in(Format::Protobuf));
        if !family.help().is_empty() {
            put_text(out, 2, family.help());
        }
        put_integer(out, 3, number_of(family)?);
        write_metrics(out, family)?;
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

fn write_metrics(out: &mut Vec<u8>, family: &MetricFamily) -> Result {
    let misfit = |error: crate::GroupError| {
        EncodeError::not_expressible("", Format::Protobuf, error.to_string())
    };
    match family.kind() {
        MetricType::Counter => write_counters(out, family),
        MetricType::GaugeHistogram | MetricType::Histogram => {
            let histograms = family.histograms().map_err(misfit)?;
            histograms
                .iter()
                .try_for_each(|histogram| write_histogram(out, histogram))
        }
        MetricType::Summary => {
            let summaries = family.summaries().map_err(misfit)?;
            summaries
                .iter()
                .try_for_each(|summary| write_summary(out, summary))
        }
        MetricType::Gauge => write_numbers(out, family, 2),
        _ => write_numbers(out, family, 5),
    }
}

/// Writes a metric: its labels, its value and its timestamp.
fn write_metric(
    out: &mut Vec<u8>,
    labels: &LabelSet,
    timestamp: Option<Timestamp>,
    value: impl FnOnce(&mut Vec<u8>) -> Result,
) -> Result {
    put_message(out, 4, |out| {
        write_labels(out, labels);
        value(out)?;
        if let Some(timestamp) = timestamp {
            let Some(millis) = timestamp.to_millis() else {
                return refuse("timestamps have whole milliseconds of 64 bits");
            };
            put_integer(out, 6, millis as u64);
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

fn write_numbers(out: &mut Vec<u8>, family: &MetricFamily, field: u32) -> Result {
    for sample in family.samples() {
        if sample.suffix() != Suffix::None
            || !sample.exemplars().is_empty()
            || sample.native_histogram().is_some()
        {
            return refuse("a gauge or unknown has neither suffixes, exemplars nor histograms");
        }
        write_metric(out, sample.labels(), sample.timestamp(), |out| {
            put_message(out, field, |out| {
                put_double(out, 1, sample.value());
                Ok(())
            })
        })?;
    }
    Ok(())
}

fn write_counters(out: &mut Vec<u8>, family: &MetricFamily) -> Result {
    for metric in family.metrics() {
        let created = metric.created();
        let mut totals = metric
            .samples()
            .iter()
            .filter(|sample| sample.suffix() != Suffix::Created)
            .peekable();
        if totals.peek().is_none() {
            return refuse("a counter has a value");
        }
        for sample in totals {
            write_metric(out, sample.labels(), sample.timestamp(), |out| {
                write_counter(out, sample, created)
            })?;
        }
    }
    Ok(())
}

fn write_counter(out: &mut Vec<u8>, sample: &Sample, created: Option<f64>) -> Result {
    if !matches!(sample.suffix(), Suffix::None | Suffix::Total)
        || sample.native_histogram().is_some()
    {
        return refuse("a counter has no samples but its value and its time of creation");
    }
    put_message(out, 3, |out| {
        put_double(out, 1, sample.value());
        match sample.exemplars() {
            [] => {}
            [exemplar] => write_exemplar(out, 2, exemplar)?,
            _ => return refuse("a counter has at most one exemplar"),
        }
        write_created(out, 3, created)
    })
}

fn write_summary(out: &mut Vec<u8>, summary: &Summary) -> Result {
    write_metric(out, summary.labels(), summary.timestamp(), |out| {
        put_message(out, 4, |out| {
            if let Some(count) = summary.count() {
                let Some(count) = whole(count) else {
                    return refuse("the count of a summary is a whole number");
                };
                put_integer(out, 1, count);
            }
            if let Some(sum) = summary.sum() {
                put_double(out, 2, sum);
            }
            for quantile in summary.quantiles() {
                write_quantile(out, quantile)?;
            }
            write_created(out, 4, summary.created())
        })
    })
}

fn write_quantile(out: &mut Vec<u8>, quantile: &Quantile) -> Result {
    put_message(out, 3, |out| {
        put_double(out, 1, quantile.rank());
        put_double(out, 2, quantile.value());
        Ok(())
    })
}

fn write_histogram(out: &mut Vec<u8>, histogram: &Histogram) -> Result {
    // Counts are whole numbers in all buckets or in none.
    let is_whole = histogram
        .buckets()
        .iter()
        .all(|bucket| whole(bucket.count()).is_some())
        && histogram.native().is_none_or(is_whole_native)
        && whole(histogram.count()).is_some();
    let writer = CountWriter { is_whole };
    write_metric(out, histogram.labels(), histogram.timestamp(), |out| {
        put_message(out, 7, |out| {
            writer.put(out, 1, 4, histogram.count());
            if let Some(sum) = histogram.sum() {
                put_double(out, 2, sum);
            }
            for bucket in histogram.buckets() {
                writer.write_bucket(out, bucket)?;
            }
            if let Some(native) = histogram.native() {
                writer.write_native(out, native)?;
            }
            write_created(out, 15, histogram.created())?;
            let mut exemplars = histogram.other_exemplars().iter();
            exemplars.try_for_each(|exemplar| write_exemplar(out, 16, exemplar))
        })
    })
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

    fn write_bucket(self, out: &mut Vec<u8>, bucket: &Bucket) -> Result {
        put_message(out, 3, |out| {
            self.put(out, 1, 4, bucket.count());
            put_double(out, 2, bucket.bound());
            match bucket.exemplar() {
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

fn write_created(out: &mut Vec<u8>, field: u32, created: Option<f64>) -> Result {
    let Some(created) = created else {
        return Ok(());
    };
    match Timestamp::from_seconds(created) {
        Some(timestamp) => write_timestamp(out, field, timestamp),
        None => refuse("a time of creation is a finite number"),
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

fn refuse<T>(what: impl Into<String>) -> std::result::Result<T, EncodeError> {
    Err(EncodeError::not_expressible("", Format::Protobuf, what))
}
