//! A sample and its exemplar.

use std::{
    borrow::Cow,
    cmp::Ordering,
    hash::{Hash, Hasher},
    slice,
};

use super::{LabelSet, MetricFamily, NativeHistogram, Suffix};
use crate::Timestamp;

/// One value of a family.
///
/// Two samples are equal if they read the same; so NaN equals NaN here, and 0 does not equal -0. They are ordered by
/// suffix, labels, timestamp, value, exemplars and native histogram; NaN comes after all other values.
///
/// ```
/// use scout_metrics_openmetrics::{LabelSet, Sample, Suffix};
///
/// let sample = Sample::new(Suffix::None, LabelSet::from([("job", "api")]), 1.0);
/// let sample = sample.with_label("cluster", "eu-1").without_label("job");
/// assert_eq!(sample.labels(), &LabelSet::from([("cluster", "eu-1")]));
/// ```
#[derive(Clone, Debug)]
pub struct Sample {
    suffix: Suffix,
    labels: LabelSet,
    value: f64,
    timestamp: Option<Timestamp>,
    /// The parts that few samples have.
    extra: Option<Box<Extra>>,
}

/// There is something in it, and one exemplar alone is always the first variant.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Extra {
    Exemplar(Exemplar),
    /// In a box of its own, because one exemplar is much smaller and much more common.
    Other(Box<Other>),
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Other {
    exemplars: Vec<Exemplar>,
    native: Option<NativeHistogram>,
}

impl Extra {
    fn new(mut exemplars: Vec<Exemplar>, native: Option<NativeHistogram>) -> Option<Box<Self>> {
        let extra = match (&native, exemplars.pop()) {
            (None, None) => return None,
            (None, Some(exemplar)) if exemplars.is_empty() => Self::Exemplar(exemplar),
            (_, last) => {
                exemplars.extend(last);
                Self::Other(Box::new(Other { exemplars, native }))
            }
        };
        Some(Box::new(extra))
    }

    fn exemplars(&self) -> &[Exemplar] {
        match self {
            Self::Exemplar(exemplar) => slice::from_ref(exemplar),
            Self::Other(other) => &other.exemplars,
        }
    }

    fn native(&self) -> Option<&NativeHistogram> {
        match self {
            Self::Exemplar(_) => None,
            Self::Other(other) => other.native.as_ref(),
        }
    }
}

impl Sample {
    /// Creates a sample without timestamp and exemplar.
    pub fn new(suffix: Suffix, labels: LabelSet, value: f64) -> Self {
        Self {
            suffix,
            labels,
            value,
            timestamp: None,
            extra: None,
        }
    }

    /// Returns the sample with a timestamp.
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Returns the sample with an exemplar, and no other.
    #[must_use]
    pub fn with_exemplar(mut self, exemplar: Exemplar) -> Self {
        if self.native_histogram().is_some() {
            return self.with_exemplars([exemplar]);
        }
        self.extra = Some(Box::new(Extra::Exemplar(exemplar)));
        self
    }

    /// Returns the sample with these exemplars, and no others. Only the protobuf format can express more than one, and only for
    /// native histograms.
    #[must_use]
    pub fn with_exemplars(mut self, exemplars: impl IntoIterator<Item = Exemplar>) -> Self {
        let exemplars: Vec<_> = exemplars.into_iter().collect();
        if !exemplars.is_empty() || self.extra.is_some() {
            self.extra = Extra::new(exemplars, self.native_histogram().cloned());
        }
        self
    }

    /// Returns the sample with a native histogram as its value, whose count is the [`value`](Self::value).
    #[must_use]
    pub fn with_native_histogram(mut self, histogram: NativeHistogram) -> Self {
        self.value = histogram.count();
        self.extra = Extra::new(self.exemplars().to_vec(), Some(histogram));
        self
    }

    /// Returns the sample with another suffix.
    #[must_use]
    pub fn with_suffix(mut self, suffix: Suffix) -> Self {
        self.suffix = suffix;
        self
    }

    /// Returns the sample with another value, which also replaces a native histogram.
    #[must_use]
    pub fn with_value(mut self, value: f64) -> Self {
        self.value = value;
        if self.native_histogram().is_some() {
            self.extra = Extra::new(self.exemplars().to_vec(), None);
        }
        self
    }

    /// Returns the sample with other labels.
    #[must_use]
    pub fn with_labels(mut self, labels: impl Into<LabelSet>) -> Self {
        self.labels = labels.into();
        self
    }

    /// Returns the sample with a label set to a value, as [`LabelSet::with`] sets it.
    #[must_use]
    pub fn with_label(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.labels = self.labels.with(name, value);
        self
    }

    /// Returns the sample without a label.
    #[must_use]
    pub fn without_label(mut self, name: &str) -> Self {
        self.labels = self.labels.without(name);
        self
    }

    /// Returns the sample without its timestamp.
    #[must_use]
    pub fn without_timestamp(mut self) -> Self {
        self.timestamp = None;
        self
    }

    /// Returns the sample without its exemplars.
    #[must_use]
    pub fn without_exemplar(self) -> Self {
        self.with_exemplars([])
    }

    /// Returns the name that the sample has in an exposition as a sample of a family: the family's with the suffix.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{LabelSet, MetricFamily, MetricType, Sample, Suffix};
    ///
    /// let requests = MetricFamily::new("http_requests", MetricType::Counter);
    /// let sample = Sample::new(Suffix::Total, LabelSet::new(), 1027.0);
    /// assert_eq!(sample.name(&requests), "http_requests_total");
    /// ```
    pub fn name<'f>(&self, family: &'f MetricFamily) -> Cow<'f, str> {
        match self.suffix {
            Suffix::None => Cow::Borrowed(family.name()),
            suffix => Cow::Owned(format!("{}{suffix}", family.name())),
        }
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

    /// Returns the exemplar, if there is one, and the first one of several.
    pub fn exemplar(&self) -> Option<&Exemplar> {
        self.exemplars().first()
    }

    /// Returns all exemplars.
    pub fn exemplars(&self) -> &[Exemplar] {
        self.extra.as_ref().map_or(&[], |extra| extra.exemplars())
    }

    /// Returns the native histogram that is the value, if it is one. The [`value`](Self::value) is its count then.
    pub fn native_histogram(&self) -> Option<&NativeHistogram> {
        self.extra.as_ref()?.native()
    }

    /// Returns whether all but the suffix is the same.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        reads_the_same(self.value, other.value)
            && self.timestamp == other.timestamp
            && self.labels == other.labels
            && self.extra == other.extra
    }
}

impl PartialEq for Sample {
    fn eq(&self, other: &Self) -> bool {
        self.suffix == other.suffix && self.says_the_same(other)
    }
}

impl Eq for Sample {}

impl Hash for Sample {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.suffix.hash(state);
        self.labels.hash(state);
        self.timestamp.hash(state);
        one_nan(self.value).to_bits().hash(state);
        self.extra.hash(state);
    }
}

impl Ord for Sample {
    fn cmp(&self, other: &Self) -> Ordering {
        let values = || one_nan(self.value).total_cmp(&one_nan(other.value));
        (self.suffix.cmp(&other.suffix))
            .then_with(|| self.labels.cmp(&other.labels))
            .then_with(|| self.timestamp.cmp(&other.timestamp))
            .then_with(values)
            .then_with(|| self.exemplars().cmp(other.exemplars()))
            .then_with(|| self.native_histogram().cmp(&other.native_histogram()))
    }
}

impl PartialOrd for Sample {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn reads_the_same(a: f64, b: f64) -> bool {
    one_nan(a).to_bits() == one_nan(b).to_bits()
}

/// Returns the same NaN for all of them, because they are all written `NaN`.
pub(super) fn one_nan(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value }
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

impl Hash for Exemplar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.labels.hash(state);
        self.timestamp.hash(state);
        one_nan(self.value).to_bits().hash(state);
    }
}

impl Ord for Exemplar {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.labels.cmp(&other.labels))
            .then_with(|| self.timestamp.cmp(&other.timestamp))
            .then_with(|| one_nan(self.value).total_cmp(&one_nan(other.value)))
    }
}

impl PartialOrd for Exemplar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NativeBuckets;

    #[test]
    fn a_sample_forgets_what_it_no_longer_has() {
        let plain = Sample::new(Suffix::None, LabelSet::new(), 2.0);
        let exemplar = |value| Exemplar::new(LabelSet::new(), value);
        let native = NativeHistogram::new(0, NativeBuckets::from_counts([(0, 2.0)]).unwrap());
        let native = native.unwrap();
        let with_both = plain
            .clone()
            .with_exemplar(exemplar(1.0))
            .with_native_histogram(native.clone());
        assert_eq!(with_both.native_histogram(), Some(&native));
        assert_eq!(with_both.exemplars(), [exemplar(1.0)]);
        let two = with_both
            .clone()
            .with_exemplars([exemplar(1.0), exemplar(2.0)]);
        assert_eq!(two.native_histogram(), Some(&native));
        assert_eq!(two.with_exemplar(exemplar(1.0)), with_both);
        assert_eq!(
            with_both.clone().with_value(2.0),
            plain.clone().with_exemplar(exemplar(1.0))
        );
        assert_eq!(with_both.with_value(2.0).without_exemplar(), plain);
    }

    #[test]
    fn samples_are_equal_if_they_read_the_same() {
        let sample = |value| Sample::new(Suffix::None, LabelSet::new(), value);
        assert_eq!(sample(f64::NAN), sample(-f64::NAN));
        assert_ne!(sample(0.0), sample(-0.0));
    }
}
