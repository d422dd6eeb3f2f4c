//! The names of the labels of a line before.
//!
//! Most samples have the label names of the sample before. Comparing these is quicker than finding where names end,
//! and no name has to be compared with the other names of its line. Where names change from line to line it costs a few
//! percent.

use super::window::{Place, Window};
use crate::parse::parts::LabelSpan;

/// The names of the labels of a line, and their number.
#[derive(Clone, Default)]
pub(super) struct KnownNames {
    names: Vec<KnownName>,
    number: u64,
}

/// A name, with the `="` after it.
#[derive(Clone, Copy)]
pub(super) struct KnownName {
    first: u128,
    /// The bytes of `first` that belong to it.
    mask: u128,
    /// The last bytes of a name with more than fit in `first`.
    last: u128,
    length: Place,
}

const WORD: Place = size_of::<u128>() as Place;
const EQUALS: Place = "=\"".len() as Place;

impl KnownName {
    /// Remembers the name at a place, unless it is too long or in quotes.
    fn new(window: Window<'_>, label: &LabelSpan) -> Option<Self> {
        let at = label.name_start;
        let length = label.name_end - at;
        let known = length + EQUALS;
        if known > 2 * WORD || window.byte(label.name_end) == b'"' {
            return None;
        }
        Some(Self {
            first: window.sixteen(at),
            mask: u128::MAX >> (8 * WORD.saturating_sub(known)),
            last: window.sixteen(at.wrapping_add(known).wrapping_sub(WORD)),
            length,
        })
    }

    #[inline(always)]
    pub(super) fn length(&self) -> Place {
        self.length
    }

    #[inline(always)]
    pub(super) fn is_at(&self, window: Window<'_>, at: Place) -> bool {
        (window.sixteen(at) ^ self.first) & self.mask == 0
            && (self.length <= WORD - EQUALS || self.is_rest_at(window, at))
    }

    #[inline(always)]
    fn is_rest_at(&self, window: Window<'_>, at: Place) -> bool {
        window.sixteen(at.wrapping_add(self.length + EQUALS - WORD)) == self.last
    }
}

impl KnownNames {
    #[inline(always)]
    pub(super) fn names(&self) -> &[KnownName] {
        &self.names
    }

    /// Returns the number of these names, which is also that of a line with only the first of them.
    #[inline(always)]
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Remembers the names of labels, up to the first that is too long or in quotes. They get a new number.
    #[inline(never)]
    pub(super) fn learn(&mut self, window: Window<'_>, labels: &[LabelSpan]) {
        self.forget();
        let names = labels
            .iter()
            .map_while(|label| KnownName::new(window, label));
        self.names.extend(names);
    }

    /// Forgets the names. Those of the next line get a new number, whatever they are.
    pub(super) fn forget(&mut self) {
        self.names.clear();
        self.number += 1;
    }
}
