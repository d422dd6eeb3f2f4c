//! The shapes of samples' lines, remembered to read the next lines with.
//!
//! Most samples have the names and the punctuation of the sample before, and only other values. Then what stands
//! between the values is compared with what was there before, and only the ends of the values are searched for. Where
//! the shape changes, as between the buckets, the count and the sum of a histogram, the one that followed last time is
//! tried before the line is read from scratch.

use super::event::{LabelSpan, Parts, Span};
use crate::find::{find_escaped_value_end, find_value_end};

/// The shapes of the last few samples that were not alike. Learning another one uses the memory of one forgotten.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shapes {
    known: Vec<Shape>,
    /// The shape of the sample before.
    current: usize,
    /// The one to be forgotten next.
    oldest: usize,
    /// Memory for the next one to be learned.
    spare: Shape,
}

/// The shape of a sample's line, and what is the same in all lines of that shape.
#[derive(Clone, Debug, Default)]
struct Shape {
    /// Name and labels, up to the sample's value.
    sample: Layout,
    /// What comes behind the sample's value or timestamp, up to the value of the exemplar; empty without one.
    exemplar: Layout,
    name: Span,
    labels: Vec<LabelSpan>,
    own_labels: usize,
    /// The shape that came after this one last time.
    next: usize,
}

impl Shapes {
    /// How many are remembered: a summary or histogram has three or four that follow each other.
    const MOST: usize = 8;

    /// Remembers the shape of a line that was read into parts.
    pub(crate) fn learn(&mut self, line: &[u8], parts: &Parts) {
        self.spare.learn(line, parts);
        let known = self
            .known
            .iter()
            .position(|known| known.is_like(&self.spare));
        let place = known.unwrap_or_else(|| {
            let place = self.make_room();
            std::mem::swap(&mut self.known[place], &mut self.spare);
            place
        });
        self.known[self.current].next = place;
        self.current = place;
    }

    fn make_room(&mut self) -> usize {
        if self.known.len() < Self::MOST {
            self.known.push(Shape::default());
            return self.known.len() - 1;
        }
        let place = self.oldest;
        self.oldest = (place + 1) % Self::MOST;
        place
    }

    /// Reads name and labels of the line that starts at `start`, if it has the shape of the line before or the one that
    /// followed that last time.
    ///
    /// Returns where the value starts. `None` leaves parts in disorder.
    #[inline]
    pub(crate) fn read(&mut self, bytes: &[u8], start: usize, parts: &mut Parts) -> Option<usize> {
        let shape = self.known.get(self.current)?;
        let labels = &mut parts.labels[..shape.own_labels];
        if let Some(number) = shape.sample.read(bytes, start, start, labels) {
            parts.same_names = true;
            return Some(number);
        }
        self.read_next(bytes, start, parts)
    }

    fn read_next(&mut self, bytes: &[u8], start: usize, parts: &mut Parts) -> Option<usize> {
        let next = self.known[self.current].next;
        let shape = &self.known[next];
        parts.name = shape.name;
        parts.own_labels = shape.own_labels;
        parts.labels.clone_from(&shape.labels);
        parts.same_names = false;
        let labels = &mut parts.labels[..shape.own_labels];
        let number = shape.sample.read(bytes, start, start, labels)?;
        self.current = next;
        Some(number)
    }

    /// Reads the labels of the exemplar that starts at `at`, if it is like the last one of a line of this shape.
    #[inline]
    pub(crate) fn read_exemplar(
        &self,
        bytes: &[u8],
        start: usize,
        at: usize,
        parts: &mut Parts,
    ) -> Option<usize> {
        let shape = self.known.get(self.current)?;
        let labels = parts.labels.get_mut(shape.own_labels..)?;
        shape.exemplar.read(bytes, start, at, labels)
    }
}

impl Shape {
    fn learn(&mut self, line: &[u8], parts: &Parts) {
        let (own, exemplar) = parts.labels.split_at(parts.own_labels);
        let value = parts.value.text;
        self.sample.learn(line, 0, own, value.start as usize);
        self.exemplar.clear();
        if let Some(found) = &parts.exemplar {
            // It starts with the blank before the first `#` behind the value: no number has one.
            let behind = value.end as usize;
            let hash =
                memchr::memchr(b'#', &line[behind..]).map_or(behind, |length| behind + length);
            self.exemplar
                .learn(line, hash - 1, exemplar, found.value.text.start as usize);
        }
        self.name = parts.name;
        self.labels.clone_from(&parts.labels);
        self.own_labels = parts.own_labels;
        self.next = 0;
    }

    fn is_like(&self, other: &Self) -> bool {
        self.sample == other.sample && self.exemplar == other.exemplar
    }
}

/// What stands between the values of a sample: `name{label="`, `",label="` for each further label, and `"} `. Or of an
/// exemplar, where the first piece is ` # {label="`. All but the first start with the quote behind a value.
#[derive(Clone, Debug, Default, PartialEq)]
struct Layout {
    pieces: Vec<Piece>,
    /// The texts of all pieces, one behind the other.
    text: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    /// Where its text starts in that of the layout.
    start: usize,
    length: usize,
    /// Its first bytes as a number, and a mask for those that are its own: most pieces are short, and two numbers are
    /// compared in a fraction of the time of two slices.
    word: u128,
    mask: u128,
}

const WORD: usize = size_of::<u128>();

impl Piece {
    fn new(text: &[u8], start: usize) -> Self {
        let mut first = [0; WORD];
        let known = text.len().min(WORD);
        first[..known].copy_from_slice(&text[..known]);
        let mask = match WORD - known {
            WORD => 0,
            unknown => u128::MAX >> (8 * unknown),
        };
        Self {
            start,
            length: text.len(),
            word: u128::from_le_bytes(first),
            mask,
        }
    }

    /// Returns whether the piece stands at `at`.
    #[inline]
    fn is_at(&self, bytes: &[u8], at: usize, layout: &[u8]) -> bool {
        let rest = bytes.get(at..).unwrap_or_default();
        match rest.first_chunk() {
            Some(word) if self.length <= WORD => {
                (u128::from_le_bytes(*word) ^ self.word) & self.mask == 0
            }
            _ => rest.starts_with(&layout[self.start..self.start + self.length]),
        }
    }
}

impl Layout {
    fn clear(&mut self) {
        self.pieces.clear();
        self.text.clear();
    }

    /// Remembers what stands around the values of `labels` in a line, from `start` to where a number starts.
    fn learn(&mut self, line: &[u8], start: usize, labels: &[LabelSpan], number: usize) {
        self.clear();
        self.pieces.reserve(labels.len() + 1);
        self.text.reserve(number - start);
        let mut at = start;
        for label in labels {
            self.push(&line[at..label.value_start as usize]);
            at = label.value_end as usize;
        }
        self.push(&line[at..number]);
    }

    fn push(&mut self, text: &[u8]) {
        self.pieces.push(Piece::new(text, self.text.len()));
        self.text.extend_from_slice(text);
    }

    /// Reads labels from `at` on in the line that starts at `start`.
    ///
    /// Returns where the number starts, or `None` if the line has another shape; then `labels` are in disorder.
    #[inline]
    fn read(
        &self,
        bytes: &[u8],
        start: usize,
        at: usize,
        labels: &mut [LabelSpan],
    ) -> Option<usize> {
        let (last, pieces) = self.pieces.split_last()?;
        if labels.len() != pieces.len() {
            return None;
        }
        let mut at = at;
        for (label, piece) in labels.iter_mut().zip(pieces) {
            if !piece.is_at(bytes, at, &self.text) {
                return None;
            }
            let value = at + piece.length;
            // The next piece starts with the quote, so it is not there if the value ends with anything else.
            at = find_value_end(bytes, value)?;
            label.value_escaped = bytes[at] == b'\\';
            if label.value_escaped {
                at = find_escaped_value_end(bytes, at)?;
            }
            label.value_start = (value - start) as u32;
            label.value_end = (at - start) as u32;
        }
        last.is_at(bytes, at, &self.text)
            .then_some(at + last.length)
    }
}
