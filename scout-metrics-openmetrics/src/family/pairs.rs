//! Label sets of names and values that are in memory already.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use super::labels::Draft;
use crate::LabelSet;

/// Puts label sets on pages that they share.
#[derive(Default)]
pub(crate) struct PairWriter {
    draft: Draft,
    hasher: RandomState,
    /// The pieces of the names of the set before, and its page and the place of the names there.
    names: Vec<u32>,
    names_at: Option<(u64, u32)>,
    /// The pieces of the set that is being written.
    pieces: Vec<u32>,
    values: Vec<u32>,
}

impl PairWriter {
    /// Returns a label set and a hash of it, whatever the order of the labels is. The set cannot be read before
    /// [`finish`](Self::finish).
    pub(crate) fn write(&mut self, labels: &[(&str, &str)]) -> (LabelSet, u64) {
        if labels.is_empty() {
            return (LabelSet::new(), 0);
        }
        let page = self.draft.make_room();
        self.pieces.clear();
        self.values.clear();
        let mut hash = 0_u64;
        for (name, value) in labels {
            let name = self.draft.plain_piece(name.as_bytes());
            let value = self.draft.plain_piece(value.as_bytes());
            hash = hash.wrapping_add(self.hasher.hash_one((name.hash, value.hash)));
            self.pieces.push(name.number);
            self.values.push(value.number);
        }
        let names = match self.names_at {
            Some((of_page, place)) if of_page == page && self.names == self.pieces => place,
            _ => {
                self.names.clone_from(&self.pieces);
                self.draft.push_names(&self.names)
            }
        };
        self.names_at = Some((page, names));
        (self.draft.push_set(names, &self.values), hash)
    }

    /// Makes all label sets readable.
    pub(crate) fn finish(mut self) {
        self.draft.share();
    }
}
