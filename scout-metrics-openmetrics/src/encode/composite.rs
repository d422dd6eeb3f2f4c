//! Composite values of OpenMetrics 2.0.

use std::fmt::{self, Write};

use crate::{
    BucketSpan, CompositeValue, HistogramValue, NativeBuckets, NativeHistogram, SummaryValue,
    number::write_value,
};

/// Checks that the grammar has a way to write a value. Returns what is wrong otherwise.
pub(super) fn check_composite(value: &CompositeValue) -> Result<(), &'static str> {
    match value {
        CompositeValue::GaugeHistogram(histogram) | CompositeValue::Histogram(histogram) => {
            check_histogram(histogram)
        }
        CompositeValue::Summary(summary) if summary.count().is_none() => {
            Err("a summary has to have a count")
        }
        CompositeValue::Summary(summary) if summary.sum().is_none() => {
            Err("a summary has to have a sum")
        }
        CompositeValue::Summary(summary) => {
            match summary.quantiles().all(|(rank, _)| rank.is_finite()) {
                true => Ok(()),
                false => Err("a quantile has to be finite"),
            }
        }
    }
}

fn check_histogram(histogram: &HistogramValue) -> Result<(), &'static str> {
    if histogram.sum().is_none() {
        return Err("a histogram has to have a sum");
    }
    let last = histogram.buckets().len().checked_sub(1);
    let Some(last) = last else {
        return match histogram.native() {
            Some(_) => Ok(()),
            None => Err("a histogram has to have buckets"),
        };
    };
    for (place, (threshold, _)) in histogram.buckets().enumerate() {
        let is_last = threshold == f64::INFINITY;
        if is_last != (place == last) {
            return Err("the last bucket, and no other, has to be `+Inf`");
        }
        if threshold.is_nan() || threshold == f64::NEG_INFINITY && place > 0 {
            return Err("a bucket has to have a finite threshold, except `-Inf` and `+Inf`");
        }
    }
    Ok(())
}

/// Writes a value that was checked. Fields that it does not have are left out.
pub(super) fn write_composite<W: Write>(out: &mut W, value: &CompositeValue) -> fmt::Result {
    match value {
        CompositeValue::GaugeHistogram(histogram) => write_histogram(out, "g", histogram),
        CompositeValue::Histogram(histogram) => write_histogram(out, "", histogram),
        CompositeValue::Summary(summary) => write_summary(out, summary),
    }
}

fn write_histogram<W: Write>(out: &mut W, prefix: &str, histogram: &HistogramValue) -> fmt::Result {
    write!(out, "{{{prefix}count:")?;
    write_value(out, histogram.count())?;
    if let Some(sum) = histogram.sum() {
        write!(out, ",{prefix}sum:")?;
        write_value(out, sum)?;
    }
    if let Some(native) = histogram.native() {
        write_native(out, native)?;
    }
    if histogram.buckets().len() > 0 {
        write_pairs(out, ",bucket:[", histogram.buckets())?;
    }
    out.write_char('}')
}

fn write_summary<W: Write>(out: &mut W, summary: &SummaryValue) -> fmt::Result {
    out.write_str("{count:")?;
    write_value(out, summary.count().unwrap_or_default())?;
    out.write_str(",sum:")?;
    write_value(out, summary.sum().unwrap_or_default())?;
    write_pairs(out, ",quantile:[", summary.quantiles())?;
    out.write_char('}')
}

fn write_native<W: Write>(out: &mut W, native: &NativeHistogram) -> fmt::Result {
    write!(out, ",schema:{},zero_threshold:", native.schema())?;
    write_value(out, native.zero_threshold())?;
    out.write_str(",zero_count:")?;
    write_value(out, native.zero_count())?;
    write_side(out, "negative", native.negative())?;
    write_side(out, "positive", native.positive())
}

/// Writes the buckets on one side of zero, unless there are none.
fn write_side<W: Write>(out: &mut W, side: &str, buckets: &NativeBuckets) -> fmt::Result {
    if buckets.spans().is_empty() {
        return Ok(());
    }
    write!(out, ",{side}_spans:")?;
    write_list(
        out,
        buckets.spans(),
        |out, BucketSpan { offset, length }| write!(out, "{offset}:{length}"),
    )?;
    write!(out, ",{side}_buckets:")?;
    write_list(out, buckets.counts(), |out, count| write_value(out, *count))
}

fn write_list<W: Write, T>(
    out: &mut W,
    items: &[T],
    write: impl Fn(&mut W, &T) -> fmt::Result,
) -> fmt::Result {
    let mut separator = '[';
    for item in items {
        out.write_char(separator)?;
        write(out, item)?;
        separator = ',';
    }
    out.write_str(if items.is_empty() { "[]" } else { "]" })
}

/// Writes thresholds and counts, or ranks and values.
fn write_pairs<W: Write>(
    out: &mut W,
    start: &str,
    pairs: impl Iterator<Item = (f64, f64)>,
) -> fmt::Result {
    let mut separator = start;
    for (number, value) in pairs {
        out.write_str(separator)?;
        write_value(out, number)?;
        out.write_char(':')?;
        write_value(out, value)?;
        separator = ",";
    }
    if separator == start {
        out.write_str(start)?;
    }
    out.write_char(']')
}
