//! The family of each line, for those who read line by line.

use super::places::NamePlaces;
use crate::{Event, Line, MetricFamily, MetricType, ParseOptions, Suffix, Text, TextFormat};

/// Finds the family that each line of an exposition belongs to, as [`parse_families`](crate::parse_families) does.
///
/// The name of a sample alone does not say it: `x_count` belongs to `x` if that is a histogram, and is a family of its own
/// otherwise. Only in OpenMetrics 2.0 the family always has the name of the sample. The tracker keeps the names and types of the families so far, and nothing of their samples.
///
/// ```
/// use scout_metrics_openmetrics::{FamilyTracker, MetricType, ParseOptions, Parser, Suffix};
///
/// let text = "# TYPE latency histogram\nlatency_bucket{le=\"+Inf\"} 2\nlatency_count 2\n";
/// let options = ParseOptions::default();
/// let mut parser = Parser::from_text(text, &options);
/// let mut families = FamilyTracker::new(&options);
/// while let Some(line) = parser.next_line()? {
///     let family = families.family_of(line)?.expect("no line is a comment");
///     assert_eq!((family.name(), family.kind()), ("latency", MetricType::Histogram));
///     if line.number() == 3 {
///         assert_eq!(family.suffix(), Suffix::Count);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FamilyTracker {
    format: TextFormat,
    limit: usize,
    /// The families, without samples.
    families: Vec<MetricFamily>,
    /// Which lines each family has had.
    lines: Vec<Lines>,
    places: NamePlaces,
    /// The family of the line before.
    current: usize,
    /// The name of the last sample, if no metadata came after it, and its suffix.
    last_sample: String,
    suffix: Suffix,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lines {
    has_type: bool,
    has_samples: bool,
}

/// The family of a line. [`FamilyTracker::family_of`] returns it.
#[derive(Clone, Copy, Debug)]
pub struct FamilyRef<'t> {
    family: &'t MetricFamily,
    suffix: Suffix,
}

impl<'t> FamilyRef<'t> {
    /// Returns the name.
    pub fn name(self) -> &'t str {
        self.family.name()
    }

    /// Returns the type, which is unknown until the line with `# TYPE`.
    pub fn kind(self) -> MetricType {
        self.family.kind()
    }

    /// Returns the suffix of the sample's name after that of the family. Metadata have none.
    pub fn suffix(self) -> Suffix {
        self.suffix
    }
}

/// There are more families than [`Limits`](crate::Limits) allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there are more families than the limit of {limit} (line {line})")]
pub struct FamilyLimitError {
    limit: usize,
    line: u64,
}

impl FamilyLimitError {
    /// Returns the number of the line with one family too many.
    pub fn line(&self) -> u64 {
        self.line
    }
}

impl FamilyTracker {
    /// Creates a tracker for an exposition that is read with these options: their format and their limit of families
    /// matter.
    pub fn new(options: &ParseOptions) -> Self {
        Self {
            format: options.text_format(),
            limit: options.limits().families(),
            families: Vec::new(),
            lines: Vec::new(),
            places: NamePlaces::default(),
            current: 0,
            last_sample: String::new(),
            suffix: Suffix::None,
        }
    }

    /// Returns the family of a line, and `None` for a comment and the line `# EOF`, and in OpenMetrics 2.0 for HELP and UNIT
    /// that are empty, which say nothing there. It has to be given all lines in their order.
    ///
    /// # Errors
    ///
    /// If there are more families than the limit.
    pub fn family_of(
        &mut self,
        line: Line<'_, '_>,
    ) -> Result<Option<FamilyRef<'_>>, FamilyLimitError> {
        let number = line.number();
        match line.event() {
            Event::Comment(_) | Event::End => return Ok(None),
            event if self.skips(event) => return Ok(None),
            Event::Help { name, .. } | Event::Unit { name, .. } => self.go_to(name, number)?,
            Event::Sample(sample) => self.go_to_sample(sample.name(), number)?,
            Event::Type { name, kind } => {
                self.go_to(name, number)?;
                let lines = &mut self.lines[self.current];
                // A second type counts only before the samples.
                if !(lines.has_type && lines.has_samples) {
                    self.families[self.current].set_kind(kind);
                }
                lines.has_type = true;
            }
        }
        Ok(Some(FamilyRef {
            family: &self.families[self.current],
            suffix: self.suffix,
        }))
    }

    fn skips(&self, event: Event<'_, '_>) -> bool {
        self.format == TextFormat::OpenMetrics2 && empty_metadata(event).is_some()
    }

    /// Goes to the family that metadata name.
    fn go_to(&mut self, name: Text<'_>, line: u64) -> Result<(), FamilyLimitError> {
        self.last_sample.clear();
        self.suffix = Suffix::None;
        let name = name.decode();
        self.current = match self.find(&name) {
            Some(place) => place,
            None => self.add(&name, line)?,
        };
        Ok(())
    }

    fn go_to_sample(&mut self, name: Text<'_>, line: u64) -> Result<(), FamilyLimitError> {
        if !self.last_sample.is_empty() && name == *self.last_sample {
            return Ok(());
        }
        let name = name.decode();
        let found = match self.format {
            TextFormat::OpenMetrics2 => self.find(&name).map(|place| (place, Suffix::None)),
            _ => self.find_with_suffix(&name),
        };
        (self.current, self.suffix) = match found {
            Some(found) => found,
            None => (self.add(&name, line)?, Suffix::None),
        };
        self.lines[self.current].has_samples = true;
        self.last_sample.clear();
        self.last_sample.push_str(&name);
        Ok(())
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.places.find(name, &self.families)
    }

    /// Finds the family of a sample, whose name may have a suffix.
    fn find_with_suffix(&self, name: &str) -> Option<(usize, Suffix)> {
        let current = self.families.get(self.current);
        let here = current.and_then(|family| suffix_in(self.format, family, name));
        here.map(|suffix| (self.current, suffix))
            .or_else(|| Some((self.find(name)?, Suffix::None)))
            .or_else(|| self.find_suffixed(name))
    }

    /// Finds a family by the start of a sample's name.
    fn find_suffixed(&self, name: &str) -> Option<(usize, Suffix)> {
        Suffix::NAMED.into_iter().find_map(|suffix| {
            let place = self.find(name.strip_suffix(suffix.as_str())?)?;
            let kind = self.families[place].kind();
            is_suffix_of(self.format, suffix, kind).then_some((place, suffix))
        })
    }

    fn add(&mut self, name: &str, line: u64) -> Result<usize, FamilyLimitError> {
        let (place, limit) = (self.families.len(), self.limit);
        if place >= limit {
            return Err(FamilyLimitError { limit, line });
        }
        let family = MetricFamily::new(name, MetricType::Unknown);
        self.families.push(family);
        self.lines.push(Lines::default());
        self.places.insert(name, place);
        Ok(place)
    }
}

/// Returns the family of metadata that are empty, which OpenMetrics 2.0 treats as if the line was not there (section
/// "MetricFamily metadata").
fn empty_metadata<'a>(event: Event<'_, 'a>) -> Option<Text<'a>> {
    match event {
        Event::Help { name, text } => text.raw().is_empty().then_some(name),
        Event::Unit { name, unit } => unit.is_empty().then_some(name),
        _ => None,
    }
}

/// Returns the suffix that a sample's name has in a family, if it can be of that family.
pub(super) fn suffix_in(format: TextFormat, family: &MetricFamily, name: &str) -> Option<Suffix> {
    let rest = name.strip_prefix(family.name())?;
    if rest.is_empty() {
        return Some(Suffix::None);
    }
    let suffix = Suffix::of(rest)?;
    is_suffix_of(format, suffix, family.kind()).then_some(suffix)
}

/// Returns whether a format gives a suffix to samples of a type.
pub(super) fn is_suffix_of(format: TextFormat, suffix: Suffix, kind: MetricType) -> bool {
    use MetricType::{GaugeHistogram, Histogram, Summary};

    match format {
        TextFormat::OpenMetrics => suffix.belongs_to(kind),
        TextFormat::OpenMetrics2 => false,
        TextFormat::Prometheus => {
            // The type first: most families have one without suffixes.
            let has_suffixes = matches!(kind, GaugeHistogram | Histogram | Summary);
            has_suffixes && suffix != Suffix::Created && suffix.belongs_to(kind)
        }
    }
}
