//! The samples of a family that are one histogram or summary, and the rules that both have in common.

use std::collections::{HashMap, HashSet};

use super::error::GroupError;
use crate::{CompositeValue, LabelSet, MetricFamily, Sample, Suffix, Timestamp, error::shown};

/// The samples of a family that have the same labels, except one, and the same timestamp.
pub(super) struct Point<'f> {
    pub(super) labels: LabelSet,
    pub(super) timestamp: Option<Timestamp>,
    /// The samples that have the label, with its value.
    pub(super) numbered: Vec<(&'f str, &'f Sample)>,
    /// The others, by their suffixes.
    others: Vec<(Suffix, f64)>,
    /// The sample with a composite value.
    pub(super) composite: Option<&'f Sample>,
}

impl<'f> Point<'f> {
    /// Returns the value and its sample, if it is a composite one.
    pub(super) fn composite(&self) -> Option<(&'f Sample, &'f CompositeValue)> {
        let sample = self.composite?;
        Some((sample, sample.composite()?))
    }

    /// Checks that there is nothing but a composite value.
    pub(super) fn check_alone(&self) -> Result<(), String> {
        match self.numbered.is_empty() && self.others.is_empty() {
            true => Ok(()),
            false => Err("has a composite value and series next to it".to_owned()),
        }
    }

    /// Returns whether there is nothing but a composite value and at most one series with a suffix.
    pub(super) fn is_alone_but_for(&self, suffix: Suffix) -> bool {
        let is_it = |(found, _): &(Suffix, f64)| *found == suffix;
        self.numbered.is_empty() && self.others.iter().all(is_it)
    }

    /// Returns the value of the sample with a suffix, which then counts as used.
    pub(super) fn take(&mut self, suffix: Suffix) -> Option<f64> {
        let place = self.others.iter().position(|(found, _)| *found == suffix)?;
        Some(self.others.remove(place).1)
    }

    /// Checks that no sample is left.
    pub(super) fn check_used(&self) -> Result<(), String> {
        match self.others.first() {
            Some((suffix, _)) => Err(format!("has a sample that ends in `{suffix}`")),
            None => Ok(()),
        }
    }
}

/// Writes the samples of a histogram or summary.
pub(super) struct PointWriter<'p> {
    pub(super) samples: &'p mut Vec<Sample>,
    pub(super) labels: &'p LabelSet,
    pub(super) timestamp: Option<Timestamp>,
}

impl PointWriter<'_> {
    /// Writes a bucket or a quantile.
    pub(super) fn push_numbered(&mut self, sample: Sample, label: &str, number: &str) {
        self.push(sample.with_labels(self.labels.clone().with(label, number)));
    }

    /// Writes samples with suffixes, such as the count, where they are known.
    pub(super) fn push_others<const N: usize>(&mut self, others: [(Suffix, Option<f64>); N]) {
        for (suffix, value) in others {
            if let Some(value) = value {
                self.push(Sample::new(suffix, self.labels.clone(), value));
            }
        }
    }

    /// Writes a sample with the timestamp of all.
    pub(super) fn push(&mut self, sample: Sample) {
        self.samples.push(match self.timestamp {
            Some(timestamp) => sample.with_timestamp(timestamp),
            None => sample,
        });
    }
}

/// Returns the points of a family in the order of their first samples. The label and the suffix are those of buckets or
/// quantiles.
pub(super) fn points<'f>(
    family: &'f MetricFamily,
    kind: &'static str,
    label: &str,
    suffix: Suffix,
) -> Result<Vec<Point<'f>>, GroupError> {
    let mut places = HashMap::new();
    let mut points: Vec<Point<'f>> = Vec::new();
    for sample in family.samples() {
        let key = (key(sample.labels(), label), sample.timestamp());
        let place = *places.entry(key).or_insert(points.len());
        if place == points.len() {
            points.push(Point {
                labels: sample.labels().clone().without(label),
                timestamp: sample.timestamp(),
                numbered: Vec::new(),
                others: Vec::new(),
                composite: None,
            });
        }
        let point = &mut points[place];
        let pushed = push(point, sample, label, suffix);
        pushed.map_err(|fault| GroupError::new(kind, &point.labels, fault).with_family(family))?;
    }
    Ok(points)
}

/// Returns the labels except one, in an order that does not depend on theirs.
fn key<'l>(labels: &'l LabelSet, without: &str) -> Vec<(&'l str, &'l str)> {
    let mut key: Vec<_> = labels.iter().filter(|(name, _)| *name != without).collect();
    key.sort_unstable();
    key
}

fn push<'f>(
    point: &mut Point<'f>,
    sample: &'f Sample,
    label: &str,
    suffix: Suffix,
) -> Result<(), String> {
    let mut numbers = sample.labels().iter().filter(|(name, _)| *name == label);
    let number = numbers.next().map(|(_, number)| number);
    if numbers.next().is_some() {
        return Err(format!("has a sample with the label `{label}` twice"));
    }
    let found = sample.suffix();
    if sample.composite().is_some() {
        return match point.composite.replace(sample) {
            None if number.is_none() && found == Suffix::None => Ok(()),
            None => Err(format!(
                "has a composite value in a sample with a suffix or the label `{label}`"
            )),
            Some(_) => Err("has two composite values".to_owned()),
        };
    }
    match number {
        Some(number) if found == suffix => point.numbered.push((number, sample)),
        Some(_) => {
            return Err(format!(
                "has the label `{label}` in a sample that ends in `{found}`"
            ));
        }
        None if found == Suffix::None => {
            return Err(format!(
                "has a sample with neither a suffix nor the label `{label}`"
            ));
        }
        None if found == suffix => {
            return Err(format!(
                "has a sample that ends in `{found}` without the label `{label}`"
            ));
        }
        None if sample.exemplar().is_some() => {
            return Err(format!(
                "has an exemplar in a sample that ends in `{found}`"
            ));
        }
        None if point.others.iter().any(|(known, _)| *known == found) => {
            return Err(format!("has two samples that end in `{found}`"));
        }
        None if sample.start_timestamp().is_some() => {
            return Err(format!(
                "has a start timestamp in a sample that ends in `{found}`"
            ));
        }
        None => point.others.push((found, sample.value())),
    }
    Ok(())
}

/// Checks that labels can be those of a histogram or summary, of which one label is not.
pub(super) fn check_labels(labels: &LabelSet, reserved: &str) -> Result<(), String> {
    let mut names = HashSet::new();
    for (name, _) in labels {
        if name.is_empty() {
            return Err("has a label without a name".to_owned());
        }
        if name == reserved || name == "__name__" {
            return Err(format!("has the label `{name}`, which is reserved"));
        }
        if !names.insert(name) {
            return Err(format!("has the label `{}` twice", shown(name)));
        }
    }
    Ok(())
}

/// Checks a number of events.
pub(super) fn check_count(count: f64, what: &str) -> Result<(), String> {
    if count.is_nan() || count < 0.0 {
        return Err(format!(
            "has {what} {count}, which is not a number of events"
        ));
    }
    Ok(())
}
