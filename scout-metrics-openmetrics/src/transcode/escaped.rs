//! Names in the escaping scheme of a content type.

use std::{borrow::Cow, collections::HashSet, iter};

use super::{draft::is_short, form::is_composite, losses::Losses};
use crate::{
    ContentType, EncodeError, EscapingScheme, Exemplar, Exposition, Format, LabelSet, Limits, Lost,
    MetricFamily, ParseOptions, Sample, encode_families, parse_families,
};

/// Writes families again with the names that a content type allows, and finds those that a reader cannot restore.
pub(super) fn escaped(
    families: &[MetricFamily],
    exposition: Exposition,
    content_type: ContentType,
) -> Result<(Exposition, Losses), EncodeError> {
    let scheme = content_type.escaping();
    if scheme == EscapingScheme::AllowUtf8 {
        let exposition = Exposition::new(content_type, exposition.into_body());
        return Ok((exposition, Losses::default()));
    }
    let format = content_type.format();
    let is_named = |family: &MetricFamily| family.name_in(format) == family.name();
    let is_in_form = !is_composite(format) && !has_composites(families);
    let mut families: Cow<'_, [MetricFamily]> = match is_in_form && families.iter().all(is_named) {
        true => Cow::Borrowed(families),
        false => {
            // In the order, form and names in which they are read.
            let options = ParseOptions::new(format).with_limits(Limits::unlimited());
            let read = parse_families(exposition.body(), &options);
            Cow::Owned(read.map_err(EncodeError::broken_rule)?.into_vec())
        }
    };
    let mut losses = Losses::default();
    if format == Format::OpenMetrics {
        leave_out_long_exemplars(&mut families, scheme, &mut losses);
    }
    let exposition = encode_families(&families, content_type)?;
    let options = ParseOptions::new(content_type).with_limits(Limits::unlimited());
    let read = parse_families(exposition.body(), &options).map_err(EncodeError::broken_rule)?;
    let read = read.unescaped(scheme)?;
    for (place, (family, read)) in families.iter().zip(&read).enumerate() {
        let mut lost = Vec::new();
        let name = match format {
            Format::Protobuf => family.name().into(),
            format => family.name_in(format),
        };
        push_changed(&mut lost, &name, read.name());
        push_changed(&mut lost, family.unit(), read.unit());
        push_labels(&mut lost, family, read);
        lost.into_iter().for_each(|lost| losses.add(place, lost));
    }
    Ok((exposition, losses))
}

/// Leaves out exemplars whose labels are too long when their names are escaped.
fn leave_out_long_exemplars(
    families: &mut Cow<'_, [MetricFamily]>,
    scheme: EscapingScheme,
    losses: &mut Losses,
) {
    let is_long = |exemplar: &&Exemplar| !is_short(exemplar, scheme);
    for place in 0..families.len() {
        let samples = families[place].samples().iter();
        let count = samples.flat_map(Sample::exemplars).filter(is_long).count();
        if count == 0 {
            continue;
        }
        losses.add(place, Lost::Exemplars { count });
        for sample in families.to_mut()[place].samples_mut() {
            let short = sample.exemplars().iter().filter(|it| is_short(it, scheme));
            let short: Vec<_> = short.cloned().collect();
            *sample = sample.clone().with_exemplars(short);
        }
    }
}

/// Returns whether a sample has what is several samples in other formats.
fn has_composites(families: &[MetricFamily]) -> bool {
    let mut samples = families.iter().flat_map(MetricFamily::samples);
    samples.any(|sample| sample.composite().is_some() || sample.start_timestamp().is_some())
}

fn push_labels(lost: &mut Vec<Lost>, family: &MetricFamily, read: &MetricFamily) {
    let mut seen = HashSet::new();
    for (sample, read) in family.samples().iter().zip(read.samples()) {
        for (before, after) in label_names(sample).zip(label_names(read)) {
            if before != after && seen.insert((before, after)) {
                push_changed(lost, before, after);
            }
        }
    }
}

/// Returns the names of the labels of a sample and of its exemplars.
fn label_names(sample: &Sample) -> impl Iterator<Item = &str> {
    let exemplars = sample.exemplars().iter().map(Exemplar::labels);
    let sets = iter::once(sample.labels()).chain(exemplars);
    sets.flat_map(LabelSet::iter).map(|(name, _)| name)
}

fn push_changed(lost: &mut Vec<Lost>, before: &str, after: &str) {
    if before != after {
        lost.push(Lost::Escaped {
            before: before.to_owned(),
            after: after.to_owned(),
        });
    }
}
