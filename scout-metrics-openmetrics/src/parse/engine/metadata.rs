//! Lines that start with `#`.

use super::{
    index::Index,
    labels::value_end,
    sample::{LineStart, metric_name_end},
    window::{Place, Window},
};
use crate::{MetricType, TextFormat};

/// The kind of a metadata line, with the places of its parts.
#[derive(Clone, Copy)]
pub(in crate::parse) struct Metadata {
    pub(in crate::parse) kind: Kind,
    /// The name of the family.
    pub(in crate::parse) name: (Place, Place),
    /// Whether there may be escapes in the name.
    pub(in crate::parse) name_escaped: bool,
    /// The start of the help text, the unit or the comment.
    pub(in crate::parse) text: Place,
    /// The line, without its end.
    pub(in crate::parse) start: Place,
    pub(in crate::parse) end: Place,
    /// Whether there may be escapes in the text.
    pub(in crate::parse) escaped: bool,
    pub(in crate::parse) next: LineStart,
}

#[derive(Clone, Copy)]
pub(in crate::parse) enum Kind {
    Comment,
    End,
    Help,
    Type(MetricType),
    Unit,
}

/// Seven bytes each: a keyword with its blanks.
const KEYWORD: u64 = u64::MAX >> 8;
const HELP: u64 = u64::from_le_bytes(*b"# HELP \0");
const TYPE: u64 = u64::from_le_bytes(*b"# TYPE \0");
const UNIT: u64 = u64::from_le_bytes(*b"# UNIT \0");

/// Reads a line that starts with `#`.
#[inline(always)]
pub(in crate::parse) fn read_metadata(
    window: Window<'_>,
    index: &Index,
    start: LineStart,
    format: TextFormat,
) -> Option<Metadata> {
    let next = next_line(window, index, start);
    let end = next.at.wrapping_sub(1);
    if window.byte(end.wrapping_sub(1)) == b'\r' {
        return None;
    }
    if format == TextFormat::OpenMetrics2 {
        return read_openmetrics2(window, index, start);
    }
    let keyword = window.eight(start.at) & KEYWORD;
    let is_unit = keyword == UNIT && format.is_openmetrics();
    if keyword != HELP && keyword != TYPE && !is_unit {
        return read_comment(window, start, end, next, format);
    }
    let name = start.at.wrapping_add(7);
    let name_end = metric_name_end(window, index, name)?;
    let text = name_end.wrapping_add(1);
    if window.byte(name_end) != b' ' || matches!(window.byte(text), b' ' | b'\t') {
        return None;
    }
    let kind = match keyword {
        HELP => Kind::Help,
        TYPE => Kind::Type(read_type(window, text, end, format)?),
        _ if is_unit_name(window.between(text, end)) => Kind::Unit,
        _ => return None,
    };
    Some(Metadata {
        kind,
        name: (name, name_end),
        name_escaped: false,
        text,
        start: start.at,
        end,
        escaped: next.stop != start.stop + 1,
        next,
    })
}

/// The same for OpenMetrics 2.0, where names may be quoted, and help texts may start with a blank and have all their quotes
/// escaped.
#[inline(never)]
fn read_openmetrics2(window: Window<'_>, index: &Index, start: LineStart) -> Option<Metadata> {
    let next = next_line(window, index, start);
    let end = next.at.wrapping_sub(1);
    if window.byte(end.wrapping_sub(1)) == b'\r' {
        return None;
    }
    let keyword = window.eight(start.at) & KEYWORD;
    if !matches!(keyword, HELP | TYPE | UNIT) {
        return read_comment(window, start, end, next, TextFormat::OpenMetrics2);
    }
    let first = start.at.wrapping_add(7);
    let (name, after_name, stop) = if window.byte(first) == b'"' {
        let (end, stop) = value_end(window, index, start.stop + 1)?;
        ((first.wrapping_add(1), end), end.wrapping_add(1), stop)
    } else {
        let end = metric_name_end(window, index, first)?;
        ((first, end), end, start.stop)
    };
    if name.0 == name.1 || window.byte(after_name) != b' ' {
        return None;
    }
    let text = after_name.wrapping_add(1);
    let kind = match keyword {
        HELP if has_good_escapes(window, index, stop) => Kind::Help,
        TYPE => Kind::Type(read_type(window, text, end, TextFormat::OpenMetrics2)?),
        UNIT if is_unit_name(window.between(text, end)) => Kind::Unit,
        _ => return None,
    };
    Some(Metadata {
        kind,
        name,
        name_escaped: stop > start.stop + 2,
        text,
        start: start.at,
        end,
        escaped: next.stop != stop + 1,
        next,
    })
}

/// Returns whether the rest of a line, from a stop on, has neither a quote that is not escaped nor a backslash at its end.
fn has_good_escapes(window: Window<'_>, index: &Index, mut stop: usize) -> bool {
    loop {
        let at = index.stop(stop);
        stop += 1;
        match window.byte(at) {
            b'\n' => return true,
            b'\\' if index.stop(stop) == at.wrapping_add(1) => {
                if window.byte(at.wrapping_add(1)) == b'\n' {
                    return false;
                }
                stop += 1;
            }
            b'\\' => {}
            _ => return false,
        }
    }
}

/// Returns what comes after a line.
#[inline(always)]
pub(in crate::parse) fn next_line(
    window: Window<'_>,
    index: &Index,
    start: LineStart,
) -> LineStart {
    let mut stop = start.stop;
    loop {
        let at = index.stop(stop);
        stop += 1;
        if window.byte(at) == b'\n' {
            return LineStart {
                at: at.wrapping_add(1),
                stop,
            };
        }
    }
}

/// Reads `# EOF` in OpenMetrics, and in Prometheus text a comment that is no misspelled metadata.
#[cold]
#[inline(never)]
fn read_comment(
    window: Window<'_>,
    start: LineStart,
    end: Place,
    next: LineStart,
    format: TextFormat,
) -> Option<Metadata> {
    let text = start.at.wrapping_add(1);
    let comment = window.between(text, end);
    let kind = match format {
        TextFormat::OpenMetrics | TextFormat::OpenMetrics2 if comment == b" EOF" => Kind::End,
        TextFormat::Prometheus if !may_be_metadata(comment) => Kind::Comment,
        _ => return None,
    };
    Some(Metadata {
        kind,
        name: (text, text),
        name_escaped: false,
        text,
        start: start.at,
        end,
        escaped: false,
        next,
    })
}

/// Returns whether a comment starts with blanks and `HELP` or `TYPE`.
fn may_be_metadata(comment: &[u8]) -> bool {
    let word = comment.trim_ascii_start();
    word.len() < comment.len() && (word.starts_with(b"HELP") || word.starts_with(b"TYPE"))
}

fn is_unit_name(unit: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    unit.iter().all(is_plain)
}

/// Reads the word of a type, which ends with the line.
///
/// Which type comes cannot be predicted, so the first eight bytes are compared as a number and not one by one.
#[inline(always)]
fn read_type(
    window: Window<'_>,
    start: Place,
    end: Place,
    format: TextFormat,
) -> Option<MetricType> {
    const fn word(text: &[u8]) -> u64 {
        let mut first = [0; 8];
        let mut n = 0;
        while n < text.len() && n < first.len() {
            first[n] = text[n];
            n += 1;
        }
        u64::from_le_bytes(first)
    }
    const COUNTER: u64 = word(b"counter");
    const GAUGE: u64 = word(b"gauge");
    const GAUGE_HISTOGRAM: u64 = word(b"gaugehistogram");
    const HISTOGRAM: u64 = word(b"histogram");
    const INFO: u64 = word(b"info");
    const STATE_SET: u64 = word(b"stateset");
    const SUMMARY: u64 = word(b"summary");
    const UNKNOWN: u64 = word(b"unknown");
    const UNTYPED: u64 = word(b"untyped");

    let length = end.wrapping_sub(start);
    let first = match length {
        4..=7 => window.eight(start) & (u64::MAX >> (8 * (8 - length))),
        _ => window.eight(start),
    };
    let is_openmetrics = format.is_openmetrics();
    let (kind, known_length) = match first {
        COUNTER => (MetricType::Counter, 7),
        GAUGE => (MetricType::Gauge, 5),
        HISTOGRAM if window.byte(end.wrapping_sub(1)) == b'm' => (MetricType::Histogram, 9),
        SUMMARY => (MetricType::Summary, 7),
        UNTYPED if !is_openmetrics => (MetricType::Unknown, 7),
        UNKNOWN if is_openmetrics => (MetricType::Unknown, 7),
        INFO if is_openmetrics => (MetricType::Info, 4),
        STATE_SET if is_openmetrics => (MetricType::StateSet, 8),
        GAUGE_HISTOGRAM if is_openmetrics && window.between(start, end) == b"gaugehistogram" => {
            (MetricType::GaugeHistogram, 14)
        }
        _ => return None,
    };
    (length == known_length).then_some(kind)
}
