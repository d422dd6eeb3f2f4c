//! Families that the format writes in the same way.

use crate::{
    LabelSet, MetricFamily, MetricType, Sample, Suffix,
    number::{parse_value, write_canonical},
};

/// Returns whether all but the name is the same, apart from what the format does not keep: the spelling of bounds and
/// quantiles, and the order of the samples of one histogram or summary.
pub(crate) fn is_same(family: &MetricFamily, read: &MetricFamily) -> bool {
    family.kind() == read.kind()
        && family.help() == read.help()
        && family.unit() == read.unit()
        && family.samples().len() == read.samples().len()
        && normal_samples(family) == normal_samples(read)
}

fn normal_samples(family: &MetricFamily) -> Vec<Sample> {
    let label = match family.kind() {
        MetricType::GaugeHistogram | MetricType::Histogram => Some("le"),
        MetricType::Summary => Some("quantile"),
        _ => None,
    };
    let mut samples: Vec<_> = family
        .samples()
        .iter()
        .map(|sample| normal(sample, label))
        .collect();
    // A stable sort, by what distinguishes the samples of one point.
    if label.is_some() || family.kind() == MetricType::Counter {
        samples.sort();
    }
    samples
}

fn normal(sample: &Sample, label: Option<&str>) -> Sample {
    let sample = match sample.suffix() {
        Suffix::Total => sample.clone().with_suffix(Suffix::None),
        _ => sample.clone(),
    };
    let number =
        label.and_then(|label| Some((label, parse_value(sample.labels().get(label)?).ok()?)));
    let Some((label, number)) = number else {
        return sample;
    };
    let mut text = String::new();
    write_canonical(&mut text, number);
    let labels: LabelSet = sample.labels().clone().without(label).with(label, text);
    sample.with_labels(labels)
}
