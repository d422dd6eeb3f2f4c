//! The names that an encoder writes escaped.

use std::borrow::Cow;

use crate::{
    EscapingScheme, Format, MetricType, NameCollision, Suffix,
    find::NameOf,
    names::{NamesSeen, check_labels, escape_before, escape_unit, escaped_with, family_name_of},
};

/// Escapes the names of an exposition, and remembers them, so that two that become the same are noticed.
///
/// The names of metrics are remembered to the end. Each costs memory once; samples that follow one another with the
/// same names cost two comparisons.
#[derive(Clone, Debug)]
pub(super) struct EscapedNames {
    scheme: EscapingScheme,
    has_escaped: bool,
    families: NamesSeen,
    samples: NamesSeen,
    family: Family,
    /// The sample that was written last, and how.
    sample: String,
    written_sample: String,
    labels: LabelNames,
    checked_labels: LabelNames,
}

/// The family that was written last.
#[derive(Clone, Debug, Default)]
struct Family {
    name: String,
    written: String,
    kind: MetricType,
}

impl EscapedNames {
    pub(super) fn new(scheme: EscapingScheme) -> Self {
        Self {
            scheme,
            has_escaped: false,
            families: NamesSeen::new(scheme),
            samples: NamesSeen::new(scheme),
            family: Family::default(),
            sample: String::new(),
            written_sample: String::new(),
            labels: LabelNames::default(),
            checked_labels: LabelNames::default(),
        }
    }

    /// Returns whether a name was not plain.
    pub(super) fn has_escaped(&self) -> bool {
        self.has_escaped
    }

    /// Returns the name and the unit of a family as they are written.
    pub(super) fn family<'u>(
        &mut self,
        name: &str,
        kind: MetricType,
        unit: &'u str,
        format: Format,
    ) -> Result<(&str, Cow<'u, str>), NameCollision> {
        let suffix = escaped_with(kind, unit).filter(|_| format == Format::OpenMetrics);
        let written = match suffix {
            Some(suffix) if !NameOf::Metric.is(name) => {
                escape_before(self.scheme, name, suffix).into()
            }
            _ => self.scheme.escape_if_needed(family_name_of(kind), name),
        };
        self.has_escaped |= written != name;
        self.families.insert(name, &written)?;
        replace(&mut self.family.name, name);
        replace(&mut self.family.written, &written);
        self.family.kind = kind;
        let unit = match written == name {
            true => unit.into(),
            false => escape_unit(self.scheme, unit),
        };
        Ok((&self.family.written, unit))
    }

    /// Returns the name of a sample as it is written.
    pub(super) fn sample(&mut self, family: &str, suffix: Suffix) -> Result<&str, NameCollision> {
        let suffix = suffix.as_str();
        let is_same = self.sample.strip_prefix(family) == Some(suffix);
        if !is_same {
            self.remember(format!("{family}{suffix}"))?;
        }
        Ok(&self.written_sample)
    }

    fn remember(&mut self, sample: String) -> Result<(), NameCollision> {
        self.written_sample = match self.family.suffix_of(&sample) {
            Some(suffix) => format!("{}{suffix}", self.family.written),
            None => {
                let escaped = self.scheme.escape_if_needed(NameOf::Metric, &sample);
                escaped.into_owned()
            }
        };
        self.has_escaped |= self.written_sample != sample;
        self.samples.insert(&sample, &self.written_sample)?;
        self.sample = sample;
        Ok(())
    }

    /// Begins a set of labels.
    pub(super) fn start_labels(&mut self) {
        self.labels.clear();
    }

    /// Returns the name of the next label of the set as it is written.
    pub(super) fn label<'n>(&mut self, name: &'n str) -> Cow<'n, str> {
        let written = self.scheme.escape_if_needed(NameOf::Label, name);
        let is_escaped = written != name;
        self.has_escaped |= is_escaped;
        self.labels.push(name, is_escaped);
        written
    }

    /// Ends a set of labels.
    pub(super) fn end_labels(&mut self) -> Result<(), NameCollision> {
        if self.labels.has_escaped && self.labels != self.checked_labels {
            let scheme = self.scheme;
            check_labels(scheme, self.labels.iter(), |name| {
                scheme.escape_if_needed(NameOf::Label, name)
            })?;
            self.checked_labels.clone_from(&self.labels);
        }
        Ok(())
    }
}

impl Family {
    /// Returns the suffix of a sample's name after that of the family, if the name is that of one of its samples.
    fn suffix_of<'s>(&self, sample: &'s str) -> Option<&'s str> {
        let suffix = sample.strip_prefix(&self.name)?;
        let mut suffixes = Suffix::NAMED.iter().filter(|s| s.belongs_to(self.kind));
        let is_own = suffix.is_empty() || suffixes.any(|own| own.as_str() == suffix);
        (is_own && !self.name.is_empty()).then_some(suffix)
    }
}

/// The names of a set of labels, in memory that is used again.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct LabelNames {
    text: String,
    ends: Vec<usize>,
    has_escaped: bool,
}

impl LabelNames {
    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.has_escaped = false;
    }

    fn push(&mut self, name: &str, is_escaped: bool) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
        self.has_escaped |= is_escaped;
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let pieces = starts.zip(&self.ends);
        pieces.map(|(start, &end)| &self.text[start..end])
    }
}

fn replace(text: &mut String, with: &str) {
    text.clear();
    text.push_str(with);
}
