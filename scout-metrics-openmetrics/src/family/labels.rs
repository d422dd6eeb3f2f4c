//! The label sets of samples, which share what they have in common.
//!
//! A page of label sets is written while samples are read, and given to the label sets later: when it is long enough, or
//! when all lines are read. A value that occurred shortly before on the page is not written again.

use std::{
    hash::{BuildHasher, Hasher},
    mem,
    sync::Arc,
};

use foldhash::fast::RandomState;

use crate::{
    LabelSet, Labels,
    escape::Text,
    model::{LabelPage, LabelPageDraft},
};

/// The page that is being written.
pub(super) struct Draft {
    contents: LabelPageDraft,
    page: Arc<LabelPage>,
    /// The number of pages before.
    number: u64,
    hasher: RandomState,
    /// The piece that was used last with a hash like this. It may be one of a page before, so it has to be compared.
    recent: Box<[u32; Self::RECENT]>,
}

impl Draft {
    /// So long that a page is seldom made, and so short that a label set that is kept does not keep much else.
    const TEXT_LENGTH: usize = 48 << 10;
    const SET_LENGTH: usize = 16 << 10;

    /// A few kilobytes, which stay in the fastest memory. A power of two.
    const RECENT: usize = 1 << 10;

    /// Makes sure that a few labels fit into the page. Returns the number of the page.
    #[inline]
    pub(super) fn make_room(&mut self) -> u64 {
        if self.contents.text_length() >= Self::TEXT_LENGTH
            || self.contents.set_length() >= Self::SET_LENGTH
        {
            self.share();
        }
        self.number
    }

    /// Gives the page to all label sets made so far, and starts another one.
    pub(super) fn share(&mut self) {
        let page = mem::take(&mut self.page);
        page.set(&self.contents);
        self.contents.clear();
        self.number += 1;
    }

    /// Adds the names of label sets, and returns their place.
    pub(super) fn push_names(&mut self, pieces: &[u32]) -> u32 {
        self.contents.push_names(pieces)
    }

    /// Adds the values of a label set with names at a place, and returns the set.
    pub(super) fn push_set(&mut self, names: u32, values: &[u32]) -> LabelSet {
        let place = self.contents.start_values(names);
        for value in values {
            self.contents.push(*value);
        }
        LabelSet::on_page(Arc::clone(&self.page), place)
    }

    /// Returns the piece of the page that is a text.
    #[inline]
    fn piece(&mut self, text: Text<'_>) -> Piece {
        match text.plain() {
            Some(text) => self.plain_piece(text),
            None => self.decoded_piece(text),
        }
    }

    #[inline(always)]
    pub(super) fn plain_piece(&mut self, text: &[u8]) -> Piece {
        let hash = hash(&self.hasher, text);
        let recent = self.recent[hash as usize % Self::RECENT];
        if self.contents.piece(recent) == Some(text) {
            let number = recent;
            return Piece { number, hash };
        }
        self.contents.text().extend_from_slice(text);
        self.end_piece(hash)
    }

    fn decoded_piece(&mut self, text: Text<'_>) -> Piece {
        let start = self.contents.text_length();
        text.decode_into(self.contents.text());
        let decoded = &self.contents.text()[start..];
        let hash = hash(&self.hasher, decoded);
        self.end_piece(hash)
    }

    #[inline]
    fn end_piece(&mut self, hash: u64) -> Piece {
        let number = self.contents.end_piece();
        self.recent[hash as usize % Self::RECENT] = number;
        Piece { number, hash }
    }

    /// Returns whether a piece is known to be a text.
    #[inline]
    fn is(&self, piece: Piece, text: Text<'_>) -> bool {
        let text = text.plain();
        text.is_some() && self.contents.piece(piece.number) == text
    }
}

/// A text on the page that is being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) number: u32,
    pub(super) hash: u64,
}

impl Piece {
    /// A piece that is on no page.
    const NONE: Self = Self {
        number: u32::MAX,
        hash: 0,
    };
}

#[inline]
fn hash(hasher: &RandomState, text: &[u8]) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(text);
    hasher.finish()
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            contents: LabelPageDraft::default(),
            page: Arc::default(),
            number: 0,
            hasher: RandomState::default(),
            recent: Box::new([0; Self::RECENT]),
        }
    }
}

/// Makes label sets of the labels of one sample after another.
#[derive(Default)]
pub(super) struct LabelReader {
    /// The number of the page that the names are on.
    page: u64,
    /// The places of the last few names, because samples of a histogram have one set of names more often and another one
    /// now and then.
    known: Vec<u32>,
    /// The names of the sample before.
    current: usize,
    /// Memory for the pieces of names.
    name_numbers: Vec<u32>,
    names: Vec<Piece>,
    /// The values of the sample before.
    values: Vec<Piece>,
}

/// The hashes of the labels of a sample, in their order.
#[derive(Clone, Copy, Debug)]
pub(super) struct LabelHashes<'h> {
    names: &'h [Piece],
    values: &'h [Piece],
}

impl<'h> LabelHashes<'h> {
    /// Returns the hashes of names and values.
    #[inline]
    pub(super) fn iter(self) -> impl Iterator<Item = (u64, u64)> + use<'h> {
        let labels = self.names.iter().zip(self.values);
        labels.map(|(name, value)| (name.hash, value.hash))
    }
}

impl LabelReader {
    const MOST: usize = 4;

    /// Makes a set of labels. `same_names` says that the names are those of the set before.
    #[inline]
    pub(super) fn read(
        &mut self,
        labels: Labels<'_, '_>,
        same_names: bool,
        draft: &mut Draft,
    ) -> LabelSet {
        if labels.len() == 0 {
            self.names.clear();
            self.values.clear();
            return LabelSet::new();
        }
        let page = draft.make_room();
        if !same_names || page != self.page {
            self.read_names(labels.clone(), page, draft);
        }
        let place = draft.contents.start_values(self.known[self.current]);
        for (value, known) in labels.values().zip(&mut self.values) {
            if !draft.is(*known, value) {
                *known = draft.piece(value);
            }
            draft.contents.push(known.number);
        }
        LabelSet::on_page(Arc::clone(&draft.page), place)
    }

    /// Returns the hashes of the labels of the set that was made last.
    #[inline]
    pub(super) fn hashes(&self) -> LabelHashes<'_> {
        LabelHashes {
            names: &self.names,
            values: &self.values,
        }
    }

    /// Makes the names of labels the current ones.
    fn read_names(&mut self, labels: Labels<'_, '_>, page: u64, draft: &mut Draft) {
        if page != self.page {
            self.known.clear();
            self.page = page;
        }
        self.values.clear();
        self.values.resize(labels.len(), Piece::NONE);
        self.names.clear();
        for (name, _) in labels {
            self.names.push(draft.piece(name));
        }
        self.name_numbers.clear();
        let numbers = self.names.iter().map(|name| name.number);
        self.name_numbers.extend(numbers);
        let is_here = |place: &u32| draft.contents.has_names(*place, &self.name_numbers);
        if let Some(known) = self.known.iter().position(is_here) {
            self.current = known;
            return;
        }
        let place = draft.contents.push_names(&self.name_numbers);
        if self.known.len() < Self::MOST {
            self.current = self.known.len();
            self.known.push(place);
        } else {
            self.current = (self.current + 1) % Self::MOST;
            self.known[self.current] = place;
        }
    }
}
