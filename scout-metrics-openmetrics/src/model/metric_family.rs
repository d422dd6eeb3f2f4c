//! A family: the metadata of a metric, and its samples.

use std::mem;

use super::{MetricType, Sample};

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
        format!("{}{}", self.name, sample.suffix().as_str())
    }

    /// Moves samples to the end, for the first ones into memory of the right size.
    pub(crate) fn append(&mut self, samples: &mut Vec<Sample>) {
        /// So many are not copied.
        const MANY: usize = 1024;
        if self.samples.is_empty() && samples.len() >= MANY {
            self.samples = mem::take(samples);
            self.samples.shrink_to_fit();
            return;
        }
        if self.samples.is_empty() {
            self.samples.reserve_exact(samples.len());
        }
        self.samples.append(samples);
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
