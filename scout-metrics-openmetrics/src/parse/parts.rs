//! The places of the parts of a line, in memory that is used again for the next line.
//!
//! For the next person: the engine writes each field where it stays and readers load it with the width that it was
//! written with. When two narrow fields were loaded as one wide one, or a record was copied as a whole, each line waited
//! some twelve cycles for the store buffer.

use std::iter;

use super::composite::CompositeParts;
use crate::{
    Format, Timestamp,
    escape::{Escapes, Text},
};

/// The places of the parts of a sample. All places are bytes in one text: the line, or a block of lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    pub(crate) value: Number,
    /// The line, without its end.
    pub(crate) line: Span,
    pub(crate) name: Span,
    /// The labels of the sample, and after them those of its exemplar.
    pub(crate) labels: LabelList,
    /// The number of labels that are the sample's own.
    pub(crate) own_labels: u32,
    /// Samples of one parser with the same number here and the same number of own labels have the same label names, to
    /// the letter and in the same order. See [`NamesBefore`](super::names::NamesBefore).
    pub(crate) label_names: u64,
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) exemplar: Option<ExemplarParts>,
    /// The exemplars after the first one. Without a first one, these are of a line before.
    pub(crate) more_exemplars: Vec<ExemplarParts>,
    /// When counting began, if the line says it.
    pub(crate) start: Option<Timestamp>,
    /// The composite value. If the value is one number, this is of a line before.
    pub(crate) composite: CompositeParts,
    /// The format of the exposition.
    pub(crate) format: Format,
}

impl Parts {
    #[inline]
    pub(crate) fn own_labels(&self) -> &[LabelSpan] {
        &self.labels.spans[..self.own_labels as usize]
    }

    /// Returns the first exemplar with its labels.
    #[inline]
    pub(crate) fn exemplar(&self) -> Option<(&[LabelSpan], &ExemplarParts)> {
        let parts = self.exemplar.as_ref()?;
        Some((self.labels_of(parts, self.own_labels), parts))
    }

    /// Returns all exemplars with their labels.
    pub(crate) fn exemplars(&self) -> impl Iterator<Item = (&[LabelSpan], &ExemplarParts)> + Clone {
        let more = match self.exemplar {
            None => &[][..],
            Some(_) => &self.more_exemplars,
        };
        let all = self.exemplar.iter().chain(more);
        let ends = all.clone().map(|parts| parts.labels_end);
        let starts = iter::once(self.own_labels).chain(ends);
        all.zip(starts)
            .map(|(parts, start)| (self.labels_of(parts, start), parts))
    }

    #[inline]
    fn labels_of(&self, exemplar: &ExemplarParts, start: u32) -> &[LabelSpan] {
        &self.labels.spans[start as usize..exemplar.labels_end as usize]
    }

    /// Adds an exemplar.
    pub(crate) fn push_exemplar(&mut self, exemplar: ExemplarParts) {
        match self.exemplar {
            None => {
                self.exemplar = Some(exemplar);
                self.more_exemplars.clear();
            }
            Some(_) => self.more_exemplars.push(exemplar),
        }
    }

    /// Returns the composite value, if the value is one.
    #[inline]
    pub(crate) fn composite(&self) -> Option<&CompositeParts> {
        (self.value.kind == NumberKind::Composite).then_some(&self.composite)
    }

    /// Returns how many more samples than one the value counts as: its buckets, quantiles and spans.
    pub(crate) fn more_samples(&self) -> usize {
        self.composite().map_or(0, CompositeParts::length)
    }
}

/// A piece of a text, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Whether it contains a backslash that may start an escape.
    pub(crate) escaped: bool,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize, escaped: bool) -> Self {
        // A line is shorter than 4 GiB: `Limits` sees to it.
        Self {
            start: start as u32,
            end: end as u32,
            escaped,
        }
    }

    #[inline(always)]
    pub(crate) fn of(self, text: &str) -> Text<'_> {
        let escapes = if self.escaped {
            Escapes::Quoted
        } else {
            Escapes::None
        };
        Text::within(text, self.start, self.end, escapes)
    }
}

/// The place of a label.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LabelSpan {
    pub(crate) name_start: u32,
    pub(crate) name_end: u32,
    pub(crate) value_start: u32,
    pub(crate) value_end: u32,
    pub(crate) name_escaped: bool,
    pub(crate) value_escaped: bool,
}

impl LabelSpan {
    pub(crate) fn new(name: Span, value: Span) -> Self {
        Self {
            name_start: name.start,
            name_end: name.end,
            value_start: value.start,
            value_end: value.end,
            name_escaped: name.escaped,
            value_escaped: value.escaped,
        }
    }

    #[inline]
    pub(crate) fn name(self) -> Span {
        Span {
            start: self.name_start,
            end: self.name_end,
            escaped: self.name_escaped,
        }
    }

    #[inline]
    pub(crate) fn value(self) -> Span {
        Span {
            start: self.value_start,
            end: self.value_end,
            escaped: self.value_escaped,
        }
    }
}

/// The labels of a line. The list never gets shorter, so that the engine can write labels without asking for room.
#[derive(Clone, Debug)]
pub(crate) struct LabelList {
    spans: Vec<LabelSpan>,
    length: usize,
}

impl LabelList {
    /// The number of labels for which there is always room. A power of two.
    pub(crate) const ROOM: usize = 256;

    /// Returns the room for the first labels.
    #[inline]
    pub(crate) fn room(&mut self) -> &mut [LabelSpan; Self::ROOM] {
        self.spans
            .first_chunk_mut()
            .expect("the list is never shorter than its room")
    }

    /// Says how many labels were written.
    #[inline]
    pub(crate) fn set_length(&mut self, length: usize) {
        self.length = length;
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    /// Forgets the labels from a place on.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    pub(crate) fn push(&mut self, label: LabelSpan) {
        match self.spans.get_mut(self.length) {
            Some(place) => *place = label,
            None => self.spans.push(label),
        }
        self.length += 1;
    }

    pub(crate) fn remove(&mut self, place: usize) {
        self.spans.copy_within(place + 1..self.length, place);
        self.length -= 1;
    }
}

impl std::ops::Deref for LabelList {
    type Target = [LabelSpan];

    #[inline]
    fn deref(&self) -> &[LabelSpan] {
        &self.spans[..self.length]
    }
}

impl Default for LabelList {
    fn default() -> Self {
        Self {
            spans: vec![LabelSpan::default(); Self::ROOM],
            length: 0,
        }
    }
}

/// The places of an exemplar's parts. The numbers have been checked and are read when they are asked for: most programs want
/// none of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExemplarParts {
    /// The end of its labels, which start where those before it end.
    pub(crate) labels_end: u32,
    pub(crate) value: Span,
    pub(crate) timestamp: Option<Span>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Number {
    pub(crate) value: f64,
    pub(crate) text: Span,
    pub(crate) kind: NumberKind,
}

/// The kind of a value.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum NumberKind {
    /// The value is composite, and the number is its count.
    Composite,
    /// A whole number that is not negative, and so small that the value is exact.
    Count,
    #[default]
    Other,
}
