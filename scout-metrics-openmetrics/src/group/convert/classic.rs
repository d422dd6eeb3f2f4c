//! From composite values to series.

use super::{is_native_alone, kind_of, suffixes, with_samples};
use crate::{
    CompositeValue, HistogramValue, MetricFamily, MetricType, Sample, Suffix, SummaryValue,
    group::{
        exemplars::place,
        histogram::{BOUND, composite},
        numbered::LabelNumber,
        points::PointWriter,
        summary::RANK,
    },
};

/// A family in the form with series, and what that form does not keep.
#[derive(Debug)]
pub(crate) struct Unfolded {
    pub(crate) family: MetricFamily,
    /// The number of exemplars that are left out.
    pub(crate) exemplars: usize,
    /// The number of start timestamps that are rounded.
    pub(crate) rounded: usize,
    /// The number of values whose labels have the one that buckets or quantiles get.
    pub(crate) clashes: usize,
}

/// Whether the count of a histogram without a sum is written, which is also in the bucket `+Inf`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CountWithoutSum {
    /// It is not, because OpenMetrics 1.0 has both or none.
    LeftOut,
    Written,
}

/// Returns a family with a series for each number.
pub(crate) fn unfold(family: &MetricFamily, count_without_sum: CountWithoutSum) -> Unfolded {
    let mut unfolder = Unfolder {
        count_without_sum,
        kind: family.kind(),
        number: Suffix::None,
        samples: Vec::new(),
        exemplars: 0,
        rounded: 0,
        clashes: 0,
    };
    let name = match base_name(family) {
        Some((name, suffix)) => {
            unfolder.number = suffix;
            name
        }
        None => family.name(),
    };
    for sample in family.samples() {
        unfolder.push(sample);
    }
    Unfolded {
        family: with_samples(family, name.to_owned(), unfolder.samples),
        exemplars: unfolder.exemplars,
        rounded: unfolder.rounded,
        clashes: unfolder.clashes,
    }
}

/// Returns the name without the suffix that samples have instead, if that is how the series are named.
fn base_name(family: &MetricFamily) -> Option<(&str, Suffix)> {
    let mut samples = family.samples().iter();
    let suffix = match family.kind() {
        MetricType::Counter if samples.any(|sample| sample.start_timestamp().is_some()) => {
            Suffix::Total
        }
        MetricType::Info if samples.len() > 0 => Suffix::Info,
        _ => return None,
    };
    let mut samples = family.samples().iter();
    let is_bare = samples.all(|sample| sample.suffix() == Suffix::None);
    let base = family.name().strip_suffix(suffix.as_str());
    let base = base.filter(|base| !base.is_empty() && is_bare)?;
    Some((base, suffix))
}

struct Unfolder {
    count_without_sum: CountWithoutSum,
    kind: MetricType,
    /// The suffix of samples that are numbers and had none.
    number: Suffix,
    samples: Vec<Sample>,
    exemplars: usize,
    rounded: usize,
    clashes: usize,
}

impl Unfolder {
    fn push(&mut self, sample: &Sample) {
        match sample.composite() {
            Some(CompositeValue::GaugeHistogram(value) | CompositeValue::Histogram(value)) => {
                self.push_histogram(sample, value);
            }
            Some(CompositeValue::Summary(value)) => self.push_summary(sample, value),
            None => self.push_number(sample),
        }
    }

    fn push_number(&mut self, sample: &Sample) {
        let number = sample.clone().without_start_timestamp();
        self.samples.push(match sample.suffix() {
            Suffix::None => number.with_suffix(self.number),
            _ => number,
        });
        self.push_start(sample);
    }

    /// Writes the time of creation, if it is known.
    fn push_start(&mut self, sample: &Sample) {
        if let Some(start) = sample.start_timestamp() {
            let seconds = start.to_seconds();
            self.rounded += usize::from(crate::Timestamp::from_seconds(seconds) != Some(start));
            self.writer(sample)
                .push_others([(Suffix::Created, Some(seconds))]);
        }
    }

    fn writer<'p>(&'p mut self, sample: &'p Sample) -> PointWriter<'p> {
        PointWriter {
            samples: &mut self.samples,
            labels: sample.labels(),
            timestamp: sample.timestamp(),
        }
    }

    fn push_histogram(&mut self, sample: &Sample, value: &HistogramValue) {
        let kind = match sample.composite() {
            Some(value) => kind_of(self.kind, value),
            None => self.kind,
        };
        if is_native_alone(value) {
            let value = composite(kind, value.clone());
            self.samples.push(sample.clone().with_composite(value));
            return;
        }
        self.clashes += usize::from(sample.labels().get(BOUND).is_some());
        let bounds: Vec<f64> = value.buckets().map(|(bound, _)| bound).collect();
        let placed = place(&bounds, sample.exemplars(), value.native().is_some());
        let is_last = |(bound, count): (f64, f64)| {
            bound == f64::INFINITY && count.to_bits() == value.count().to_bits()
        };
        let has_count = value.sum().is_some()
            || !value.buckets().last().is_some_and(is_last)
            || self.count_without_sum == CountWithoutSum::Written;
        let mut writer = self.writer(sample);
        for ((bound, count), exemplar) in value.buckets().zip(placed.of_buckets) {
            let bucket = Sample::new(Suffix::Bucket, Default::default(), count);
            let bucket = bucket.with_exemplars(exemplar.cloned());
            writer.push_numbered(bucket, BOUND, LabelNumber::new(bound).text());
        }
        let (count, sum) = suffixes(kind);
        writer.push_others([
            (count, Some(value.count()).filter(|_| has_count)),
            (sum, value.sum()),
        ]);
        self.push_start(sample);
        match value.native() {
            Some(native) => {
                let value = composite(kind, native.clone().into());
                let native = sample.clone().without_start_timestamp();
                let others = placed.others.into_iter().cloned();
                let native = native.with_composite(value).with_exemplars(others);
                self.samples.push(native);
            }
            None => self.exemplars += placed.others.len(),
        }
    }

    fn push_summary(&mut self, sample: &Sample, value: &SummaryValue) {
        self.clashes += usize::from(sample.labels().get(RANK).is_some());
        let mut writer = self.writer(sample);
        for (rank, value) in value.quantiles() {
            let quantile = Sample::new(Suffix::None, Default::default(), value);
            writer.push_numbered(quantile, RANK, LabelNumber::new(rank).text());
        }
        writer.push_others([(Suffix::Count, value.count()), (Suffix::Sum, value.sum())]);
        self.push_start(sample);
        self.exemplars += sample.exemplars().len();
    }
}
