//! Times of creation: samples of the family that they are about in OpenMetrics, and a gauge of their own in Prometheus text.

use std::collections::HashMap;

use super::{
    arrange::{SortedLabels, metric_key},
    draft::Draft,
    shape::{with_samples, without_suffixes},
};
use crate::{Lost, MetricFamily, MetricType, Sample, Suffix, Timestamp};

/// Returns a family without its times of creation, and the gauge that they are, if there are any.
pub(super) fn apart(family: &MetricFamily) -> Option<(MetricFamily, MetricFamily)> {
    let is_created = |sample: &&Sample| sample.suffix() == Suffix::Created;
    let (created, own): (Vec<_>, Vec<_>) = family.samples().iter().partition(is_created);
    if created.is_empty() || !Suffix::Created.belongs_to(family.kind()) {
        return None;
    }
    let name = family.name().to_owned();
    let own = with_samples(family, name, family.kind(), own.into_iter().cloned());
    let name = format!("{}{}", family.name(), Suffix::Created);
    let created = with_samples(
        family,
        name,
        MetricType::Gauge,
        created.into_iter().cloned(),
    );
    Some((own, without_suffixes(created)))
}

/// Moves the samples of each family `x_created` into the family `x`, if each of them belongs to one of its metrics.
pub(super) fn fold(drafts: &mut Vec<Draft>) {
    let mut bases: HashMap<String, usize> = HashMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        if Suffix::Created.belongs_to(draft.family.kind()) {
            bases.insert(draft.family.name().to_owned(), place);
        }
    }
    let mut is_folded = vec![false; drafts.len()];
    for place in 0..drafts.len() {
        let created = &drafts[place].family;
        let Some(name) = created.name().strip_suffix("_created") else {
            continue;
        };
        let Some(&base) = bases.get(name).filter(|base| **base != place) else {
            continue;
        };
        if let Some(samples) = with_created(&drafts[base].family, created) {
            let mut folded = drafts[place].clone();
            folded.lose(Lost::Merged {
                into: name.to_owned(),
            });
            let base = &mut drafts[base];
            base.family.retain(|_| false);
            base.family.extend(samples);
            base.sources.extend(folded.sources);
            base.losses.extend(folded.losses);
            is_folded[place] = true;
        }
    }
    let mut is_folded = is_folded.into_iter();
    drafts.retain(|_| !is_folded.next().unwrap_or(false));
}

/// Returns the samples of a family with a time of creation after the other samples of its point.
fn with_created(base: &MetricFamily, created: &MetricFamily) -> Option<Vec<Sample>> {
    if !matches!(created.kind(), MetricType::Gauge | MetricType::Unknown) {
        return None;
    }
    let mut ends: HashMap<PointKey<'_>, usize> = HashMap::new();
    for (place, sample) in base.samples().iter().enumerate() {
        if sample.suffix() == Suffix::Created {
            return None;
        }
        ends.insert(point_key(base, sample), place);
    }
    let mut created_at: HashMap<usize, Sample> = HashMap::new();
    for sample in created.samples() {
        let end = *ends.get(&point_key(created, sample))?;
        let folded = sample.clone().with_suffix(Suffix::Created);
        if created_at.insert(end, folded).is_some() {
            return None;
        }
    }
    let with_created =
        |(place, sample): (usize, &Sample)| [Some(sample.clone()), created_at.remove(&place)];
    let samples = base.samples().iter().enumerate();
    Some(samples.flat_map(with_created).flatten().collect())
}

/// The metric and the time of a point.
type PointKey<'s> = (SortedLabels<'s>, Option<Timestamp>);

fn point_key<'s>(family: &MetricFamily, sample: &'s Sample) -> PointKey<'s> {
    (metric_key(family, sample), sample.timestamp())
}
