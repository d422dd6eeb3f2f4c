//! Escapes and unescapes the names of families.

use std::{borrow::Cow, iter};

use crate::{
    EscapingScheme, Exemplar, LabelSet, MetricFamily, MetricType, NameCollision, Sample, Suffix,
    find::NameOf,
    names::{
        NamesSeen, check_labels, escape_before, escape_unit, escaped_with, family_name_of,
        unescape_unit,
    },
};

/// Returns families with plain names, as a scheme writes them.
pub(super) fn escape(
    families: &[MetricFamily],
    scheme: EscapingScheme,
) -> Result<Cow<'_, [MetricFamily]>, NameCollision> {
    if scheme == EscapingScheme::AllowUtf8 {
        return Ok(families.into());
    }
    rename(families, Renaming::Escape(scheme))
}

/// Returns families with the names that a scheme escaped.
pub(super) fn unescape(
    families: &[MetricFamily],
    scheme: EscapingScheme,
) -> Result<Cow<'_, [MetricFamily]>, NameCollision> {
    match scheme {
        EscapingScheme::AllowUtf8 | EscapingScheme::Underscores => Ok(families.into()),
        EscapingScheme::Dots | EscapingScheme::Values => {
            rename(families, Renaming::Unescape(scheme))
        }
    }
}

#[derive(Clone, Copy)]
enum Renaming {
    Escape(EscapingScheme),
    Unescape(EscapingScheme),
}

fn rename(
    families: &[MetricFamily],
    renaming: Renaming,
) -> Result<Cow<'_, [MetricFamily]>, NameCollision> {
    if !families.iter().any(|family| renaming.changes(family)) {
        return Ok(families.into());
    }
    let mut family_names = NamesSeen::new(renaming.scheme());
    let mut sample_names = NamesSeen::new(renaming.scheme());
    let mut renamed = Vec::with_capacity(families.len());
    for family in families {
        let name = renaming.family_name(family);
        family_names.insert(family.name(), &name)?;
        for suffix in suffixes(family) {
            let [old, new] = [family.name(), &name].map(|name| format!("{name}{suffix}"));
            sample_names.insert(&old, &new)?;
        }
        renamed.push(renaming.family(family, &name)?);
    }
    Ok(renamed.into())
}

/// Returns whether the name of a family is that of its samples.
fn has_whole_name(family: &MetricFamily) -> bool {
    match family.samples() {
        // Only OpenMetrics 2.0 demands the suffix, and it has whole names.
        [] => family.kind() == MetricType::Info && family.name().ends_with(Suffix::Info.as_str()),
        samples => samples.iter().any(|it| it.suffix() == Suffix::None),
    }
}

/// Returns the suffixes that samples of a family have.
fn suffixes(family: &MetricFamily) -> Vec<Suffix> {
    let mut suffixes: Vec<Suffix> = Vec::new();
    for sample in family.samples() {
        if !suffixes.contains(&sample.suffix()) {
            suffixes.push(sample.suffix());
        }
    }
    suffixes
}

impl Renaming {
    fn scheme(self) -> EscapingScheme {
        match self {
            Self::Escape(scheme) | Self::Unescape(scheme) => scheme,
        }
    }

    fn name(self, of: NameOf, name: &str) -> Cow<'_, str> {
        match self {
            Self::Escape(scheme) => scheme.escape_if_needed(of, name),
            Self::Unescape(scheme) => scheme.unescape(name),
        }
    }

    fn family_name(self, family: &MetricFamily) -> Cow<'_, str> {
        let name = family.name();
        let suffix = escaped_with(family.kind(), family.unit()).filter(|_| !has_whole_name(family));
        let with_suffix = suffix.and_then(|suffix| match self {
            Self::Escape(scheme) => Some(escape_before(scheme, name, suffix)),
            Self::Unescape(scheme) => unescape_before(scheme, name, suffix),
        });
        let of = family_name_of(family.kind());
        with_suffix.map_or_else(|| self.name(of, name), Cow::Owned)
    }

    /// Returns whether a name of the family, or of a label of it, changes.
    fn changes(self, family: &MetricFamily) -> bool {
        self.family_name(family) != family.name()
            || family.samples().iter().any(|sample| {
                let exemplars = sample.exemplars().iter().map(Exemplar::labels);
                let mut sets = iter::once(sample.labels()).chain(exemplars);
                sets.any(|labels| self.changes_labels(labels))
            })
    }

    fn changes_labels(self, labels: &LabelSet) -> bool {
        let mut names = labels.iter().map(|(name, _)| name);
        names.any(|name| self.name(NameOf::Label, name) != name)
    }

    fn family(self, family: &MetricFamily, name: &str) -> Result<MetricFamily, NameCollision> {
        let unit = match self {
            _ if name == family.name() => family.unit().into(),
            Self::Escape(scheme) => escape_unit(scheme, family.unit()),
            Self::Unescape(_) => unescape_unit(family.unit()).into(),
        };
        let mut renamed = MetricFamily::new(name, family.kind())
            .with_help(family.help())
            .with_unit(unit);
        for sample in family.samples() {
            renamed.push(self.sample(sample)?);
        }
        Ok(renamed)
    }

    fn sample(self, sample: &Sample) -> Result<Sample, NameCollision> {
        let labels = self.labels(sample.labels())?;
        let exemplars = sample
            .exemplars()
            .iter()
            .map(|exemplar| self.exemplar(exemplar));
        let exemplars: Result<Vec<_>, _> = exemplars.collect();
        Ok(sample
            .clone()
            .with_labels(labels)
            .with_exemplars(exemplars?))
    }

    fn exemplar(self, exemplar: &Exemplar) -> Result<Exemplar, NameCollision> {
        let renamed = Exemplar::new(self.labels(exemplar.labels())?, exemplar.value());
        Ok(match exemplar.timestamp() {
            Some(timestamp) => renamed.with_timestamp(timestamp),
            None => renamed,
        })
    }

    fn labels(self, labels: &LabelSet) -> Result<LabelSet, NameCollision> {
        if !self.changes_labels(labels) {
            return Ok(labels.clone());
        }
        let rename = |name| self.name(NameOf::Label, name);
        let names = labels.iter().map(|(name, _)| name);
        check_labels(self.scheme(), names, rename)?;
        let renamed = labels.iter().map(|(name, value)| (rename(name), value));
        Ok(renamed.collect())
    }
}

/// Returns the name of a family whose sample names were escaped as a whole, or `None` if they were not.
fn unescape_before(scheme: EscapingScheme, name: &str, suffix: Suffix) -> Option<String> {
    let whole = format!("{name}{suffix}");
    let unescaped = scheme.unescape(&whole);
    let name = unescaped.strip_suffix(suffix.as_str());
    let name = name.filter(|name| !name.is_empty() && unescaped != whole);
    name.map(str::to_owned)
}
