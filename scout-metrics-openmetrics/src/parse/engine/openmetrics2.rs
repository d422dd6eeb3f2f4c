//! Samples of OpenMetrics 2.0, which may have a quoted name, a composite value, a start timestamp, and several exemplars.
//!
//! For the next person: this is not a part of `sample.rs`, because the lines of the other formats became 5 % slower when
//! theirs was the same code.

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
        parts::{ExemplarParts, LabelList, Number, NumberKind, Parts},
    },
};

const FORMAT: TextFormat = TextFormat::OpenMetrics2;

/// Reads a sample into parts and returns where the next line starts. `None` leaves parts in disorder.
#[inline(always)]
pub(super) fn read_sample(
    window: Window<'_>,
    index: &Index,
    start: LineStart,
    parts: &mut Parts,
    known: &mut Known,
) -> Option<LineStart> {
    let mut progress = read_start(window, index, start, parts, known)?;
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
    Some(LineStart {
        at: progress.at.wrapping_add(1),
        stop: progress.stop + 1,
    })
}

/// Reads the name and the labels.
#[inline(always)]
fn read_start(
    window: Window<'_>,
    index: &Index,
    start: LineStart,
    parts: &mut Parts,
    known: &mut Known,
) -> Option<Progress> {
    let (mut progress, has_labels) = match metric_name_end(window, index, start.at) {
        Some(end) => {
            parts.name = span(start.at, end);
            let progress = Progress {
                at: end,
                stop: start.stop,
                count: 0,
            };
            after_name(window, progress)
        }
        None => read_quoted_name(window, index, start, parts)?,
    };
    if has_labels {
        let room = parts.labels.room();
        progress = read_labels(window, index, progress, room, &mut known.sample, FORMAT)?;
        parts.label_names = known.sample.number();
    }
    parts.own_labels = progress.count as u32;
    Some(progress)
}

/// Goes to the first label, if there is one, or to after the braces.
#[inline(always)]
fn after_name(window: Window<'_>, progress: Progress) -> (Progress, bool) {
    let braces = match window.byte(progress.at) {
        b'{' if window.byte(progress.at.wrapping_add(1)) == b'}' => 2,
        b'{' => 1,
        _ => 0,
    };
    let at = progress.at.wrapping_add(braces);
    (Progress { at, ..progress }, braces == 1)
}

/// Reads a brace and the quoted name after it, and goes to the first label, if there is one, or to after the braces.
#[inline(never)]
fn read_quoted_name(
    window: Window<'_>,
    index: &Index,
    start: LineStart,
    parts: &mut Parts,
) -> Option<(Progress, bool)> {
    if window.two(start.at) != u16::from_le_bytes(*b"{\"") {
        return None;
    }
    let first = start.at.wrapping_add(2);
    let (end, stop) = value_end(window, index, start.stop + 1)?;
    let after = window.byte(end.wrapping_add(1));
    if first == end || !matches!(after, b',' | b'}') {
        return None;
    }
    // Field by field, see `parts.rs`.
    parts.name.start = first;
    parts.name.end = end;
    parts.name.escaped = stop > start.stop + 2;
    let at = end.wrapping_add(2);
    let progress = Progress { at, stop, count: 0 };
    Some((progress, after == b','))
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
    parts.push_exemplar(ExemplarParts {
        labels_end: progress.count as u32,
        value,
        timestamp,
    });
    Some(progress)
}
