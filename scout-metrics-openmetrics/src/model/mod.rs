//! Metric families as owned data, to read from and to build.

use std::{fmt, sync::Arc};

use crate::{MetricType, Timestamp};

/// Everything that an exposition says about one metric: its metadata and its samples, in their order.
///
/// ```
/// use scout_metrics_openmetrics::{LabelSet, MetricFamily, MetricType, Sample, Suffix};
///
/// let family = MetricFamily::new("http_requests", MetricType::Counter)
///     .with_help("Requests served.")
///     .with_sample(Sample::new(Suffix::Total, LabelSet::from([("code", "200")]), 1027.0));
/// assert_eq!(family.sample_name(&family.samples()[0]), "http_requests_total");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MetricFamily {
    name: String,
    kind: MetricType,
    help: String,
    unit: String,
    samples: Vec<Sample>,
}

impl MetricFamily {
    /// Creates a family without help, unit and samples.
    pub fn new(name: impl Into<String>, kind: MetricType) -> Self {
        Self {
            name: name.into(),
            kind,
            help: String::new(),
            unit: String::new(),
            samples: Vec::new(),
        }
    }

    /// Returns the family with a help text. An empty one is the same as none.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Returns the family with a unit, such as `seconds`. An empty one is the same as none.
    #[must_use]
    pub fn with_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Returns the family with one more sample.
    #[must_use]
    pub fn with_sample(mut self, sample: Sample) -> Self {
        self.push(sample);
        self
    }

    /// Appends a sample.
    pub fn push(&mut self, sample: Sample) {
        self.samples.push(sample);
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the type.
    pub fn kind(&self) -> MetricType {
        self.kind
    }

    /// Returns the help text, empty if there is none.
    pub fn help(&self) -> &str {
        &self.help
    }

    /// Returns the unit, empty if there is none.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// Returns the samples in their order.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Returns the name that a sample of this family has in an exposition: the family's with the suffix.
    pub fn sample_name(&self, sample: &Sample) -> String {
        format!("{}{}", self.name, sample.suffix.as_str())
    }

    pub(crate) fn set_kind(&mut self, kind: MetricType) {
        self.kind = kind;
    }

    pub(crate) fn set_help(&mut self, help: String) {
        self.help = help;
    }

    pub(crate) fn set_unit(&mut self, unit: &str) {
        unit.clone_into(&mut self.unit);
    }
}

/// What a sample's name has behind that of its family, and so what it is in a histogram, a summary or a counter.
#[expect(
    clippy::exhaustive_enums,
    reason = "the suffixes of OpenMetrics 1.0 are a closed set"
)]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Suffix {
    /// `_bucket`: how many events are in a bucket or below it.
    Bucket,
    /// `_count`: how many events there are.
    Count,
    /// `_created`: when counting began.
    Created,
    /// `_gcount`: how many events a gauge histogram has.
    GCount,
    /// `_gsum`: the sum of the events of a gauge histogram.
    GSum,
    /// `_info`: the labels are the information.
    Info,
    /// None: the name is that of the family.
    #[default]
    None,
    /// `_sum`: the sum of all events.
    Sum,
    /// `_total`: the value of a counter.
    Total,
}

impl Suffix {
    /// All suffixes but [`None`](Self::None).
    pub(crate) const NAMED: [Self; 8] = [
        Self::Bucket,
        Self::Count,
        Self::Created,
        Self::GCount,
        Self::GSum,
        Self::Info,
        Self::Sum,
        Self::Total,
    ];

    /// Returns the suffix with its underscore, empty for [`None`](Self::None).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => "_bucket",
            Self::Count => "_count",
            Self::Created => "_created",
            Self::GCount => "_gcount",
            Self::GSum => "_gsum",
            Self::Info => "_info",
            Self::None => "",
            Self::Sum => "_sum",
            Self::Total => "_total",
        }
    }

    /// Returns whether OpenMetrics gives this suffix to samples of a type.
    pub(crate) const fn belongs_to(self, kind: MetricType) -> bool {
        match kind {
            MetricType::Counter => matches!(self, Self::Created | Self::Total),
            MetricType::Gauge | MetricType::StateSet | MetricType::Unknown => {
                matches!(self, Self::None)
            }
            MetricType::GaugeHistogram => matches!(self, Self::Bucket | Self::GCount | Self::GSum),
            MetricType::Histogram => {
                matches!(self, Self::Bucket | Self::Count | Self::Created | Self::Sum)
            }
            MetricType::Info => matches!(self, Self::Info),
            MetricType::Summary => {
                matches!(self, Self::Count | Self::Created | Self::None | Self::Sum)
            }
        }
    }
}

impl fmt::Display for Suffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

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

    /// Returns what the sample's name has behind that of its family.
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

/// Names and values of labels, in their order.
///
/// Small and quick to clone: names and text are shared. The values are pieces of a text that label sets read from one
/// exposition have in common, so each of them keeps some 64 KiB of it in memory. One that is to be kept for long
/// after the others are gone is better made anew: `labels.iter().collect::<LabelSet>()` has a text of its own.
///
/// ```
/// use scout_metrics_openmetrics::LabelSet;
///
/// let labels: LabelSet = [("code", "200"), ("method", "get")].into_iter().collect();
/// assert_eq!(labels.get("method"), Some("get"));
/// assert_eq!(labels.iter().next(), Some(("code", "200")));
/// ```
#[derive(Clone)]
pub struct LabelSet {
    source: Arc<LabelSource>,
    values: Values,
}

/// The names of labels, and the text that the values are pieces of.
pub(crate) struct LabelSource {
    pub(crate) names: Arc<[Box<str>]>,
    pub(crate) text: Arc<str>,
}

/// Where each value starts and ends in the text. Few stand in place, so that most label sets are no allocation.
#[derive(Clone)]
enum Values {
    Few([(u32, u32); Self::FEW]),
    Many(Box<[(u32, u32)]>),
}

impl Values {
    const FEW: usize = 4;

    fn new(values: impl ExactSizeIterator<Item = (u32, u32)>) -> Self {
        if values.len() > Self::FEW {
            return Self::Many(values.collect());
        }
        let mut few = [(0, 0); Self::FEW];
        for (place, value) in few.iter_mut().zip(values) {
            *place = value;
        }
        Self::Few(few)
    }

    fn as_slice(&self) -> &[(u32, u32)] {
        match self {
            Self::Few(values) => values,
            Self::Many(values) => values,
        }
    }
}

impl LabelSet {
    /// Returns a set without labels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }

    /// Returns names and values in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        let LabelSource { names, text } = &*self.source;
        let pairs = names.iter().zip(self.values.as_slice());
        pairs.map(|(name, (start, end))| (&**name, &text[*start as usize..*end as usize]))
    }

    /// Returns how many labels there are.
    pub fn len(&self) -> usize {
        self.source.names.len()
    }

    /// Returns whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.source.names.is_empty()
    }

    /// Creates a set of names and pieces of a text, one for each name.
    pub(crate) fn from_source(
        source: Arc<LabelSource>,
        values: impl ExactSizeIterator<Item = (u32, u32)>,
    ) -> Self {
        let values = Values::new(values);
        Self { source, values }
    }

    /// Creates a set with a text of its own.
    ///
    /// Panics if the values together have more than 4 GiB.
    pub(crate) fn from_values<V: AsRef<str>>(
        names: Arc<[Box<str>]>,
        values: impl Iterator<Item = V>,
    ) -> Self {
        let (mut text, mut ends) = (String::new(), vec![0]);
        for value in values {
            text.push_str(value.as_ref());
            ends.push(u32::try_from(text.len()).expect("label values have less than 4 GiB"));
        }
        let text = text.into();
        let values = ends.windows(2).map(|ends| (ends[0], ends[1]));
        Self::from_source(Arc::new(LabelSource { names, text }), values)
    }
}

impl PartialEq for LabelSet {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for LabelSet {}

impl Default for LabelSet {
    fn default() -> Self {
        Self::from_iter::<[(&str, &str); 0]>([])
    }
}

impl fmt::Debug for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// # Panics
///
/// If the values together have more than 4 GiB.
impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for LabelSet {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let (names, values): (Vec<Box<str>>, Vec<V>) = labels
            .into_iter()
            .map(|(name, value)| (name.as_ref().into(), value))
            .unzip();
        Self::from_values(names.into(), values.into_iter())
    }
}

impl<N: AsRef<str>, V: AsRef<str>, const COUNT: usize> From<[(N, V); COUNT]> for LabelSet {
    fn from(labels: [(N, V); COUNT]) -> Self {
        labels.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_sets_keep_names_and_values_apart() {
        let labels = LabelSet::from([("a", ""), ("b", "é"), ("c", "x")]);
        let pairs: Vec<_> = labels.iter().collect();
        assert_eq!(pairs, [("a", ""), ("b", "é"), ("c", "x")]);
        assert_eq!(format!("{labels:?}"), r#"{"a": "", "b": "é", "c": "x"}"#);
        assert_ne!(
            LabelSet::from([("a", "bc"), ("b", "")]),
            LabelSet::from([("a", "b"), ("b", "c")])
        );
    }

    #[test]
    fn samples_are_equal_if_they_read_the_same() {
        let sample = |value| Sample::new(Suffix::None, LabelSet::new(), value);
        assert_eq!(sample(f64::NAN), sample(-f64::NAN));
        assert_ne!(sample(0.0), sample(-0.0));
    }
}
