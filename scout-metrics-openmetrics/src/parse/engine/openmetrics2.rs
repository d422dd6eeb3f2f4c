//! Samples of OpenMetrics 2.0, where they are not as those of 1.0: a quoted name, a composite value, a start timestamp, and
//! several exemplars.
//!
//! For the next person: this begins where `sample.rs` gives up, so that lines of the other formats pay nothing for it.

use super::{
    index::Index,
    labels::{PackedProgress, Progress, read_labels, value_end},
    number::{plain_number_end, read_seconds, read_value},
    sample::{Known, LineStart, metric_name_end, read_number, span},
    window::{Place, Window},
};
use crate::{
    TextFormat,
    parse::{
        composite::read_composite,
        parts::{ExemplarParts, LabelList, Number, NumberKind, Parts, Span},
    },
};

const FORMAT: TextFormat = TextFormat::OpenMetrics2;

/// Reads a sample from its start, or from after its labels.
#[inline(never)]
pub(super) fn read_sample(
    window: Window<'_>,
    index: &Index,
    start: LineStart,
    after_labels: Option<Progress>,
    parts: &mut Parts,
    known: &mut Known,
    samples: &mut usize,
) -> Option<LineStart> {
    let mut progress = match after_labels {
        Some(progress) => progress,
        None => read_start(window, index, start, parts, known)?,
    };
    if window.byte(progress.at) != b' ' {
        return None;
    }
    parts.timestamp = None;
    parts.start = None;
    parts.exemplar = None;
    progress.at = read_any_value(window, index, progress.at.wrapping_add(1), parts)?;
    if window.byte(progress.at) != b'\n' {
        progress = read_details(window, index, progress, parts, known)?.unpack();
    }
    parts.labels.set_length(progress.count);
    parts.line = span(start.at, progress.at);
    *samples += parts.more_samples();
    Some(LineStart {
        at: progress.at.wrapping_add(1),
        stop: progress.stop + 1,
    })
}

/// Reads the name and the labels.
fn read_start(
    window: Window<'_>,
    index: &Index,
    start: LineStart,
    parts: &mut Parts,
    known: &mut Known,
) -> Option<Progress> {
    let mut progress = Progress {
        at: start.at,
        stop: start.stop,
        count: 0,
    };
    let has_labels = if window.byte(start.at) == b'{' {
        let first = start.at.wrapping_add(2);
        let (end, stop) = value_end(window, index, start.stop + 1)?;
        if window.byte(first.wrapping_sub(1)) != b'"' || first == end {
            return None;
        }
        parts.name = Span {
            start: first,
            end,
            escaped: stop > start.stop + 2,
        };
        progress.stop = stop;
        progress.at = end.wrapping_add(2);
        match window.byte(end.wrapping_add(1)) {
            b',' => true,
            b'}' => false,
            _ => return None,
        }
    } else {
        let end = metric_name_end(window, index, start.at)?;
        parts.name = span(start.at, end);
        progress.at = end;
        let has_braces = window.byte(end) == b'{';
        let is_empty = window.byte(end.wrapping_add(1)) == b'}';
        if has_braces {
            progress.at = end.wrapping_add(if is_empty { 2 } else { 1 });
        }
        has_braces && !is_empty
    };
    if has_labels {
        let room = parts.labels.room();
        progress = read_labels(window, index, progress, room, &mut known.sample, FORMAT)?;
        parts.label_names = known.sample.number();
    }
    parts.own_labels = progress.count as u32;
    Some(progress)
}

/// Reads a value, and returns where it ends.
#[inline(always)]
fn read_any_value(
    window: Window<'_>,
    index: &Index,
    at: Place,
    parts: &mut Parts,
) -> Option<Place> {
    if window.byte(at) != b'{' {
        let (number, end) = read_number(window, index, at)?;
        parts.value = number;
        return Some(end);
    }
    let length = read_composite(window.from(at), &mut parts.composite)?;
    let end = at.wrapping_add(length as Place);
    parts.value = Number {
        value: parts.composite.count,
        text: span(at, end),
        kind: NumberKind::Composite,
    };
    Some(end)
}

/// Reads what comes after the value: timestamps and exemplars. Goes to the end of the line.
#[inline(never)]
pub(super) fn read_details(
    window: Window<'_>,
    index: &Index,
    mut progress: Progress,
    parts: &mut Parts,
    known: &mut Known,
) -> Option<PackedProgress> {
    const START: u32 = u32::from_le_bytes(*b" st@");
    let first = progress.at.wrapping_add(1);
    if window.byte(progress.at) != b' ' {
        return None;
    }
    if window.four(progress.at) != START && window.byte(first) != b'#' {
        let (timestamp, end) = read_seconds(window, index, first)?;
        parts.timestamp = Some(timestamp);
        progress.at = end;
    }
    if window.four(progress.at) == START {
        let (timestamp, end) = read_seconds(window, index, progress.at.wrapping_add(4))?;
        parts.start = Some(timestamp);
        progress.at = end;
    }
    while window.byte(progress.at) == b' ' {
        progress = read_exemplar(window, index, progress, parts, known)?;
    }
    (window.byte(progress.at) == b'\n').then(|| progress.pack())
}

/// Reads ` # {name="value",...} value timestamp`.
#[inline(always)]
fn read_exemplar(
    window: Window<'_>,
    index: &Index,
    mut progress: Progress,
    parts: &mut Parts,
    known: &mut Known,
) -> Option<Progress> {
    if window.four(progress.at) != u32::from_le_bytes(*b" # {") {
        return None;
    }
    let first = progress.count;
    progress.at = progress.at.wrapping_add(4);
    if window.byte(progress.at) == b'}' {
        progress.at = progress.at.wrapping_add(1);
    } else {
        let (room, known) = (parts.labels.room(), &mut known.exemplar);
        progress = read_labels(window, index, progress, room, known, FORMAT)?;
        if progress.count > LabelList::ROOM {
            return None;
        }
    }
    if window.byte(progress.at) != b' ' {
        return None;
    }
    let value = progress.at.wrapping_add(1);
    let is_value = |at| read_value(window, index, at).map(|value| value.end);
    progress.at = plain_number_end(window, index, value).or_else(|| is_value(value))?;
    let value = span(value, progress.at);
    if window.byte(progress.at) != b' ' {
        return None;
    }
    let seconds = progress.at.wrapping_add(1);
    let is_seconds = |at| read_seconds(window, index, at).map(|(_, end)| end);
    progress.at = plain_number_end(window, index, seconds).or_else(|| is_seconds(seconds))?;
    let timestamp = Some(span(seconds, progress.at));
    parts.push_exemplar(first, ExemplarParts { value, timestamp });
    Some(progress)
}
