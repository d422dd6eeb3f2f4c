//! The places in an exposition that reports are about.

use crate::SampleRef;

/// A place in a line that has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// 0 in an exposition that has no lines.
    pub(super) line: u64,
    /// The byte of the line, or of the exposition if that has no lines, counted from 0.
    pub(super) at: usize,
    /// The character of the line, counted from 1.
    pub(super) column: u64,
}

/// A part of a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Exemplar,
    /// The value of the label at a place.
    Label(usize),
    Name,
    StartTimestamp,
    Timestamp,
    Value,
}

impl Place {
    pub(super) fn start_of(line: u64) -> Self {
        Self {
            line,
            at: 0,
            column: 1,
        }
    }

    /// Returns the place of a byte of a protobuf exposition, which has no lines.
    pub(super) fn in_bytes(at: usize) -> Self {
        Self {
            line: 0,
            at,
            column: 0,
        }
    }

    /// Returns the place of a part of a sample that starts in a line.
    pub(super) fn of(sample: SampleRef<'_, '_>, part: Part, line: u64) -> Self {
        let before = &sample.line()[..offset(sample, part)];
        let line_breaks = memchr::memchr_iter(b'\n', before.as_bytes()).count() as u64;
        let before = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: line + line_breaks,
            at: before.len(),
            column: before.chars().count() as u64 + 1,
        }
    }
}

fn offset(sample: SampleRef<'_, '_>, part: Part) -> usize {
    let start = sample.parts.line.start;
    let value = sample.parts.value.text;
    let place = match part {
        Part::Label(place) => sample.parts.own_labels()[place].value_start,
        Part::Name => sample.parts.name.start,
        Part::Exemplar | Part::StartTimestamp | Part::Timestamp | Part::Value => value.start,
    };
    let place = (place - start) as usize;
    let after_value = (value.end - start) as usize;
    let rest = &sample.line()[after_value..];
    match part {
        Part::Exemplar => after_value + rest.find('#').unwrap_or_default(),
        Part::StartTimestamp => after_value + rest.find("st@").unwrap_or_default(),
        Part::Timestamp => after_value + (rest.len() - rest.trim_start().len()),
        Part::Label(_) | Part::Name | Part::Value => place,
    }
}
