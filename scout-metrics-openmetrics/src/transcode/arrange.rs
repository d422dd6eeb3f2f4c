//! Samples in an order, and of a number, that a format allows.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use super::draft::Draft;
use crate::{
    Format, Lost, MetricFamily, MetricType, Sample, Suffix, Timestamp, number::parse_value,
};

/// Labels that can be compared: sorted by their names.
pub(super) type SortedLabels<'s> = Vec<(&'s str, &'s str)>;

/// Returns the labels that distinguish the metric of a sample from others of the family.
pub(super) fn metric_key<'s>(family: &MetricFamily, sample: &'s Sample) -> SortedLabels<'s> {
    let of_point = match family.kind() {
        MetricType::GaugeHistogram | MetricType::Histogram => "le",
        MetricType::StateSet => family.name(),
        MetricType::Summary => "quantile",
        _ => "",
    };
    let mut labels = sorted_labels(sample);
    labels.retain(|(name, _)| *name != of_point);
    labels
}

pub(super) fn sorted_labels(sample: &Sample) -> SortedLabels<'_> {
    let mut labels: Vec<_> = sample.labels().iter().collect();
    labels.sort_by_key(|(name, _)| *name);
    labels
}

/// Numbers the metric of each sample, by their first appearance.
fn metric_numbers(family: &MetricFamily, format: Format) -> Vec<usize> {
    let samples = family.samples().iter();
    match format {
        // Each series is a metric.
        Format::OpenMetrics2 => numbered(samples.map(sorted_labels)),
        _ => numbered(samples.map(|sample| metric_key(family, sample))),
    }
}

/// Numbers things by their first appearance.
fn numbered<T: Eq + Hash>(things: impl Iterator<Item = T>) -> Vec<usize> {
    let mut numbers = HashMap::new();
    let number = |thing| -> usize {
        let next = numbers.len();
        *numbers.entry(thing).or_insert(next)
    };
    things.map(number).collect()
}

/// Returns what each sample has in common with those that come next to it: first the start of a group of states, then the
/// group, then the metric. Other types have metrics alone.
fn metric_places(family: &MetricFamily, format: Format) -> Vec<[usize; 3]> {
    let metrics = metric_numbers(family, format);
    if format != Format::OpenMetrics2 || family.kind() != MetricType::StateSet {
        return metrics.into_iter().map(|metric| [0, 0, metric]).collect();
    }
    let samples = family.samples().iter();
    let groups = numbered(samples.clone().map(|sample| metric_key(family, sample)));
    let starts = numbered(samples.map(|sample| {
        let mut labels = sample.labels().iter();
        labels.find(|(name, _)| *name != family.name())
    }));
    let places = starts.into_iter().zip(groups).zip(metrics);
    places
        .map(|((start, group), metric)| [start, group, metric])
        .collect()
}

/// Puts the samples of each metric together, by their timestamps, and the buckets of each point by their bounds.
pub(super) fn arrange(draft: &mut Draft, format: Format) {
    let numbers = metric_places(&draft.family, format);
    let samples = draft.family.samples();
    let mut places: Vec<usize> = (0..samples.len()).collect();
    let order = |place: &usize| (numbers[*place], samples[*place].timestamp());
    let is_histogram = Suffix::Bucket.belongs_to(draft.family.kind());
    places.sort_by(|one, two| {
        let within = |place: &usize| match is_histogram {
            true => place_in_point(&samples[*place]),
            false => (false, 0.0),
        };
        let ((one_rest, one_bound), (two_rest, two_bound)) = (within(one), within(two));
        let by_bound = one_bound.total_cmp(&two_bound);
        let by_metric = order(one).cmp(&order(two));
        by_metric.then(one_rest.cmp(&two_rest)).then(by_bound)
    });
    if places.is_sorted() {
        return;
    }
    let arranged: Vec<_> = places.iter().map(|place| samples[*place].clone()).collect();
    draft.family.retain(|_| false);
    draft.family.extend(arranged);
    draft.lose(Lost::Order);
}

/// Buckets come first, by their bounds.
fn place_in_point(sample: &Sample) -> (bool, f64) {
    let bound = sample
        .labels()
        .get("le")
        .and_then(|le| parse_value(le).ok());
    match (sample.suffix(), bound) {
        (Suffix::Bucket, Some(bound)) => (false, bound),
        _ => (true, 0.0),
    }
}

/// Leaves out the timestamps of each metric that has samples without one.
pub(super) fn leave_out_mixed_timestamps(draft: &mut Draft, format: Format) {
    let numbers = metric_numbers(&draft.family, format);
    let samples = draft.family.samples().iter().zip(&numbers);
    let without: HashSet<usize> = samples
        .filter(|(sample, _)| sample.timestamp().is_none())
        .map(|(_, number)| *number)
        .collect();
    let mut count = 0;
    for (sample, number) in draft.family.samples_mut().iter_mut().zip(numbers) {
        if sample.timestamp().is_some() && without.contains(&number) {
            *sample = sample.clone().without_timestamp();
            count += 1;
        }
    }
    draft.count(count, |count| Lost::Timestamps { count });
}

/// Leaves out samples that Prometheus text has no room for: it has one sample of each series, whatever its time is.
pub(super) fn leave_out_earlier(draft: &mut Draft, format: Format) {
    leave_out_repeated(draft, format);
    let numbers = metric_numbers(&draft.family, format);
    let samples = draft.family.samples();
    let mut seen = HashSet::new();
    let several: HashSet<usize> = (samples.iter().zip(&numbers))
        .filter(|(sample, _)| !seen.insert(series(sample)))
        .map(|(_, number)| *number)
        .collect();
    let mut latest = HashMap::new();
    for (sample, number) in samples.iter().zip(&numbers) {
        let known = latest.entry(*number).or_insert(recency(sample));
        *known = (*known).max(recency(sample));
    }
    let is_kept = |(sample, number): (&Sample, &usize)| {
        !several.contains(number) || latest.get(number) == Some(&recency(sample))
    };
    let kept: Vec<bool> = samples.iter().zip(&numbers).map(is_kept).collect();
    let count = retain(&mut draft.family, &kept);
    draft.count(count, |count| Lost::EarlierPoints { count });
}

/// Leaves out samples that repeat the series and the timestamp of one before.
pub(super) fn leave_out_repeated(draft: &mut Draft, _: Format) {
    let mut seen = HashSet::new();
    let mut is_new = |sample| seen.insert((series(sample), sample.timestamp()));
    let kept: Vec<bool> = draft.family.samples().iter().map(&mut is_new).collect();
    let count = retain(&mut draft.family, &kept);
    draft.count(count, |count| Lost::RepeatedSeries { count });
}

/// Keeps the samples of which it is said, and returns the number of the others.
pub(super) fn retain(family: &mut MetricFamily, kept: &[bool]) -> usize {
    let mut kept = kept.iter();
    let before = family.samples().len();
    family.retain(|_| kept.next() != Some(&false));
    before - family.samples().len()
}

/// Returns the series of a sample within its family.
fn series(sample: &Sample) -> (Suffix, SortedLabels<'_>) {
    (sample.suffix(), sorted_labels(sample))
}

fn recency(sample: &Sample) -> (bool, Option<Timestamp>) {
    (sample.timestamp().is_none(), sample.timestamp())
}
