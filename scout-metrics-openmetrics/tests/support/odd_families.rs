//! Families that may break any rule, for property tests.

use proptest::prelude::*;
use scout_metrics_openmetrics::{
    CompositeValue, Exemplar, HistogramValue, LabelSet, MetricFamily, MetricType, NativeBuckets,
    NativeHistogram, Sample, Suffix, SummaryValue, Timestamp,
};

use super::new_families::start;

/// A family with any type and any samples, of few names, so that names clash.
pub(crate) fn odd_family() -> impl Strategy<Value = MetricFamily> {
    let name = prop::sample::select(
        &[
            "a",
            "a_total",
            "a_created",
            "a_sum",
            "a_bucket",
            "a_info",
            "a_seconds",
            "a.b",
            "_total",
        ][..],
    );
    let help = prop::sample::select(&["", "help", " blank", "return\r", "\r"][..]);
    let unit = prop::sample::select(&["", "", "seconds", "b", "total", "\n"][..]);
    let kind = prop::sample::select(MetricType::ALL);
    let samples = prop::collection::vec(odd_sample(), 0..8);
    (name, kind, help, unit, samples, any::<bool>()).prop_map(
        |(name, kind, help, unit, samples, is_fitting)| {
            let mut family = MetricFamily::new(name, kind)
                .with_help(help)
                .with_unit(unit);
            let suffixes = suffixes(kind);
            for (place, sample) in samples.into_iter().enumerate() {
                let suffix = suffixes[place % suffixes.len()];
                let sample = with_values_of(kind, sample);
                family.push(if is_fitting && sample.composite().is_none() {
                    sample.with_suffix(suffix)
                } else {
                    sample
                });
            }
            family
        },
    )
}

/// Returns a sample whose value and start timestamp are what its type can have.
fn with_values_of(kind: MetricType, sample: Sample) -> Sample {
    let is_of_type = match sample.composite() {
        None => true,
        Some(CompositeValue::Summary(_)) => {
            matches!(kind, MetricType::Summary | MetricType::Unknown)
        }
        Some(_) => matches!(
            kind,
            MetricType::GaugeHistogram | MetricType::Histogram | MetricType::Unknown
        ),
    };
    let sample = match is_of_type {
        true => sample,
        false => sample.with_value(1.0),
    };
    let is_number_of_distribution = sample.composite().is_none()
        && matches!(
            kind,
            MetricType::GaugeHistogram | MetricType::Histogram | MetricType::Summary
        );
    let has_start = sample.suffix() == Suffix::None
        && !is_number_of_distribution
        && !matches!(kind, MetricType::Info | MetricType::StateSet);
    match has_start {
        true => sample,
        false => sample.without_start_timestamp(),
    }
}

fn suffixes(kind: MetricType) -> &'static [Suffix] {
    match kind {
        MetricType::Counter => &[Suffix::Total, Suffix::Created],
        MetricType::GaugeHistogram => &[Suffix::Bucket, Suffix::GSum, Suffix::GCount],
        MetricType::Histogram => &[Suffix::Bucket, Suffix::Sum, Suffix::Count, Suffix::Created],
        MetricType::Info => &[Suffix::Info],
        MetricType::Summary => &[Suffix::None, Suffix::Sum, Suffix::Count, Suffix::Created],
        _ => &[Suffix::None],
    }
}

fn odd_sample() -> impl Strategy<Value = Sample> {
    let suffix = prop::sample::select(
        &[
            Suffix::None,
            Suffix::None,
            Suffix::None,
            Suffix::Total,
            Suffix::Bucket,
            Suffix::Count,
            Suffix::Created,
            Suffix::GCount,
            Suffix::GSum,
            Suffix::Info,
            Suffix::Sum,
        ][..],
    );
    let label = (
        prop::sample::select(&["le", "le", "quantile", "a", "b", "b.c", "b_c", "__name__"][..]),
        prop::sample::select(&["+Inf", "+Inf", "1", "0.5", "x"][..]),
    );
    let labels = prop::collection::vec(label, 0..3);
    let value =
        prop::sample::select(&[0.0, 1.0, 1.0, 1.0, 2.0, -1.0, 0.5, f64::NAN, f64::INFINITY][..]);
    let nanos = prop::sample::select(&[0, 1_000_000, 1_500_000, -1, 2_000_000_000][..]);
    let timestamp = prop::option::weighted(0.3, nanos);
    let start = prop::option::weighted(0.2, start());
    let composite = prop::option::weighted(0.2, odd_composite());
    (
        suffix,
        labels,
        value,
        timestamp,
        odd_exemplars(),
        start,
        composite,
    )
        .prop_map(
            |(suffix, labels, value, timestamp, exemplars, start, composite)| {
                let mut sample = Sample::new(suffix, labels.into_iter().collect(), value);
                if let Some(nanos) = timestamp {
                    sample = sample.with_timestamp(Timestamp::from_nanos(nanos).unwrap());
                }
                if let Some(start) = start {
                    sample = sample.with_start_timestamp(start);
                }
                if let Some(composite) = composite {
                    sample = sample.with_suffix(Suffix::None).with_composite(composite);
                }
                sample.with_exemplars(exemplars)
            },
        )
}

fn odd_exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let length = prop::sample::select(&[1usize, 1, 128, 129][..]);
    let name = prop::sample::select(&["x", "x", "_x"][..]);
    let value = prop::sample::select(&[0.5, 1.0, 3.0, f64::NAN][..]);
    let timestamp = prop::option::of(start());
    let exemplar = (name, length, value, timestamp).prop_map(|(name, length, value, timestamp)| {
        let labels = LabelSet::from([(name, "é".repeat(length - 1))]);
        let exemplar = Exemplar::new(labels, value);
        match timestamp {
            Some(timestamp) => exemplar.with_timestamp(timestamp),
            None => exemplar,
        }
    });
    prop_oneof![
        4 => Just(Vec::new()),
        1 => prop::collection::vec(exemplar, 1..4),
    ]
}

/// A composite value that may break any rule.
fn odd_composite() -> impl Strategy<Value = CompositeValue> {
    let number = || prop::sample::select(&[0.0, 1.0, 1.0, 2.0, 3.0, -1.0, 0.5, f64::NAN][..]);
    let bound = prop::sample::select(&[-1.0, 0.5, 1.0, f64::NAN][..]);
    let pairs = prop::collection::vec((bound, number()), 0..3);
    let infinite = prop::option::weighted(0.8, number());
    let sum = prop::option::weighted(0.8, number());
    let has_native = prop::bool::weighted(0.3);
    let parts = (number(), sum, pairs, infinite, has_native, 0..3_usize);
    parts.prop_map(|(count, sum, mut pairs, infinite, has_native, kind)| {
        if kind == 2 {
            let mut summary = SummaryValue::new().with_quantiles(pairs);
            // Of a summary something is known.
            summary = match infinite.is_some() || sum.is_none() {
                true => summary.with_count(count),
                false => summary,
            };
            return CompositeValue::Summary(match sum {
                Some(sum) => summary.with_sum(sum),
                None => summary,
            });
        }
        pairs.extend(infinite.map(|count| (f64::INFINITY, count)));
        let mut histogram = HistogramValue::new(count).with_buckets(pairs);
        if let Some(sum) = sum {
            histogram = histogram.with_sum(sum);
        }
        if has_native {
            let buckets = NativeBuckets::from_counts([(0, 1.0), (3, 1.0)]).unwrap();
            histogram = histogram.with_native(NativeHistogram::new(0, buckets).unwrap());
        }
        match kind {
            0 => CompositeValue::Histogram(histogram),
            _ => CompositeValue::GaugeHistogram(histogram),
        }
    })
}
