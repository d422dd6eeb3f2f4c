//! Families of OpenMetrics 2.0, for property tests.

use std::slice;

use proptest::prelude::*;
use scout_metrics_openmetrics::{
    CompositeValue, Exemplar, Format, LabelSet, MetricFamily, MetricType, NativeBuckets,
    NativeHistogram, Sample, Timestamp, encode_families,
};

use super::model::{Style, families};

/// Good families of OpenMetrics 2.0, with native histograms, start timestamps and several exemplars.
pub(crate) fn new_families() -> impl Strategy<Value = Vec<MetricFamily>> {
    let old = families(Format::OpenMetrics, Style::Any, 0..5);
    let more = prop::collection::vec(prop::option::of(start()), 16);
    (old, more).prop_map(|(old, more)| {
        let folded = old.iter().filter(|family| !family.name().starts_with('_'));
        let folded = folded.filter_map(|family| family.to_composite().ok());
        let families = folded.map(|family| {
            let kind = family.kind();
            let mut more = more.iter().cycle();
            family.map_samples(|sample| with_more(sample, kind, *more.next().unwrap()))
        });
        let is_good = |family: &MetricFamily| {
            encode_families(slice::from_ref(family), Format::OpenMetrics2).is_ok()
        };
        families.filter(is_good).collect()
    })
}

/// Returns a sample with native buckets, a start timestamp and one more exemplar, where the type has them.
fn with_more(sample: Sample, kind: MetricType, start: Option<Timestamp>) -> Sample {
    let exemplars = sample.exemplars().iter().cloned();
    let mut exemplars: Vec<_> = exemplars
        .map(|exemplar| match exemplar.timestamp() {
            Some(_) => exemplar,
            None => exemplar.with_timestamp(Timestamp::UNIX_EPOCH),
        })
        .collect();
    let has_start = matches!(
        kind,
        MetricType::Counter | MetricType::Histogram | MetricType::Summary | MetricType::Unknown
    );
    let Some(start) = start.filter(|_| has_start) else {
        return sample.with_exemplars(exemplars);
    };
    exemplars.push(Exemplar::new(LabelSet::new(), 7.5).with_timestamp(start));
    let native = match sample.composite() {
        Some(CompositeValue::Histogram(value)) => {
            let buckets = NativeBuckets::from_counts([(-1, value.count())]).unwrap();
            let native = NativeHistogram::new(2, buckets).unwrap();
            Some(value.clone().with_sum(1.5).with_native(native))
        }
        _ => None,
    };
    let sample = sample.with_exemplars(exemplars).with_start_timestamp(start);
    match native {
        Some(native) => sample.with_composite(CompositeValue::Histogram(native)),
        None => sample,
    }
}

pub(crate) fn start() -> impl Strategy<Value = Timestamp> {
    let nanos = prop::sample::select(&[0, 1_500_000_000, -1, 1_700_000_000_123_456_789][..]);
    nanos.prop_map(|nanos| Timestamp::from_nanos(nanos).unwrap())
}
