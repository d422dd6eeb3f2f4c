//! The labels of a line.
//!
//! For the next person: the n-th quote of a line is found by its number. So where a label starts does not depend on how
//! the value before it was searched, and the processor reads several labels at once. What makes the short loops longer
//! costs more than it looks: rare cases (escapes, long names, names that look alike) are left to `read_with_care`, and what
//! that does not know is left to the grammar.

use super::{
    index::Index,
    known::KnownNames,
    window::{Place, Window},
};
use crate::{
    TextFormat,
    parse::parts::{LabelList, LabelSpan},
};

/// Room for the labels of a line; one with more is left to the grammar.
pub(super) type Room = [LabelSpan; LabelList::ROOM];

/// The place that reading the labels of a line has reached.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    /// The next byte.
    pub(super) at: Place,
    /// The number of the next stop.
    pub(super) stop: usize,
    /// The number of labels before.
    pub(super) count: usize,
}

/// The same in one word. A function that is called returns it in a register: from memory it would be loaded with another
/// width than it was stored with, and the processor waits for that.
#[derive(Clone, Copy)]
pub(super) struct PackedProgress {
    /// Not much larger than a block.
    at: u16,
    /// Smaller than the number of bytes in a block.
    stop: u16,
    /// Smaller than the room for labels.
    count: u16,
}

impl Progress {
    #[inline(always)]
    pub(super) fn pack(self) -> PackedProgress {
        PackedProgress {
            at: self.at as u16,
            stop: self.stop as u16,
            count: self.count as u16,
        }
    }
}

impl PackedProgress {
    #[inline(always)]
    pub(super) fn unpack(self) -> Progress {
        Progress {
            at: Place::from(self.at),
            stop: usize::from(self.stop),
            count: usize::from(self.count),
        }
    }
}

const EQUALS: u16 = u16::from_le_bytes(*b"=\"");
const NEXT: u16 = u16::from_le_bytes(*b"\",");
const LAST: u16 = u16::from_le_bytes(*b"\"}");

/// Reads labels from the first name to after the closing brace, first as if they had the known names.
#[inline(always)]
pub(super) fn read_labels(
    window: Window<'_>,
    index: &Index,
    from: Progress,
    room: &mut Room,
    known: &mut KnownNames,
    format: TextFormat,
) -> Option<Progress> {
    let mut progress = from;
    for name in known.names() {
        if !name.is_at(window, progress.at) {
            break;
        }
        let end = index.stop(progress.stop + 1);
        let equals = progress.at.wrapping_add(name.length());
        room[progress.count % LabelList::ROOM] = label(progress.at, equals, end, false);
        progress = after_label(progress, end);
        match window.two(end) {
            NEXT => {}
            LAST => return Some(progress),
            _ => {
                let read = read_known_with_care(window, index, from, room, known, format)?;
                return Some(read.unpack());
            }
        }
    }
    if let Some(progress) = end_after_comma(window, from, progress, format) {
        return Some(progress);
    }
    learn_labels(window, index, from, room, known, format)
}

/// Reads labels, whatever their names are, and remembers these.
#[inline(always)]
fn learn_labels(
    window: Window<'_>,
    index: &Index,
    from: Progress,
    room: &mut Room,
    known: &mut KnownNames,
    format: TextFormat,
) -> Option<Progress> {
    let progress = read_unknown_labels(window, index, from, room, format)?;
    known.learn(window, &room[from.count..progress.count]);
    Some(progress)
}

/// Goes on as if the labels had the known names, and reads escapes.
#[inline(never)]
fn read_known_with_care(
    window: Window<'_>,
    index: &Index,
    from: Progress,
    room: &mut Room,
    known: &mut KnownNames,
    format: TextFormat,
) -> Option<PackedProgress> {
    let mut progress = from;
    for name in known.names() {
        if !name.is_at(window, progress.at) {
            break;
        }
        let equals = progress.at.wrapping_add(name.length());
        let (end, stop) = value_end(window, index, progress.stop + 1)?;
        let escaped = stop > progress.stop + 2;
        room[progress.count % LabelList::ROOM] = label(progress.at, equals, end, escaped);
        progress = Progress {
            stop,
            ..after_label(progress, end)
        };
        match window.two(end) {
            NEXT => {}
            LAST => return Some(progress.pack()),
            _ => break,
        }
    }
    learn_labels(window, index, from, room, known, format).map(Progress::pack)
}

/// Prometheus text may have a comma after the last label, as Java clients write it.
#[inline(always)]
fn end_after_comma(
    window: Window<'_>,
    from: Progress,
    progress: Progress,
    format: TextFormat,
) -> Option<Progress> {
    let is_end = progress.count > from.count
        && format == TextFormat::Prometheus
        && window.two(progress.at.wrapping_sub(1)) == u16::from_le_bytes(*b",}");
    is_end.then(|| Progress {
        at: progress.at.wrapping_add(1),
        ..progress
    })
}

#[inline(always)]
fn label(start: Place, equals: Place, end: Place, escaped: bool) -> LabelSpan {
    LabelSpan {
        name_start: start,
        name_end: equals,
        value_start: equals.wrapping_add(2),
        value_end: end,
        name_escaped: false,
        value_escaped: escaped,
    }
}

#[inline(always)]
fn after_label(progress: Progress, end: Place) -> Progress {
    Progress {
        at: end.wrapping_add(2),
        stop: progress.stop + 2,
        count: progress.count + 1,
    }
}

#[inline(always)]
fn read_unknown_labels(
    window: Window<'_>,
    index: &Index,
    from: Progress,
    room: &mut Room,
    format: TextFormat,
) -> Option<Progress> {
    let mut progress = from;
    let mut seen = 0;
    loop {
        let at = progress.at;
        // No byte of a name is a stop, so if a quote is next to the name, it is the next stop and the one after it ends
        // the value.
        let equals = at.wrapping_add(index.name_length(at));
        let end = index.stop(progress.stop + 1);
        let start = window.eight(at);
        let bit = 1u64 << looks(start, equals.wrapping_sub(at));
        let next = window.two(end);
        if window.two(equals) != EQUALS
            || !may_start_name(start as u8)
            || start as u8 == b'_'
            || seen & bit != 0
            || (next != NEXT && next != LAST)
            || progress.count >= room.len() - 1
        {
            let read = read_with_care(window, index, from, progress, room, format)?;
            return Some(read.unpack());
        }
        seen |= bit;
        room[progress.count % LabelList::ROOM] = label(at, equals, end, false);
        progress = after_label(progress, end);
        if next == LAST {
            return Some(progress);
        }
    }
}

/// After the digits come colon, semicolon, less and equals; a byte that is none of these and is in a name can start one.
#[inline(always)]
fn may_start_name(byte: u8) -> bool {
    byte.wrapping_sub(b'0') >= 14
}

/// Returns a number below 64 that is the same for equal names, from the length and the first two bytes, of which the
/// second may be the `=` after the name.
#[inline(always)]
fn looks(start: u64, length: Place) -> u64 {
    start
        .wrapping_add(start >> 5)
        .wrapping_add(u64::from(length) * 8)
        % 64
}

/// Goes on with escapes, names of any length, names that start with an underscore, names that only look like one before, and
/// in OpenMetrics 2.0 names in quotes.
#[inline(never)]
fn read_with_care(
    window: Window<'_>,
    index: &Index,
    from: Progress,
    mut progress: Progress,
    room: &mut Room,
    format: TextFormat,
) -> Option<PackedProgress> {
    /// So many names are compared in pairs.
    const FEW: usize = 16;
    loop {
        if let Some(end) = end_after_comma(window, from, progress, format) {
            progress = end;
            break;
        }
        let name = read_name(window, index, progress, format)?;
        let before = &room[from.count..progress.count];
        if before.len() < FEW && has_name(window, before, &name) {
            return None;
        }
        let (end, stop) = value_end(window, index, name.stop + 1)?;
        *room.get_mut(progress.count)? = LabelSpan {
            name_start: name.start,
            name_end: name.end,
            value_start: name.equals.wrapping_add(2),
            value_end: end,
            name_escaped: name.escaped,
            value_escaped: stop > name.stop + 2,
        };
        progress = Progress {
            stop,
            ..after_label(progress, end)
        };
        match window.two(end) {
            LAST => break,
            NEXT => {}
            _ => return None,
        }
    }
    let labels = &room[from.count..progress.count];
    let is_good = labels.len() <= FEW || are_distinct(window, labels);
    is_good.then(|| progress.pack())
}

/// A name, and where its value starts.
struct Name {
    start: Place,
    end: Place,
    escaped: bool,
    /// The place of the equals sign.
    equals: Place,
    /// The number of the quote after it.
    stop: usize,
}

fn read_name(
    window: Window<'_>,
    index: &Index,
    progress: Progress,
    format: TextFormat,
) -> Option<Name> {
    let start = progress.at;
    let name = if format == TextFormat::OpenMetrics2 && window.byte(start) == b'"' {
        let start = start.wrapping_add(1);
        let (end, stop) = value_end(window, index, progress.stop + 1)?;
        Name {
            start,
            end,
            escaped: stop > progress.stop + 2,
            equals: end.wrapping_add(1),
            stop,
        }
    } else {
        let end = index.stop(progress.stop).wrapping_sub(1);
        Name {
            start,
            end,
            escaped: false,
            equals: end,
            stop: progress.stop,
        }
    };
    let text = window.between(name.start, name.end);
    let is_good = name.equals != name.end || is_label_name(text);
    let is_good = is_good && !text.is_empty() && !is_reserved(text, format);
    // The next stop need not be next to the name.
    let is_value_next = index.stop(name.stop) == name.equals.wrapping_add(1);
    (is_good && is_value_next && window.two(name.equals) == EQUALS).then_some(name)
}

/// Returns whether no two of many labels have the same name, without comparing all pairs.
fn are_distinct(window: Window<'_>, labels: &[LabelSpan]) -> bool {
    if labels.iter().any(|label| label.name_escaped) {
        // The same name can be written in two ways.
        return false;
    }
    let mut names = [&[][..]; LabelList::ROOM];
    let names = &mut names[..labels.len()];
    for (name, label) in names.iter_mut().zip(labels) {
        *name = name_of(window, label);
    }
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}

fn is_label_name(name: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let starts_well = name.first().is_some_and(|first| !first.is_ascii_digit());
    starts_well && name.iter().all(is_plain)
}

fn is_reserved(name: &[u8], format: TextFormat) -> bool {
    match format {
        TextFormat::OpenMetrics2 => {
            name.starts_with(b"_") && !matches!(name, b"__type__" | b"__unit__")
        }
        TextFormat::OpenMetrics | TextFormat::Prometheus => name == b"__name__",
    }
}

/// Returns whether one of some labels may have a name. The same name can be written in two ways if there are escapes.
fn has_name(window: Window<'_>, labels: &[LabelSpan], name: &Name) -> bool {
    let text = window.between(name.start, name.end);
    labels.iter().any(|label| {
        let may_differ = label.name_escaped || name.escaped;
        name_of(window, label) == text || may_differ
    })
}

fn name_of<'w>(window: Window<'w>, label: &LabelSpan) -> &'w [u8] {
    window.between(label.name_start, label.name_end)
}

/// Finds the end of a value that may have escapes, from a stop on. Returns it and the number of the stop after it.
#[inline(always)]
pub(super) fn value_end(
    window: Window<'_>,
    index: &Index,
    mut stop: usize,
) -> Option<(Place, usize)> {
    loop {
        let at = index.stop(stop);
        stop += 1;
        match window.byte(at) {
            b'"' => return Some((at, stop)),
            // A stop right after a backslash is escaped, unless it is a line feed, which always ends the line.
            b'\\' if index.stop(stop) == at.wrapping_add(1) => {
                if window.byte(at.wrapping_add(1)) == b'\n' {
                    return None;
                }
                stop += 1;
            }
            b'\\' => {}
            _ => return None,
        }
    }
}
