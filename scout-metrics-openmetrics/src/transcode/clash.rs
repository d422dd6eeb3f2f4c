//! Names that two families claim.

use std::collections::HashMap;

use super::{
    Sources,
    draft::Draft,
    settle::{repaired, settle, settle_plain},
};
use crate::{EncodeError, Format, Lost, MetricFamily, MetricType, Suffix};

/// Gives each name to one family: one of the two families that claim it gives up its type, or both become one.
pub(super) fn resolve_clashes(
    mut drafts: Vec<Draft>,
    sources: &Sources<'_>,
) -> Result<Vec<Draft>, EncodeError> {
    // Each round leaves fewer families with a type that claims several names, or fewer families.
    while let Some(clashes) = clashes(&drafts, sources.format) {
        drafts = without_clashes(drafts, &clashes, sources)?;
    }
    Ok(drafts)
}

/// The remedy for a family: it gives up its type, or it joins one that comes before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Clash {
    Join(usize),
    None,
    Plain,
}

/// Returns what is to be done about each family, or `None` if there is no clash.
fn clashes(drafts: &[Draft], format: Format) -> Option<Vec<Clash>> {
    let mut owners: HashMap<String, usize> = HashMap::new();
    let mut clashes = vec![Clash::None; drafts.len()];
    for (place, draft) in drafts.iter().enumerate() {
        for name in claims(&draft.family, format) {
            let owner = *owners.entry(name).or_insert(place);
            if owner != place {
                let (loser, clash) = decide(drafts, owner, place);
                // Giving up the type goes first: nothing joins what is about to be taken apart.
                if clash == Clash::Plain || clashes[loser] == Clash::None {
                    clashes[loser] = clash;
                }
            }
        }
    }
    let is_taken_apart = |clash: &Clash| *clash == Clash::Plain;
    if clashes.iter().any(is_taken_apart) {
        clashes
            .iter_mut()
            .filter(|it| !is_taken_apart(it))
            .for_each(|it| *it = Clash::None);
    }
    let is_none = clashes.iter().all(|clash| *clash == Clash::None);
    (!is_none).then_some(clashes)
}

/// Returns the names that no other family may have or use for its samples (OpenMetrics 1.0, section MetricFamily).
fn claims(family: &MetricFamily, format: Format) -> impl Iterator<Item = String> {
    let (name, kind) = (family.name_in(format).into_owned(), family.kind());
    let suffixes = Suffix::NAMED.into_iter();
    let suffixes =
        suffixes.filter(move |suffix| format == Format::OpenMetrics && suffix.belongs_to(kind));
    [Suffix::None]
        .into_iter()
        .chain(suffixes)
        .map(move |suffix| format!("{name}{suffix}"))
}

fn decide(drafts: &[Draft], owner: usize, place: usize) -> (usize, Clash) {
    let [one, two] = [owner, place].map(|place| &drafts[place].family);
    if one.name() == two.name() && one.kind() == two.kind() {
        return (place, Clash::Join(owner));
    }
    let ranks = [one, two].map(|family| structure(family.kind()));
    match ranks {
        [0, 0] => (place, Clash::Join(owner)),
        [0, _] => (place, Clash::Plain),
        [_, 0] => (owner, Clash::Plain),
        [one, two] if one < two => (owner, Clash::Plain),
        _ => (place, Clash::Plain),
    }
}

/// Returns how much is lost with a type: nothing about names for 0.
pub(super) fn structure(kind: MetricType) -> u8 {
    match kind {
        MetricType::Gauge | MetricType::StateSet | MetricType::Unknown => 0,
        MetricType::Counter => 1,
        MetricType::Info => 2,
        MetricType::Summary => 3,
        MetricType::GaugeHistogram => 4,
        MetricType::Histogram => 5,
    }
}

fn without_clashes(
    drafts: Vec<Draft>,
    clashes: &[Clash],
    sources: &Sources<'_>,
) -> Result<Vec<Draft>, EncodeError> {
    let mut joining: HashMap<usize, Vec<Draft>> = HashMap::new();
    let mut staying = Vec::new();
    for (place, (draft, clash)) in drafts.into_iter().zip(clashes).enumerate() {
        match clash {
            Clash::Join(owner) => joining.entry(*owner).or_default().push(draft),
            clash => staying.push((place, draft, *clash)),
        }
    }
    let mut resolved = Vec::new();
    for (place, mut draft, clash) in staying {
        let joining = joining.remove(&place).unwrap_or_default();
        if clash == Clash::Plain {
            resolved.extend(settle_plain(&draft, sources)?);
        } else if joining.is_empty() {
            resolved.push(draft);
        } else {
            joining
                .into_iter()
                .for_each(|other| join(&mut draft, other));
            resolved.extend(settle_joined(draft, sources)?);
        }
    }
    Ok(resolved)
}

/// Appends the samples of a family with the same name.
fn join(draft: &mut Draft, mut other: Draft) {
    other.lose(Lost::Merged {
        into: draft.family.name().to_owned(),
    });
    if draft.family.kind() != other.family.kind() {
        change_type(draft, MetricType::Unknown);
        change_type(&mut other, MetricType::Unknown);
    }
    draft.family.extend(other.family);
    draft.sources.extend(other.sources);
    draft.losses.extend(other.losses);
}

fn change_type(draft: &mut Draft, after: MetricType) {
    let before = draft.family.kind();
    if before != after {
        draft.family.set_kind(after);
        draft.lose(Lost::Type { before, after });
    }
}

/// A family of one sample name stays one: it has nothing left to give up.
fn settle_joined(draft: Draft, sources: &Sources<'_>) -> Result<Vec<Draft>, EncodeError> {
    if structure(draft.family.kind()) == 0 {
        Ok(vec![repaired(&draft, sources.format)?])
    } else {
        settle(draft, sources)
    }
}
