//! Families to expositions.

use super::{encode::write_family, families::read_families};
use crate::{
    CompositeValue, EncodeError, Format, HistogramValue, Limits, MetricFamily, Mode, NativeBuckets,
    NativeHistogram, ParseOptions, Sample,
};

/// Writes families in composite form, and checks that strict mode reads the same.
pub(crate) fn encode(families: &[MetricFamily]) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    for family in families {
        let written = write_family(&mut out, family);
        written.map_err(|error| error.with_family(family))?;
    }
    let strict = ParseOptions::new(Format::Protobuf)
        .with_mode(Mode::Strict)
        .with_limits(Limits::unlimited());
    let read = read_families(&out, &strict).map_err(EncodeError::broken_rule)?;
    for (family, read) in families.iter().zip(&read) {
        if !is_same(family, read) {
            let what = "a reader would read another family";
            let refused = EncodeError::not_expressible("", Format::Protobuf, what);
            return Err(refused.with_family(family));
        }
    }
    Ok(out)
}

/// Returns whether families are the same, apart from the order of the exemplars of a histogram, which is that of the buckets,
/// and from spans without any bucket, which say that a histogram is a native one.
fn is_same(family: &MetricFamily, read: &MetricFamily) -> bool {
    let mut samples = family.samples().iter().zip(read.samples());
    family.name() == read.name()
        && family.kind() == read.kind()
        && family.help() == read.help()
        && family.unit() == read.unit()
        && family.samples().len() == read.samples().len()
        && samples.all(|(sample, read)| sample == read || normal(sample) == normal(read))
}

fn normal(sample: &Sample) -> Sample {
    let mut exemplars = sample.exemplars().to_vec();
    exemplars.sort();
    let sample = sample.clone().with_exemplars(exemplars);
    let value = match sample.composite() {
        Some(CompositeValue::GaugeHistogram(value)) => {
            CompositeValue::GaugeHistogram(without_empty_spans(value))
        }
        Some(CompositeValue::Histogram(value)) => {
            CompositeValue::Histogram(without_empty_spans(value))
        }
        _ => return sample,
    };
    sample.with_composite(value)
}

fn without_empty_spans(value: &HistogramValue) -> HistogramValue {
    let without = |native: &NativeHistogram| {
        let side = |buckets: &NativeBuckets| match buckets.is_empty() {
            true => NativeBuckets::default(),
            false => buckets.clone(),
        };
        NativeHistogram::new(native.schema(), side(native.positive()))?
            .with_negative(side(native.negative()))
            .with_zero_bucket(native.zero_threshold(), native.zero_count())
    };
    match value.native().map(without) {
        Some(Ok(native)) => value.clone().with_native(native),
        _ => value.clone(),
    }
}
