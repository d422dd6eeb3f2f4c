//! The line of a sample: `name{name="value",...} value`, and perhaps a timestamp and an exemplar.

use super::{
    index::Index,
    known::KnownNames,
    labels::{PackedProgress, Progress, read_labels},
    number::{plain_number_end, read_millis, read_seconds, read_value},
    window::{Place, Window},
};
use crate::{
    TextFormat,
    parse::parts::{ExemplarParts, LabelList, Number, Parts, Span},
};

/// The start of a line, and the number of the first stop in it.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::parse) struct LineStart {
    pub(super) at: Place,
    pub(super) stop: usize,
}

/// The label names of lines before.
#[derive(Clone, Default)]
pub(super) struct Known {
    pub(super) sample: KnownNames,
    pub(super) exemplar: KnownNames,
}

/// Reads a sample of a format other than OpenMetrics 2.0 into parts and returns where the next line starts. `None` leaves
/// parts in disorder.
#[inline(always)]
pub(super) fn read_sample(
    window: Window<'_>,
    index: &Index,
    start: LineStart,
    parts: &mut Parts,
    known: &mut Known,
    format: TextFormat,
) -> Option<LineStart> {
    let name_end = metric_name_end(window, index, start.at)?;
    let mut progress = Progress {
        at: name_end,
        stop: start.stop,
        count: 0,
    };
    if window.byte(name_end) == b'{' {
        progress.at = name_end.wrapping_add(1);
        let room = parts.labels.room();
        progress = read_labels(window, index, progress, room, &mut known.sample, format)?;
        parts.label_names = known.sample.number();
    }
    if window.byte(progress.at) != b' ' {
        return None;
    }
    parts.name = span(start.at, name_end);
    parts.own_labels = progress.count as u32;
    parts.timestamp = None;
    parts.exemplar = None;
    let (number, value_end) = read_number(window, index, progress.at.wrapping_add(1))?;
    parts.value = number;
    progress.at = value_end;
    if window.byte(value_end) != b'\n' {
        progress = read_details(window, index, progress, parts, known, format)?.unpack();
    }
    parts.labels.set_length(progress.count);
    parts.line = span(start.at, progress.at);
    Some(LineStart {
        at: progress.at.wrapping_add(1),
        stop: progress.stop + 1,
    })
}

/// Reads a value, which ends at a blank or a line feed.
#[inline(always)]
pub(super) fn read_number(window: Window<'_>, index: &Index, at: Place) -> Option<(Number, Place)> {
    let read = read_value(window, index, at)?;
    let number = Number {
        value: read.value,
        text: span(at, read.end),
        kind: read.kind,
    };
    Some((number, read.end))
}

#[inline(always)]
pub(super) fn span(start: Place, end: Place) -> Span {
    Span {
        start,
        end,
        escaped: false,
    }
}

/// Returns where the name of a metric ends that starts at a place, if there is one.
#[inline(always)]
pub(super) fn metric_name_end(window: Window<'_>, index: &Index, start: Place) -> Option<Place> {
    let length = index.name_length(start);
    let end = start.wrapping_add(length);
    if length < Index::MANY && window.byte(end) != b':' {
        let is_name = length > 0 && !window.byte(start).is_ascii_digit();
        return is_name.then_some(end);
    }
    long_metric_name_end(window, index, start)
}

/// The same for a name with colons or with more bytes than the index gives at once.
#[cold]
#[inline(never)]
fn long_metric_name_end(window: Window<'_>, index: &Index, start: Place) -> Option<Place> {
    let mut end = start;
    loop {
        let length = index.name_length(end);
        end = end.wrapping_add(length);
        if length < Index::MANY {
            if window.byte(end) != b':' {
                break;
            }
            end = end.wrapping_add(1);
        }
    }
    (!window.byte(start).is_ascii_digit()).then_some(end)
}

/// Reads what comes after the value: a timestamp, and in OpenMetrics an exemplar. Goes to the end of the line.
#[inline(never)]
fn read_details(
    window: Window<'_>,
    index: &Index,
    mut progress: Progress,
    parts: &mut Parts,
    known: &mut Known,
    format: TextFormat,
) -> Option<PackedProgress> {
    let first = progress.at.wrapping_add(1);
    if format == TextFormat::Prometheus {
        let (timestamp, end) = read_millis(window, index, first)?;
        parts.timestamp = Some(timestamp);
        progress.at = end;
    } else {
        if window.byte(first) != b'#' {
            let (timestamp, end) = read_seconds(window, index, first)?;
            parts.timestamp = Some(timestamp);
            progress.at = end;
        }
        if window.byte(progress.at) == b' ' {
            progress = read_exemplar(window, index, progress, parts, known)?;
        }
    }
    (window.byte(progress.at) == b'\n').then(|| progress.pack())
}

/// Reads ` # {name="value",...} value` and perhaps a timestamp.
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
        progress = read_labels(
            window,
            index,
            progress,
            room,
            known,
            TextFormat::OpenMetrics,
        )?;
        if progress.count > LabelList::ROOM {
            return None;
        }
    }
    if window.byte(progress.at) != b' ' {
        return None;
    }
    // Field by field, see `parts.rs`.
    let exemplar = parts.exemplar.insert(ExemplarParts {
        labels_end: progress.count as u32,
        ..ExemplarParts::default()
    });
    let value = progress.at.wrapping_add(1);
    let is_value = |at| read_value(window, index, at).map(|value| value.end);
    progress.at = plain_number_end(window, index, value).or_else(|| is_value(value))?;
    exemplar.value = span(value, progress.at);
    if window.byte(progress.at) == b' ' {
        let seconds = progress.at.wrapping_add(1);
        let is_seconds = |at| read_seconds(window, index, at).map(|(_, end)| end);
        progress.at = plain_number_end(window, index, seconds).or_else(|| is_seconds(seconds))?;
        exemplar.timestamp = Some(span(seconds, progress.at));
    }
    Some(progress)
}
