//! Changes families until they break no rule of the format.

use std::{cmp::Reverse, collections::HashSet, slice};

use super::{
    Sources,
    arrange::{
        arrange, leave_out_earlier, leave_out_mixed_timestamps, leave_out_repeated, retain,
        sorted_labels,
    },
    clash::structure,
    draft::Draft,
};
use crate::{EncodeError, Exposition, Format, Lost, MetricFamily, encode_families};

type Repair = fn(&mut Draft, Format);

/// Returns a draft as a family that breaks no rule by itself, or as one for each of its sample names.
pub(super) fn settle(draft: Draft, sources: &Sources<'_>) -> Result<Vec<Draft>, EncodeError> {
    match repaired(&draft, sources.format) {
        Ok(draft) => Ok(vec![draft]),
        Err(_) => settle_plain(&draft, sources),
    }
}

/// Returns the sources of a draft as one family for each of their sample names.
pub(super) fn settle_plain(
    draft: &Draft,
    sources: &Sources<'_>,
) -> Result<Vec<Draft>, EncodeError> {
    let parts = sources.plain(draft).into_iter();
    parts.map(|part| repaired(&part, sources.format)).collect()
}

/// Returns the draft with as few changes to its samples as are needed for it to break no rule.
pub(super) fn repaired(draft: &Draft, format: Format) -> Result<Draft, EncodeError> {
    let repairs: [&[Repair]; 4] = match format {
        Format::OpenMetrics | Format::OpenMetrics2 => [
            &[],
            &[arrange],
            &[leave_out_mixed_timestamps, arrange],
            &[leave_out_mixed_timestamps, arrange, leave_out_repeated],
        ],
        Format::Protobuf => [
            &[],
            &[arrange],
            &[leave_out_rounded],
            &[leave_out_rounded, arrange],
        ],
        Format::Prometheus => [
            &[],
            &[leave_out_earlier],
            &[arrange],
            &[leave_out_earlier, arrange],
        ],
    };
    let mut repaired = Err(EncodeError::empty_name("a family"));
    for repair in repairs {
        let mut draft = draft.clone();
        repair.iter().for_each(|repair| repair(&mut draft, format));
        if matches!(format, Format::Prometheus | Format::Protobuf) {
            // Last, because points that differ by less than a millisecond are told apart before.
            draft.round_timestamps();
        }
        repaired = check(&draft.family, format).map(|()| draft);
        if repaired.is_ok() {
            break;
        }
    }
    repaired
}

/// Leaves out samples that repeat another one after their timestamps are rounded.
fn leave_out_rounded(draft: &mut Draft, format: Format) {
    draft.round_timestamps();
    leave_out_repeated(draft, format);
}

fn check(family: &MetricFamily, format: Format) -> Result<(), EncodeError> {
    encode_families(slice::from_ref(family), format).map(drop)
}

/// Writes all families. In Prometheus text, where a histogram `x` may be next to a gauge `x_sum`, series of the one are
/// left out if the other has them.
pub(super) fn encode(
    mut drafts: Vec<Draft>,
    format: Format,
) -> Result<(Exposition, Vec<Draft>), EncodeError> {
    let families = |drafts: &[Draft]| -> Vec<MetricFamily> {
        drafts.iter().map(|draft| draft.family.clone()).collect()
    };
    let written = encode_families(&families(&drafts), format);
    if written.is_ok() || format != Format::Prometheus {
        return Ok((written?, drafts));
    }
    let mut seen = HashSet::new();
    let mut kept: Vec<Vec<bool>> = vec![Vec::new(); drafts.len()];
    let mut places: Vec<usize> = (0..drafts.len()).collect();
    // A histogram that lost its count to a gauge `x_count` would break a rule.
    places.sort_by_key(|place| Reverse(structure(drafts[*place].family.kind())));
    for place in places {
        let family = &drafts[place].family;
        let samples = family.samples().iter();
        let series = samples.map(|sample| (family.sample_name(sample), sorted_labels(sample)));
        kept[place] = series.map(|series| seen.insert(series)).collect();
    }
    for (draft, kept) in drafts.iter_mut().zip(kept) {
        let count = retain(&mut draft.family, &kept);
        draft.count(count, |count| Lost::RepeatedSeries { count });
    }
    Ok((encode_families(&families(&drafts), format)?, drafts))
}
