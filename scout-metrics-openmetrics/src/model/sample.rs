//! A sample and its exemplar.

use super::{LabelSet, Suffix};
use crate::Timestamp;

/// One value of a family.
///
/// Two samples are equal if they read the same; so NaN equals NaN here, and 0 does not equal -0.
#[derive(Clone, Debug)]
pub struct Sample {
    suffix: Suffix,
    labels: LabelSet,
    value: f64,
    timestamp: Option<Timestamp>,
    exemplar: Option<Box<Exemplar>>,
}

impl Sample {
    /// Creates a sample without timestamp and exemplar.
    pub fn new(suffix: Suffix, labels: LabelSet, value: f64) -> Self {
        Self {
            suffix,
            labels,
            value,
            timestamp: None,
            exemplar: None,
        }
    }

    /// Returns the sample with a timestamp.
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Returns the sample with an exemplar.
    #[must_use]
    pub fn with_exemplar(mut self, exemplar: Exemplar) -> Self {
        self.exemplar = Some(Box::new(exemplar));
        self
    }

    /// Returns the suffix of the sample's name after that of its family.
    pub fn suffix(&self) -> Suffix {
        self.suffix
    }

    /// Returns the labels.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// Returns the value.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Returns the timestamp, if there is one.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// Returns the exemplar, if there is one.
    pub fn exemplar(&self) -> Option<&Exemplar> {
        self.exemplar.as_deref()
    }

    /// Returns whether all but the suffix is the same.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        reads_the_same(self.value, other.value)
            && self.timestamp == other.timestamp
            && self.labels == other.labels
            && self.exemplar == other.exemplar
    }
}

impl PartialEq for Sample {
    fn eq(&self, other: &Self) -> bool {
        self.suffix == other.suffix && self.says_the_same(other)
    }
}

impl Eq for Sample {}

fn reads_the_same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

/// One event that went into a sample, such as a traced request. Compared as [`Sample`] is.
#[derive(Clone, Debug)]
pub struct Exemplar {
    labels: LabelSet,
    value: f64,
    timestamp: Option<Timestamp>,
}

impl Exemplar {
    /// Creates an exemplar without a timestamp.
    pub fn new(labels: LabelSet, value: f64) -> Self {
        Self {
            labels,
            value,
            timestamp: None,
        }
    }

    /// Returns the exemplar with a timestamp.
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Returns the labels.
    pub fn labels(&self) -> &LabelSet {
        &self.labels
    }

    /// Returns the value.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Returns the timestamp, if there is one.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }
}

impl PartialEq for Exemplar {
    fn eq(&self, other: &Self) -> bool {
        reads_the_same(self.value, other.value)
            && self.timestamp == other.timestamp
            && self.labels == other.labels
    }
}

impl Eq for Exemplar {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_equal_if_they_read_the_same() {
        let sample = |value| Sample::new(Suffix::None, LabelSet::new(), value);
        assert_eq!(sample(f64::NAN), sample(-f64::NAN));
        assert_ne!(sample(0.0), sample(-0.0));
    }
}
