//! The families of an exposition.

use std::borrow::Cow;

use super::{check::Seen, collect::Collector, names::unescape};
use crate::{
    Deviation, EscapingScheme, Format, MetricFamily, NameCollision, ParseError, ParseOptions,
    parse::utf8, protobuf,
};

/// Reads a whole exposition into families.
///
/// In memory they mostly need about as much as the exposition, and less where the values of labels repeat
/// (`benches/README.md` has the figures). A sample costs no allocation, except for exemplars, a start timestamp or a composite
/// value.
///
/// ```
/// use scout_metrics_openmetrics::{Format, MetricType, ParseOptions, parse_families};
///
/// let text = b"# TYPE up gauge\nup{job=\"a\"} 1\nup{job=\"b\"} 0\n";
/// let families = parse_families(text, &ParseOptions::new(Format::Prometheus))?;
/// let up = families.get("up").expect("the exposition has the family");
/// assert_eq!(up.kind(), MetricType::Gauge);
/// assert_eq!(up.samples()[1].labels().get("job"), Some("b"));
/// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
/// ```
///
/// # Errors
///
/// Any [`ParseErrorKind`](crate::ParseErrorKind); `Semantics` where families break a rule that the mode does not
/// forgive.
pub fn parse_families(exposition: &[u8], options: &ParseOptions) -> Result<Families, ParseError> {
    if options.format() == Format::Protobuf {
        return protobuf::read_families(exposition, options);
    }
    let text = utf8(exposition)?;
    let mut collector = Collector::new(options, Seen::noted());
    let families = collector.read(text, options);
    if !collector.may_have_repeats() {
        return families;
    }
    Collector::new(options, Seen::table()).read(text, options)
}

/// The families of an exposition, in the order in which they first appear, and the rules that it breaks.
///
/// In OpenMetrics 2.0 and protobuf a histogram or summary is one sample with a
/// [composite value](crate::Sample::composite), in the other formats several samples with suffixes.
/// [`MetricFamily::histograms`] and [`MetricFamily::summaries`] read both. In OpenMetrics 2.0, deviations of strict mode are
/// exemplars that were left out.
///
/// A proxy reads families, edits them and writes them again:
///
/// ```
/// use std::error::Error;
///
/// use scout_metrics_openmetrics::{Exposition, Format, ParseOptions, encode_families, parse_families};
///
/// fn relabel(exposition: &[u8], format: Format) -> Result<Exposition, Box<dyn Error>> {
///     let families = parse_families(exposition, &ParseOptions::new(format))?;
///     let relabelled: Vec<_> = families
///         .into_iter()
///         .filter(|family| family.name() != "go_info")
///         .map(|family| family.map_samples(|sample| sample.with_label("cluster", "eu-1")))
///         .collect();
///     Ok(encode_families(&relabelled, format)?)
/// }
///
/// let exposition = b"# TYPE go_info gauge\ngo_info 1\n# TYPE up gauge\nup{job=\"api\"} 1\n";
/// let relabelled = relabel(exposition, Format::Prometheus)?;
/// assert_eq!(relabelled.body(), "# TYPE up gauge\nup{job=\"api\",cluster=\"eu-1\"} 1\n");
/// # Ok::<(), Box<dyn Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Families {
    families: Vec<MetricFamily>,
    deviations: Deviations,
}

impl Families {
    /// The maximum number of deviations that are kept. An exposition in which every line has one would otherwise need
    /// more memory for them than for the families.
    pub const MAX_DEVIATIONS: usize = 10_000;

    pub(crate) fn new(families: Vec<MetricFamily>, deviations: Deviations) -> Self {
        Self {
            families,
            deviations,
        }
    }

    /// Returns the families as a slice.
    pub fn as_slice(&self) -> &[MetricFamily] {
        &self.families
    }

    /// Returns the families one after another.
    pub fn iter(&self) -> std::slice::Iter<'_, MetricFamily> {
        self.families.iter()
    }

    /// Returns the families one after another, to change them in place.
    ///
    /// The deviations stay those of the exposition.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, MetricFamily> {
        self.families.iter_mut()
    }

    /// Keeps only the families for which a function returns `true`, in their order.
    ///
    /// The deviations stay those of the exposition.
    pub fn retain(&mut self, keep: impl FnMut(&MetricFamily) -> bool) {
        self.families.retain(keep);
    }

    /// Returns the number of families.
    pub fn len(&self) -> usize {
        self.families.len()
    }

    /// Returns whether there are no families.
    pub fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    /// Returns the family with a name, as its metadata have it: in OpenMetrics 1.0 that of a counter has no `_total`.
    /// [`MetricFamily::name_in`] returns one name for counters of both formats.
    ///
    /// Looks at one family after another.
    pub fn get(&self, name: &str) -> Option<&MetricFamily> {
        self.iter().find(|family| family.name() == name)
    }

    /// Returns the family with a name, to change it in place. Finds it as [`get`](Self::get) does.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut MetricFamily> {
        self.iter_mut().find(|family| family.name() == name)
    }

    /// Returns the rules that were broken and forgiven, in the order of their lines: the first
    /// [`MAX_DEVIATIONS`](Self::MAX_DEVIATIONS).
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations.first
    }

    /// Returns the number of deviations, with those that were not kept.
    pub fn deviation_count(&self) -> u64 {
        self.deviations.count
    }

    /// Returns the families with the names that a server escaped: those of metrics, labels and the labels of exemplars.
    ///
    /// The scheme is that of the [`ContentType`](crate::ContentType) of the exposition. Reading never unescapes by itself,
    /// because most readers ask for [`AllowUtf8`](EscapingScheme::AllowUtf8) and get all names as they are. See
    /// [`EscapingScheme`] for what each scheme keeps of a name. Deviations keep the names of the exposition.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{ContentType, ParseOptions, parse_families};
    ///
    /// let content_type: ContentType = "text/plain; version=1.0.0; escaping=values".parse()?;
    /// let text = b"# TYPE U__a_2e_b histogram\nU__a_2e_b_bucket{le=\"+Inf\"} 1\n";
    /// let families = parse_families(text, &ParseOptions::new(content_type))?;
    /// let families = families.unescaped(content_type.escaping())?;
    /// let family = families.get("a.b").expect("the name is unescaped");
    /// assert_eq!(family.sample_name(&family.samples()[0]), "a.b_bucket");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If two names become the same.
    pub fn unescaped(self, scheme: EscapingScheme) -> Result<Self, NameCollision> {
        let changed = match unescape(&self.families, scheme)? {
            Cow::Borrowed(_) => None,
            Cow::Owned(families) => Some(families),
        };
        Ok(Self {
            families: changed.unwrap_or(self.families),
            ..self
        })
    }

    /// Returns the families as a vector.
    pub fn into_vec(self) -> Vec<MetricFamily> {
        self.families
    }
}

impl IntoIterator for Families {
    type Item = MetricFamily;
    type IntoIter = std::vec::IntoIter<MetricFamily>;

    fn into_iter(self) -> Self::IntoIter {
        self.families.into_iter()
    }
}

impl<'f> IntoIterator for &'f Families {
    type Item = &'f MetricFamily;
    type IntoIter = std::slice::Iter<'f, MetricFamily>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'f> IntoIterator for &'f mut Families {
    type Item = &'f mut MetricFamily;
    type IntoIter = std::slice::IterMut<'f, MetricFamily>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// Collects families that have no deviations.
impl FromIterator<MetricFamily> for Families {
    fn from_iter<I: IntoIterator<Item = MetricFamily>>(families: I) -> Self {
        Self::new(families.into_iter().collect(), Deviations::default())
    }
}

impl AsRef<[MetricFamily]> for Families {
    fn as_ref(&self) -> &[MetricFamily] {
        self.as_slice()
    }
}

/// The first deviations, and the number of all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deviations {
    first: Vec<Deviation>,
    count: u64,
}

impl Deviations {
    pub(super) fn push(&mut self, deviation: impl FnOnce() -> Deviation) {
        if self.first.len() < Families::MAX_DEVIATIONS {
            self.first.push(deviation());
        }
        self.count += 1;
    }

    pub(super) fn extend(&mut self, deviations: &[Deviation]) {
        let room = Families::MAX_DEVIATIONS - self.first.len();
        let kept = &deviations[..deviations.len().min(room)];
        self.first.extend_from_slice(kept);
        self.count += deviations.len() as u64;
    }

    /// Puts the deviations in the order of their lines: what is missing at the end of a point was reported later.
    pub(super) fn sort(&mut self) {
        self.first
            .sort_by_key(|deviation| (deviation.line, deviation.column));
    }
}
