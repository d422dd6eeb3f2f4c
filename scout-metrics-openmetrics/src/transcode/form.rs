//! Families with a series for each number, and with composite values, and what each form does not keep.

use std::{borrow::Cow, collections::HashSet};

use super::{
    arrange::{SortedLabels, retain, sorted_labels},
    draft::is_valid,
};
use crate::{
    CompositeValue, Format, HistogramValue, Lost, MetricFamily, MetricType, Sample, Suffix,
    Timestamp,
    group::{CountWithoutSum, Unfolded, fold, unfold},
};

/// Returns whether a format has composite values.
pub(super) fn is_composite(format: Format) -> bool {
    matches!(format, Format::OpenMetrics2 | Format::Protobuf)
}

/// A family in another form.
#[derive(Debug)]
pub(super) struct Formed {
    pub(super) family: MetricFamily,
    pub(super) losses: Vec<Lost>,
}

/// Returns families whose histograms have the bucket `+Inf`, which protobuf leaves out because it holds as many as there are.
/// Histograms of native buckets alone stay as they are.
pub(super) fn with_last_buckets(families: &[MetricFamily]) -> Cow<'_, [MetricFamily]> {
    let mut samples = families.iter().flat_map(MetricFamily::samples);
    if samples.all(|sample| with_last_bucket(sample).is_none()) {
        return Cow::Borrowed(families);
    }
    let complete = |sample: Sample| with_last_bucket(&sample).unwrap_or(sample);
    let families = families.iter().cloned();
    Cow::Owned(families.map(|it| it.map_samples(complete)).collect())
}

/// Returns a sample with the bucket `+Inf`, if it needs one.
fn with_last_bucket(sample: &Sample) -> Option<Sample> {
    let value = sample.composite()?;
    let histogram = value.histogram()?;
    let has_last = histogram.buckets().any(|(bound, _)| bound == f64::INFINITY);
    if has_last || is_native_alone(sample) {
        return None;
    }
    let last = (f64::INFINITY, histogram.count());
    let histogram = histogram
        .clone()
        .with_buckets(histogram.buckets().chain([last]));
    let value = match value {
        CompositeValue::GaugeHistogram(_) => CompositeValue::GaugeHistogram(histogram),
        _ => CompositeValue::Histogram(histogram),
    };
    Some(sample.clone().with_composite(value))
}

/// Returns a family with series alone, as Prometheus text and OpenMetrics 1.0 have it.
pub(super) fn classic(family: &MetricFamily, format: Format) -> Formed {
    let mut losses = Vec::new();
    let mut lose = |count: usize, lost: fn(usize) -> Lost| {
        if count > 0 {
            losses.push(lost(count));
        }
    };
    let is_native = |sample: &&Sample| sample.native_histogram().is_some();
    let natives = family.samples().iter().filter(is_native).count();
    lose(natives, |count| Lost::NativeHistograms { count });
    let mut family = family.clone();
    let mut exemplars_left_out = 0;
    if natives > 0 {
        let before = count_exemplars(&family);
        leave_out_natives_of_series(&mut family);
        exemplars_left_out = before - count_exemplars(&family);
        family = family.map_samples(without_native);
    }
    let before = family.samples().len();
    family.retain(|sample| !has_point_label(sample));
    lose(before - family.samples().len(), |count| {
        Lost::InvalidLabels { count }
    });
    let count_without_sum = match format {
        Format::OpenMetrics => CountWithoutSum::LeftOut,
        _ => CountWithoutSum::Written,
    };
    let Unfolded {
        family,
        exemplars,
        rounded,
        ..
    } = unfold(&family, count_without_sum);
    lose(exemplars_left_out + exemplars, |count| Lost::Exemplars {
        count,
    });
    lose(rounded, |count| Lost::StartTimestampPrecision { count });
    Formed { family, losses }
}

fn count_exemplars(family: &MetricFamily) -> usize {
    let samples = family.samples().iter();
    samples.map(|sample| sample.exemplars().len()).sum()
}

/// Returns whether a sample has the label that its buckets or quantiles get.
fn has_point_label(sample: &Sample) -> bool {
    let label = match sample.composite() {
        Some(CompositeValue::Summary(_)) => "quantile",
        Some(value) if value.histogram().is_some_and(|it| it.buckets().len() > 0) => "le",
        _ => return false,
    };
    sample.labels().get(label).is_some()
}

fn is_native_alone(sample: &Sample) -> bool {
    let histogram = sample.composite().and_then(CompositeValue::histogram);
    histogram.is_some_and(|it| it.native().is_some() && it.buckets().len() == 0)
}

/// Leaves out each histogram of native buckets alone whose count is in a series next to it.
fn leave_out_natives_of_series(family: &mut MetricFamily) {
    let samples = family.samples();
    let series = samples.iter().filter(|it| it.suffix() != Suffix::None);
    let points: HashSet<_> = series.map(histogram_point).collect();
    let is_in_series = |sample: &Sample| {
        let is_apart = is_native_alone(sample) && sample.labels().get("le").is_none();
        is_apart && points.contains(&histogram_point(sample))
    };
    let kept: Vec<bool> = samples.iter().map(|it| !is_in_series(it)).collect();
    retain(family, &kept);
}

/// Returns the labels and the time that a native histogram and the series of its buckets have in common.
fn histogram_point(sample: &Sample) -> (SortedLabels<'_>, Option<Timestamp>) {
    let mut labels = sorted_labels(sample);
    labels.retain(|(name, _)| *name != "le");
    (labels, sample.timestamp())
}

/// Returns a sample without native buckets. If it has no others, it gets the bucket `+Inf`, which says no more than the count.
fn without_native(sample: Sample) -> Sample {
    let is_alone = is_native_alone(&sample);
    let value = match sample.composite() {
        Some(CompositeValue::GaugeHistogram(value)) => {
            CompositeValue::GaugeHistogram(value.clone().without_native())
        }
        Some(CompositeValue::Histogram(value)) => {
            CompositeValue::Histogram(value.clone().without_native())
        }
        _ => return sample,
    };
    let sample = sample.with_composite(value);
    match is_alone {
        true => with_last_bucket(&sample).unwrap_or(sample),
        false => sample,
    }
}

/// Returns a family with composite values, as OpenMetrics 2.0 and protobuf have it, or `None` if its samples do not fit
/// together or there are types of values that the format does not have.
pub(super) fn composite(family: &MetricFamily, format: Format) -> Option<Formed> {
    let folded = fold(family).ok()?;
    let mut formed = Formed {
        family: folded.family,
        losses: Vec::new(),
    };
    let has_misfits = formed.family.samples().iter().any(|sample| {
        sample.suffix() != Suffix::None || !fits(formed.family.kind(), sample, format)
    });
    if has_misfits {
        return None;
    }
    if folded.rounded > 0 {
        let count = folded.rounded;
        formed.losses.push(Lost::StartTimestampPrecision { count });
    }
    leave_out_labels(&mut formed, format);
    leave_out_starts(&mut formed, format);
    if format == Format::OpenMetrics2 {
        set_sums(&mut formed);
    }
    Some(formed)
}

/// Returns whether a type has such a value in a format.
fn fits(kind: MetricType, sample: &Sample, format: Format) -> bool {
    match (kind, sample.composite()) {
        (MetricType::Unknown, value) => value.is_none() || format == Format::OpenMetrics2,
        (MetricType::GaugeHistogram, Some(value)) => value.histogram().is_some(),
        (MetricType::Histogram, Some(value)) => value.histogram().is_some(),
        (MetricType::Summary, Some(value)) => value.summary().is_some(),
        (MetricType::GaugeHistogram | MetricType::Histogram | MetricType::Summary, None) => false,
        (_, value) => value.is_none(),
    }
}

/// Leaves out samples with labels that the format reserves.
fn leave_out_labels(formed: &mut Formed, format: Format) {
    let before = formed.family.samples().len();
    formed
        .family
        .retain(|sample| !has_point_label(sample) && is_valid(sample.labels(), format));
    let count = before - formed.family.samples().len();
    if count > 0 {
        formed.losses.push(Lost::InvalidLabels { count });
    }
}

/// Leaves out start timestamps that the format does not have for a type.
fn leave_out_starts(formed: &mut Formed, format: Format) {
    let kind = formed.family.kind();
    let has_start = |sample: &Sample| match (format, kind, sample.composite()) {
        (Format::OpenMetrics2, MetricType::Unknown, Some(CompositeValue::GaugeHistogram(_))) => {
            false
        }
        (Format::OpenMetrics2, MetricType::Unknown, _) => true,
        (Format::Protobuf, MetricType::GaugeHistogram, _) => true,
        _ => matches!(
            kind,
            MetricType::Counter | MetricType::Histogram | MetricType::Summary
        ),
    };
    let mut count = 0;
    for sample in formed.family.samples_mut() {
        if sample.start_timestamp().is_some() && !has_start(sample) {
            *sample = sample.clone().without_start_timestamp();
            count += 1;
        }
    }
    if count > 0 {
        formed.losses.push(Lost::StartTimestamps { count });
    }
}

/// Gives each histogram without a sum one that is not a number.
fn set_sums(formed: &mut Formed) {
    let with_sum = |value: &HistogramValue| value.clone().with_sum(f64::NAN);
    let mut count = 0;
    for sample in formed.family.samples_mut() {
        let value = match sample.composite() {
            Some(CompositeValue::GaugeHistogram(value)) if value.sum().is_none() => {
                CompositeValue::GaugeHistogram(with_sum(value))
            }
            Some(CompositeValue::Histogram(value)) if value.sum().is_none() => {
                CompositeValue::Histogram(with_sum(value))
            }
            _ => continue,
        };
        *sample = sample.clone().with_composite(value);
        count += 1;
    }
    if count > 0 {
        formed.losses.push(Lost::UnknownSums { count });
    }
}
