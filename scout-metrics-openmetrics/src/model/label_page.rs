//! The memory that label sets share.
//!
//! Names and values of many label sets are pieces of one text, and each label set is a few numbers of pieces. So a value
//! that occurs a thousand times takes memory once, and a label set takes two bytes for each label.

use std::sync::OnceLock;

/// The label sets of a page. They are set once they are complete, while label sets refer to the page already.
#[derive(Debug, Default)]
pub(crate) struct LabelPage(OnceLock<Contents>);

#[derive(Debug)]
struct Contents {
    text: Box<str>,
    /// The end of each piece of the text; the first piece starts at 0.
    ends: Box<[u32]>,
    sets: Numbers,
}

/// The names of a label set are their count and their pieces. Its values are the place of its names and their pieces.
#[derive(Debug)]
enum Numbers {
    Narrow(Box<[u16]>),
    Wide(Box<[u32]>),
}

/// A page that is being written.
#[derive(Debug, Default)]
pub(crate) struct LabelPageDraft {
    /// Whole texts, one after the other.
    text: Vec<u8>,
    ends: Vec<u32>,
    sets: Vec<u32>,
}

impl LabelPage {
    /// Creates a page with contents.
    pub(crate) fn new(draft: &LabelPageDraft) -> Self {
        let page = Self::default();
        page.set(draft);
        page
    }

    /// Sets the contents, which has to be done once and before labels are asked for.
    pub(crate) fn set(&self, draft: &LabelPageDraft) {
        let is_new = self.0.set(draft.to_contents()).is_ok();
        debug_assert!(is_new, "a page is set once");
    }

    /// Returns the number of labels of the set at a place.
    pub(crate) fn count(&self, place: u32) -> usize {
        let contents = self.contents();
        contents.number(contents.number(place as usize))
    }

    /// Returns the name and the value of a label of the set at a place.
    pub(crate) fn label(&self, place: u32, label: usize) -> (&str, &str) {
        let contents = self.contents();
        let place = place as usize;
        let names = contents.number(place);
        let name = contents.number(names + 1 + label);
        let value = contents.number(place + 1 + label);
        (contents.piece(name), contents.piece(value))
    }

    fn contents(&self) -> &Contents {
        let contents = self.0.get();
        contents.expect("a page is set before its label sets are returned")
    }
}

impl Contents {
    fn number(&self, place: usize) -> usize {
        match &self.sets {
            Numbers::Narrow(numbers) => usize::from(numbers[place]),
            Numbers::Wide(numbers) => numbers[place] as usize,
        }
    }

    fn piece(&self, number: usize) -> &str {
        let start = match number {
            0 => 0,
            number => self.ends[number - 1],
        };
        &self.text[start as usize..self.ends[number] as usize]
    }
}

impl LabelPageDraft {
    /// Returns the length of the text in bytes.
    pub(crate) fn text_length(&self) -> usize {
        self.text.len()
    }

    /// Returns how many numbers the label sets are.
    pub(crate) fn set_length(&self) -> usize {
        self.sets.len()
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.sets.clear();
    }

    /// Returns the text, to which the next piece can be appended. A piece has to be UTF-8.
    #[inline]
    pub(crate) fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Makes a piece of what was appended to the text, and returns its number.
    ///
    /// # Panics
    ///
    /// If the text has more than 4 GiB.
    pub(crate) fn end_piece(&mut self) -> u32 {
        let end = u32::try_from(self.text.len()).expect("labels have less than 4 GiB");
        self.ends.push(end);
        self.ends.len() as u32 - 1
    }

    /// Returns a piece, if there are so many.
    #[inline]
    pub(crate) fn piece(&self, number: u32) -> Option<&[u8]> {
        let number = number as usize;
        let end = *self.ends.get(number)?;
        let start = match number {
            0 => 0,
            number => self.ends[number - 1],
        };
        self.text.get(start as usize..end as usize)
    }

    /// Adds the names of label sets, and returns their place.
    pub(crate) fn push_names(&mut self, pieces: &[u32]) -> u32 {
        let place = self.push(pieces.len() as u32);
        self.sets.extend_from_slice(pieces);
        place
    }

    /// Returns whether the names at a place are those pieces.
    pub(crate) fn has_names(&self, place: u32, pieces: &[u32]) -> bool {
        let names = &self.sets[place as usize..];
        names[0] as usize == pieces.len() && names[1..].starts_with(pieces)
    }

    /// Adds the start of a label set, whose values have to follow one by one, and returns its place.
    #[inline]
    pub(crate) fn start_values(&mut self, names: u32) -> u32 {
        self.push(names)
    }

    /// Adds a number to the label sets, and returns its place.
    #[inline]
    pub(crate) fn push(&mut self, number: u32) -> u32 {
        self.sets.push(number);
        self.sets.len() as u32 - 1
    }

    fn to_contents(&self) -> Contents {
        let widest = self.sets.len().max(self.ends.len());
        let sets = self.sets.iter();
        let text = str::from_utf8(&self.text).expect("pieces are UTF-8");
        Contents {
            text: text.into(),
            ends: self.ends.as_slice().into(),
            sets: if widest <= usize::from(u16::MAX) {
                Numbers::Narrow(sets.map(|number| *number as u16).collect())
            } else {
                Numbers::Wide(sets.copied().collect())
            },
        }
    }
}
