//! A sample and its exemplar.

use std::{
    borrow::Cow,
    cmp::Ordering,
    hash::{Hash, Hasher},
    slice,
};

use super::{CompositeValue, LabelSet, MetricFamily, NativeHistogram, Suffix, real::one_nan};
use crate::Timestamp;

/// One value of a family.
///
/// Two samples are equal if they read the same; so NaN equals NaN here, and 0 does not equal -0. They are ordered by
/// suffix, labels, timestamp, value, exemplars, start timestamp and composite value; NaN comes after all other values.
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

/// There is something in it, and the first variant that can hold it is the one that does.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Extra {
    Exemplar(Exemplar),
    Start(Timestamp),
    /// In a box of its own, because the others are much smaller and much more common.
    Other(Box<Other>),
}

#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
struct Other {
    exemplars: Vec<Exemplar>,
    start: Option<Timestamp>,
    composite: Option<CompositeValue>,
}

impl Extra {
    fn exemplars(&self) -> &[Exemplar] {
        match self {
            Self::Exemplar(exemplar) => slice::from_ref(exemplar),
            Self::Start(_) => &[],
            Self::Other(other) => &other.exemplars,
        }
    }

    fn start(&self) -> Option<Timestamp> {
        match self {
            Self::Exemplar(_) => None,
            Self::Start(start) => Some(*start),
            Self::Other(other) => other.start,
        }
    }

    fn composite(&self) -> Option<&CompositeValue> {
        match self {
            Self::Exemplar(_) | Self::Start(_) => None,
            Self::Other(other) => other.composite.as_ref(),
        }
    }
}

impl From<Extra> for Other {
    fn from(extra: Extra) -> Self {
        match extra {
            Extra::Exemplar(exemplar) => Self {
                exemplars: vec![exemplar],
                ..Self::default()
            },
            Extra::Start(start) => Self {
                start: Some(start),
                ..Self::default()
            },
            Extra::Other(other) => *other,
        }
    }
}

impl Other {
    fn into_extra(mut self) -> Option<Box<Extra>> {
        let extra = match (self.exemplars.len(), self.start, &self.composite) {
            (0, None, None) => return None,
            (1, None, None) => self.exemplars.pop().map(Extra::Exemplar)?,
            (0, Some(start), None) => Extra::Start(start),
            _ => Extra::Other(Box::new(self)),
        };
        Some(Box::new(extra))
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
        if self.extra.is_some() {
            return self.with_exemplars([exemplar]);
        }
        self.extra = Some(Box::new(Extra::Exemplar(exemplar)));
        self
    }

    /// Returns the sample with these exemplars, and no others. More than one can be expressed by OpenMetrics 2.0, and for
    /// histograms by protobuf.
    #[must_use]
    pub fn with_exemplars(self, exemplars: impl IntoIterator<Item = Exemplar>) -> Self {
        let exemplars: Vec<_> = exemplars.into_iter().collect();
        if exemplars.is_empty() && self.extra.is_none() {
            return self;
        }
        self.with_other(|other| other.exemplars = exemplars)
    }

    /// Returns the sample with the time at which counting began. Only OpenMetrics 2.0 and protobuf have it in the sample;
    /// OpenMetrics 1.0 has a sample `_created` for it.
    #[must_use]
    pub fn with_start_timestamp(mut self, start: Timestamp) -> Self {
        if self.extra.is_none() {
            self.extra = Some(Box::new(Extra::Start(start)));
            return self;
        }
        self.with_other(|other| other.start = Some(start))
    }

    /// Returns the sample with a histogram or a summary as its value, whose count is the [`value`](Self::value).
    #[must_use]
    pub fn with_composite(mut self, composite: CompositeValue) -> Self {
        self.value = composite.count();
        self.with_other(|other| other.composite = Some(composite))
    }

    /// Returns the sample with a histogram as its value that has native buckets alone.
    #[must_use]
    pub fn with_native_histogram(self, histogram: NativeHistogram) -> Self {
        self.with_composite(CompositeValue::Histogram(histogram.into()))
    }

    /// Returns the sample with these rare parts, and no others.
    pub(crate) fn with_extra(
        mut self,
        exemplars: Vec<Exemplar>,
        start: Option<Timestamp>,
        composite: Option<CompositeValue>,
    ) -> Self {
        if let Some(composite) = &composite {
            self.value = composite.count();
        }
        let other = Other {
            exemplars,
            start,
            composite,
        };
        self.extra = other.into_extra();
        self
    }

    /// Returns the sample with other rare parts.
    fn with_other(mut self, change: impl FnOnce(&mut Other)) -> Self {
        let extra = self.extra.take();
        let mut other = extra.map_or_else(Other::default, |extra| Other::from(*extra));
        change(&mut other);
        self.extra = other.into_extra();
        self
    }

    /// Returns the sample with another suffix.
    #[must_use]
    pub fn with_suffix(mut self, suffix: Suffix) -> Self {
        self.suffix = suffix;
        self
    }

    /// Returns the sample with another value, which also replaces a composite one.
    #[must_use]
    pub fn with_value(mut self, value: f64) -> Self {
        self.value = value;
        if self.composite().is_none() {
            return self;
        }
        self.with_other(|other| other.composite = None)
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

    /// Returns the sample without the time at which counting began.
    #[must_use]
    pub fn without_start_timestamp(self) -> Self {
        match self.start_timestamp() {
            Some(_) => self.with_other(|other| other.start = None),
            None => self,
        }
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

    /// Returns the value. Of a composite value it is the count.
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

    /// Returns the histogram or summary that is the value, if it is one.
    pub fn composite(&self) -> Option<&CompositeValue> {
        self.extra.as_ref()?.composite()
    }

    /// Returns the native histogram in the value, if there is one.
    pub fn native_histogram(&self) -> Option<&NativeHistogram> {
        self.composite()?.histogram()?.native()
    }

    /// Returns when counting began, if the sample itself says it.
    pub fn start_timestamp(&self) -> Option<Timestamp> {
        self.extra.as_ref()?.start()
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
            .then_with(|| self.start_timestamp().cmp(&other.start_timestamp()))
            .then_with(|| self.composite().cmp(&other.composite()))
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
