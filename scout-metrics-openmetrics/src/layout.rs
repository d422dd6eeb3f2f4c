//! The shape of a sample's line, remembered to read the next line with.
//!
//! Most samples have the names and the punctuation of the sample before, and only other values. Then what stands
//! between the values is compared with what was there before, and only the ends of the values are searched for.

use crate::{event::LabelSpan, find::find_value_end};

/// What stands between the values of a sample: `name{label="`, `",label="` for each further label, and `"} `. Or of an
/// exemplar, where the first piece is ` # {label="`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pieces: Vec<Piece>,
    /// The texts of all pieces, one behind the other.
    text: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
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
    /// Remembers what stands around the values of `labels` in a line, from `start` to where a number starts.
    pub(crate) fn learn(&mut self, line: &[u8], start: usize, labels: &[LabelSpan], number: usize) {
        self.pieces.clear();
        self.text.clear();
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
    pub(crate) fn read(
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
            at = find_value_end(bytes, value)?;
            if bytes[at] != b'"' {
                return None;
            }
            label.value_start = (value - start) as u32;
            label.value_end = (at - start) as u32;
            label.value_escaped = false;
        }
        last.is_at(bytes, at, &self.text)
            .then_some(at + last.length)
    }
}
