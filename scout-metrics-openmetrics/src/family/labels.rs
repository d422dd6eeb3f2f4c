//! The label sets of samples, which share what they have in common.
//!
//! Names and values are copied one after the other into a text. Label sets are made while it still grows, so they share a
//! text that is set later: when it is long enough, or when all lines are read.

use std::{mem, sync::Arc};

use crate::{
    LabelSet, Labels,
    model::{LabelSource, LabelText, Pieces},
};

/// The text that grows.
#[derive(Default)]
pub(super) struct Draft {
    text: String,
    /// The start of the text.
    shared: Arc<LabelText>,
}

impl Draft {
    /// So long that a text is seldom made, and so short that a label set that is kept does not keep much else, and that
    /// places in it nearly always have 16 bits.
    const LENGTH: usize = 48 << 10;

    /// Makes sure that the text can grow by a few labels.
    fn make_room(&mut self) {
        if self.text.len() >= Self::LENGTH {
            self.share();
        }
    }

    /// Sets the text of all label sets made so far, and starts another one.
    pub(super) fn share(&mut self) {
        let shared = mem::take(&mut self.shared);
        let is_new = shared.set(self.text.as_str().into());
        debug_assert!(is_new.is_ok(), "each text is set once");
        self.text.clear();
    }

    fn place(&self) -> u32 {
        // A text is as long as one line or less than twice as long as `LENGTH`, and a line is shorter than 4 GiB: `Limits`
        // makes sure of it.
        self.text.len() as u32
    }
}

/// Makes label sets, and shares what they have in common.
#[derive(Default)]
pub(super) struct LabelReader {
    /// The last few, because samples of a histogram have one set of names more often and another one now and then.
    known: Vec<KnownNames>,
    /// The names of the sample before.
    current: usize,
    /// Memory for the bounds of the values.
    bounds: Vec<u32>,
}

/// The decoded values of a label set, which follow each other in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'v> {
    text: &'v [u8],
    /// The start of the first value, and the end of each.
    bounds: &'v [u32],
}

impl<'v> Values<'v> {
    /// Returns the length of the value at a place, which has to be there.
    #[inline]
    pub(super) fn length(self, place: usize) -> u32 {
        self.bounds[place + 1] - self.bounds[place]
    }

    /// Returns the values from one place to before another one, as one text.
    #[inline]
    pub(super) fn between(self, start: usize, end: usize) -> &'v [u8] {
        &self.text[self.bounds[start] as usize..self.bounds[end] as usize]
    }
}

/// Names of labels, and the source of label sets that have them.
#[derive(Default)]
struct KnownNames {
    text: String,
    /// The start of the first name, and the end of each.
    bounds: Vec<u32>,
    source: Option<Arc<LabelSource>>,
}

impl LabelReader {
    const MOST: usize = 4;

    /// Makes a set of labels. `same_names` says that the names are those of the set before.
    pub(super) fn read(
        &mut self,
        labels: Labels<'_, '_>,
        same_names: bool,
        draft: &mut Draft,
    ) -> LabelSet {
        self.bounds.clear();
        if labels.len() == 0 {
            self.bounds.push(draft.place());
            return LabelSet::default();
        }
        if !same_names {
            self.find_names(&labels);
        }
        draft.make_room();
        let source = self.known[self.current].source(draft);
        self.bounds.push(draft.place());
        for value in labels.values() {
            value.decode_into(&mut draft.text);
            self.bounds.push(draft.place());
        }
        LabelSet::from_source(source, Pieces::new(&self.bounds, 0))
    }

    /// Returns the decoded values of the set that was made last.
    pub(super) fn values<'v>(&'v self, draft: &'v Draft) -> Values<'v> {
        Values {
            text: draft.text.as_bytes(),
            bounds: &self.bounds,
        }
    }

    /// Makes the names of labels the current ones.
    fn find_names(&mut self, labels: &Labels<'_, '_>) {
        let is_named = |known: &KnownNames| known.are_of(labels.clone());
        if self.known.get(self.current).is_some_and(is_named) {
            return;
        }
        if let Some(known) = self.known.iter().position(is_named) {
            self.current = known;
            return;
        }
        if self.known.len() < Self::MOST {
            self.current = self.known.len();
            self.known.push(KnownNames::default());
        } else {
            self.current = (self.current + 1) % Self::MOST;
        }
        self.known[self.current].learn(labels.clone());
    }
}

impl KnownNames {
    fn learn(&mut self, labels: Labels<'_, '_>) {
        self.source = None;
        self.text.clear();
        self.bounds.clear();
        self.bounds.push(0);
        for (name, _) in labels {
            name.decode_into(&mut self.text);
            self.bounds.push(self.text.len() as u32);
        }
    }

    fn are_of(&self, labels: Labels<'_, '_>) -> bool {
        let names = self.bounds.windows(2);
        names.len() == labels.len()
            && names.zip(labels).all(|(at, (name, _))| {
                let known = &self.text.as_bytes()[at[0] as usize..at[1] as usize];
                match name.plain() {
                    Some(name) => name.as_bytes() == known,
                    None => name.decode().as_bytes() == known,
                }
            })
    }

    /// Returns the source of label sets whose values are in a text.
    fn source(&mut self, draft: &mut Draft) -> Arc<LabelSource> {
        if let Some(source) = &self.source
            && Arc::ptr_eq(&source.text, &draft.shared)
        {
            return Arc::clone(source);
        }
        let names = Pieces::new(&self.bounds, draft.place());
        draft.text.push_str(&self.text);
        let text = Arc::clone(&draft.shared);
        let source = Arc::new(LabelSource { names, text });
        Arc::clone(self.source.insert(source))
    }
}
