//! A family: the metadata of a metric, and its samples.

use std::{borrow::Cow, mem};

use super::{MetricType, Sample, Suffix};
use crate::Format;

/// Everything that an exposition says about one metric: its metadata and its samples, in their order.
///
/// ```
/// use scout_metrics_openmetrics::{LabelSet, MetricFamily, MetricType, Sample, Suffix};
///
/// let family = MetricFamily::new("http_requests", MetricType::Counter)
///     .with_help("Requests served.")
///     .with_sample(Sample::new(Suffix::Total, LabelSet::from([("code", "200")]), 1027.0));
/// assert_eq!(family.sample_name(&family.samples()[0]), "http_requests_total");
///
/// // Families are edited freely. `encode_families` checks the result.
/// let family = family
///     .with_name("gateway_requests")
///     .map_samples(|sample| sample.with_label("cluster", "eu-1"));
/// assert_eq!(family.samples()[0].labels().get("cluster"), Some("eu-1"));
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
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

    /// Returns the family with another name.
    ///
    /// The samples of a state set have a label with the name of the family, which is renamed as well. The unit stays as it
    /// is, and OpenMetrics has to find it at the end of the name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        let old = mem::replace(&mut self.name, name.into());
        if self.kind == MetricType::StateSet && old != self.name {
            let name = self.name.clone();
            let renamed = |sample: Sample| {
                let labels = sample.labels().renamed(&old, &name);
                sample.with_labels(labels)
            };
            return self.map_samples(renamed);
        }
        self
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

    /// Keeps only the samples for which a function returns `true`, in their order.
    pub fn retain(&mut self, keep: impl FnMut(&Sample) -> bool) {
        self.samples.retain(keep);
    }

    /// Returns the family with each sample replaced by what a function makes of it.
    #[must_use]
    pub fn map_samples(mut self, map: impl FnMut(Sample) -> Sample) -> Self {
        self.samples = self.samples.into_iter().map(map).collect();
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name that the family has in a format, which differs for counters and info.
    ///
    /// OpenMetrics 1.0 names the family of a counter without `_total`, and only its samples with it. OpenMetrics 2.0, Prometheus
    /// text and protobuf give both the same name. [`name`](Self::name) returns what was read, so the same counter has two names there. This method
    /// returns the same name for both, whatever the family was read from.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{Format, ParseOptions, parse_families};
    ///
    /// let text = "# TYPE hits_total counter\nhits_total 7\n";
    /// let prometheus = parse_families(text.as_bytes(), &ParseOptions::new(Format::Prometheus))?;
    /// let text = "# TYPE hits counter\nhits_total 7\n# EOF\n";
    /// let openmetrics = parse_families(text.as_bytes(), &ParseOptions::new(Format::OpenMetrics))?;
    /// assert_eq!(prometheus.as_slice()[0].name(), "hits_total");
    /// assert_eq!(openmetrics.as_slice()[0].name(), "hits");
    /// for families in [prometheus, openmetrics] {
    ///     assert_eq!(families.as_slice()[0].name_in(Format::OpenMetrics), "hits");
    ///     assert_eq!(families.as_slice()[0].name_in(Format::Prometheus), "hits_total");
    /// }
    /// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
    /// ```
    ///
    /// Likewise the info `build` of OpenMetrics 1.0, whose samples are `build_info`, is `build_info` in OpenMetrics 2.0; the other
    /// formats have no info.
    ///
    /// Counters and info without samples keep their name, and so do counters without `_total` in the formats that allow them.
    pub fn name_in(&self, format: Format) -> Cow<'_, str> {
        let name = self.name();
        let has = |suffix| self.samples.iter().any(|sample| sample.suffix() == suffix);
        match format {
            Format::OpenMetrics if self.kind == MetricType::Info && has(Suffix::None) => {
                without(name, Suffix::Info).into()
            }
            Format::OpenMetrics2 if self.kind == MetricType::Info && has(Suffix::Info) => {
                format!("{name}_info").into()
            }
            _ if self.kind != MetricType::Counter => name.into(),
            Format::OpenMetrics if has(Suffix::None) => without(name, Suffix::Total).into(),
            Format::OpenMetrics2 | Format::Prometheus | Format::Protobuf if has(Suffix::Total) => {
                format!("{name}_total").into()
            }
            _ => name.into(),
        }
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

    /// Returns the samples, to change them in place.
    pub fn samples_mut(&mut self) -> &mut [Sample] {
        &mut self.samples
    }

    /// Returns the samples, without the family.
    pub fn into_samples(self) -> Vec<Sample> {
        self.samples
    }

    /// Returns the name that a sample of this family has in an exposition, as [`Sample::name`] does.
    pub fn sample_name(&self, sample: &Sample) -> String {
        sample.name(self).into_owned()
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

/// Returns a name without a suffix, unless nothing else is in it.
fn without(name: &str, suffix: Suffix) -> &str {
    let base = name.strip_suffix(suffix.as_str());
    base.filter(|base| !base.is_empty()).unwrap_or(name)
}

impl Extend<Sample> for MetricFamily {
    fn extend<I: IntoIterator<Item = Sample>>(&mut self, samples: I) {
        self.samples.extend(samples);
    }
}

impl IntoIterator for MetricFamily {
    type Item = Sample;
    type IntoIter = std::vec::IntoIter<Sample>;

    fn into_iter(self) -> Self::IntoIter {
        self.samples.into_iter()
    }
}

impl<'f> IntoIterator for &'f MetricFamily {
    type Item = &'f Sample;
    type IntoIter = std::slice::Iter<'f, Sample>;

    fn into_iter(self) -> Self::IntoIter {
        self.samples.iter()
    }
}

impl<'f> IntoIterator for &'f mut MetricFamily {
    type Item = &'f mut Sample;
    type IntoIter = std::slice::IterMut<'f, Sample>;

    fn into_iter(self) -> Self::IntoIter {
        self.samples.iter_mut()
    }
}
