//! Families by the types, names and suffixes of a format.

use super::{
    draft::{Draft, Source},
    form::{Formed, classic, composite, is_composite},
};
use crate::{Format, Lost, MetricFamily, MetricType, Sample, Suffix};

/// Returns a family as a format has it, or `None` if the samples have suffixes that do not fit the type.
pub(super) fn shaped(part: usize, family: &MetricFamily, format: Format) -> Option<Draft> {
    match format {
        Format::OpenMetrics => openmetrics(part, family),
        Format::OpenMetrics2 => formed(part, family, format),
        Format::Prometheus => prometheus(part, family, format),
        Format::Protobuf => match family.kind() {
            MetricType::Info | MetricType::StateSet => prometheus(part, family, format),
            _ => formed(part, family, format),
        },
    }
}

/// Returns a family with composite values, where they are several samples.
fn formed(part: usize, family: &MetricFamily, format: Format) -> Option<Draft> {
    let Formed { family, losses } = composite(family, format)?;
    let mut draft = Draft::new(part, family, format);
    losses.into_iter().for_each(|lost| draft.lose(lost));
    Some(draft)
}

/// Returns a family of numbers as one of unknown type, which has the same names in OpenMetrics 2.0.
fn unknown(source: Source, family: &MetricFamily) -> Option<Draft> {
    let before = family.kind();
    let has_numbers = matches!(
        before,
        MetricType::Counter | MetricType::Info | MetricType::StateSet
    );
    if !has_numbers || source.suffix.is_some() {
        return None;
    }
    let Formed { mut family, losses } = composite(family, Format::OpenMetrics2)?;
    family.set_kind(MetricType::Unknown);
    let mut draft = Draft::new(source.part, family, Format::OpenMetrics2);
    losses.into_iter().for_each(|lost| draft.lose(lost));
    let after = MetricType::Unknown;
    draft.lose(Lost::Type { before, after });
    Some(draft)
}

/// Returns a family for each sample name of a family, or for that with one suffix, of a type that says nothing about names.
pub(super) fn plain(source: Source, family: &MetricFamily, format: Format) -> Vec<Draft> {
    if !is_composite(format) {
        return plain_series(source, family, format, &[]);
    }
    if let Some(draft) = unknown(source, family).filter(|_| format == Format::OpenMetrics2) {
        return vec![draft];
    }
    let Formed { family, losses } = classic(family, format);
    plain_series(source, &family, format, &losses)
}

/// Returns a family for each sample name. The first one has the losses of all.
fn plain_series(
    source: Source,
    family: &MetricFamily,
    format: Format,
    losses: &[Lost],
) -> Vec<Draft> {
    let kind = match (family.kind(), format) {
        (MetricType::Gauge, _) => MetricType::Gauge,
        // A number that goes up and down is a gauge, part by part.
        (MetricType::GaugeHistogram, Format::Prometheus | Format::Protobuf) => MetricType::Gauge,
        _ => MetricType::Unknown,
    };
    let mut suffixes: Vec<Suffix> = Vec::new();
    for sample in family.samples() {
        if !suffixes.contains(&sample.suffix()) {
            suffixes.push(sample.suffix());
        }
    }
    if suffixes.is_empty() {
        suffixes.push(Suffix::None);
    }
    let first = suffixes[0];
    suffixes.retain(|suffix| source.suffix.is_none_or(|only| only == *suffix));
    let lost = |suffix: Suffix, name: &str| match suffix {
        _ if kind != family.kind() => Some(Lost::Type {
            before: family.kind(),
            after: kind,
        }),
        Suffix::None => None,
        Suffix::Created => Some(Lost::Created {
            family: name.to_owned(),
        }),
        _ => Some(Lost::Split),
    };
    let of_suffix = |suffix: Suffix| {
        let name = format!("{}{suffix}", family.name());
        let samples = family.samples().iter();
        let samples = samples.filter(|sample| sample.suffix() == suffix).cloned();
        let lost = lost(suffix, &name);
        let samples = with_samples(family, name, kind, samples);
        let mut draft = Draft::new(source.part, without_suffixes(samples), format);
        draft.sources[0].suffix = Some(suffix);
        lost.into_iter().for_each(|lost| draft.lose(lost));
        let losses = losses.iter().filter(|_| suffix == first);
        losses.for_each(|lost| draft.lose(lost.clone()));
        draft
    };
    suffixes.into_iter().map(of_suffix).collect()
}

fn openmetrics(part: usize, family: &MetricFamily) -> Option<Draft> {
    let has = |suffix| has_suffix(family, suffix);
    let is_bare_counter = family.kind() == MetricType::Counter && has(Suffix::None);
    if !is_bare_counter {
        let fits = |sample: &Sample| sample.suffix().belongs_to(family.kind());
        let all_fit = family.samples().iter().all(fits);
        return all_fit.then(|| Draft::new(part, family.clone(), Format::OpenMetrics));
    }
    // The name is also that of the samples, and ends in `_total` or has to.
    let name = family.name();
    let base = name.strip_suffix("_total").unwrap_or(name);
    // A time of creation has the name of the family, so it fits unless that changes.
    let fits = |sample: &Sample| match sample.suffix() {
        Suffix::None => true,
        Suffix::Created => base == name,
        _ => false,
    };
    if base.is_empty() || !family.samples().iter().all(fits) {
        return None;
    }
    let total = |sample: Sample| match sample.suffix() {
        Suffix::None => sample.with_suffix(Suffix::Total),
        _ => sample,
    };
    let family_of_totals = family.clone().with_name(base).map_samples(total);
    let mut draft = Draft::new(part, family_of_totals, Format::OpenMetrics);
    if base == name {
        draft.lose(Lost::Name {
            before: name.to_owned(),
            after: format!("{name}_total"),
        });
    }
    Some(draft)
}

/// Returns a family of Prometheus text, or one of a type that protobuf does not have either.
fn prometheus(part: usize, family: &MetricFamily, format: Format) -> Option<Draft> {
    let name = family.name();
    let has = |suffix| has_suffix(family, suffix);
    let (suffixes, name, kind): (&[Suffix], _, _) = match family.kind() {
        MetricType::Counter if has(Suffix::Total) => (
            &[Suffix::Total],
            format!("{name}_total"),
            MetricType::Counter,
        ),
        MetricType::Histogram => (
            &[Suffix::Bucket, Suffix::Count, Suffix::None, Suffix::Sum],
            name.to_owned(),
            MetricType::Histogram,
        ),
        MetricType::GaugeHistogram => return None,
        MetricType::Info if has(Suffix::Info) => {
            (&[Suffix::Info], format!("{name}_info"), MetricType::Gauge)
        }
        MetricType::Info | MetricType::StateSet => {
            (&[Suffix::None], name.to_owned(), MetricType::Gauge)
        }
        MetricType::Summary => (
            &[Suffix::Count, Suffix::None, Suffix::Sum],
            name.to_owned(),
            MetricType::Summary,
        ),
        kind => (&[Suffix::None], name.to_owned(), kind),
    };
    let samples = family.samples().iter();
    if !samples
        .clone()
        .all(|sample| suffixes.contains(&sample.suffix()))
    {
        return None;
    }
    let mut samples = with_samples(family, name, kind, samples.cloned());
    if let [_] = suffixes {
        samples = without_suffixes(samples);
    }
    let mut draft = Draft::new(part, samples, format);
    if kind != family.kind() {
        draft.lose(Lost::Type {
            before: family.kind(),
            after: kind,
        });
    }
    Some(draft)
}

fn has_suffix(family: &MetricFamily, suffix: Suffix) -> bool {
    let mut samples = family.samples().iter();
    samples.any(|sample| sample.suffix() == suffix)
}

/// Returns a family with the metadata of another one.
pub(super) fn with_samples(
    family: &MetricFamily,
    name: String,
    kind: MetricType,
    samples: impl Iterator<Item = Sample>,
) -> MetricFamily {
    let mut part = MetricFamily::new(name, kind)
        .with_help(family.help())
        .with_unit(family.unit());
    part.extend(samples);
    part
}

pub(super) fn without_suffixes(family: MetricFamily) -> MetricFamily {
    family.map_samples(|sample| sample.with_suffix(Suffix::None))
}
