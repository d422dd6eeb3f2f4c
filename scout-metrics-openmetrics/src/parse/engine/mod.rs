//! The short way: well-formed lines, found in one pass over many and then read one by one.
//!
//! First a block of some kilobytes is indexed (`index.rs`), then each of its lines is walked with that index
//! (`sample.rs`, `metadata.rs`). A line that does not fit what is known here gives `None`, and the grammar reads it from
//! its start.
//!
//! For the next person: that border is what keeps this safe to change. Nothing here is an error, and nothing here is
//! forgiven: odd blanks, quoted names, escapes in names, long lines, limits, everything that is a deviation or an error
//! is `None`. What is read here has to be read alike by the grammar; `tests.rs` compares all events of both, with each set
//! of instructions, on all cases and on mutations of them. When in doubt, return `None`.

mod index;
mod known;
mod labels;
mod level;
mod metadata;
mod number;
mod openmetrics2;
mod sample;
mod window;

use std::fmt;

pub use level::ReaderLevel;

pub(super) use self::metadata::{Kind, Metadata};
use self::{
    index::Index,
    metadata::{next_line, read_metadata},
    sample::{Known, LineStart, read_sample},
    window::{BLOCK, WINDOW, Window},
};
use super::parts::Parts;
use crate::TextFormat;

/// The whole lines that are indexed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Block<'a> {
    /// The lines, which the places of parts are in.
    pub(super) text: &'a str,
    /// The lines and what comes after them, unless that is too short.
    window: Option<&'a [u8; WINDOW]>,
}

impl<'a> Block<'a> {
    #[inline(always)]
    fn window<'w>(self, copy: &'w [u8; WINDOW]) -> Window<'w>
    where
        'a: 'w,
    {
        Window(self.window.unwrap_or(copy))
    }
}

/// Reads the lines of a text block by block.
#[derive(Clone)]
pub(crate) struct Engine {
    level: ReaderLevel,
    index: Box<Index>,
    /// A copy of the block, if it is so close to the end of the text that no window fits there.
    copy: Box<[u8; WINDOW]>,
    is_copied: bool,
    /// The start of the block in the text.
    start: usize,
    /// The length of the whole lines in the block.
    length: usize,
    next: LineStart,
    /// The number of stops in these lines.
    stops: usize,
    /// The same, but none in OpenMetrics 2.0.
    short_stops: usize,
    known: Known,
}

impl Engine {
    pub(super) fn new() -> Self {
        let copy = vec![0; WINDOW].into_boxed_slice();
        Self {
            level: ReaderLevel::default(),
            index: Index::new(),
            copy: copy.try_into().expect("the copy is as long as a window"),
            is_copied: false,
            start: 0,
            length: 0,
            next: LineStart::default(),
            stops: 0,
            short_stops: 0,
            known: Known::default(),
        }
    }

    pub(super) fn set_level(&mut self, level: ReaderLevel) {
        self.level = level;
    }

    /// Returns where the next line starts in the text.
    #[inline(always)]
    pub(super) fn at(&self) -> usize {
        self.start + self.next.at as usize
    }

    /// Returns whether there is another line in the block.
    #[inline(always)]
    pub(super) fn has_line(&self) -> bool {
        self.next.stop < self.stops
    }

    /// Returns whether there is another line in the block that is not of OpenMetrics 2.0.
    #[inline(always)]
    pub(super) fn has_short_line(&self) -> bool {
        self.next.stop < self.short_stops
    }

    /// Returns the block that is being read.
    pub(super) fn block<'a>(&self, text: &'a str) -> Block<'a> {
        let rest = &text[self.start..];
        Block {
            text: &rest[..self.length],
            window: rest.as_bytes().first_chunk().filter(|_| !self.is_copied),
        }
    }

    /// Returns the first byte of the next line.
    #[inline(always)]
    pub(super) fn first_byte(&self, block: Block<'_>) -> u8 {
        block.window(&self.copy).byte(self.next.at)
    }

    /// Starts a block with the next line. Returns whether there is a whole line in it.
    pub(super) fn start_block(&mut self, text: &str, format: TextFormat) -> bool {
        self.go_to(self.at());
        let rest = &text.as_bytes()[self.start..];
        let length = rest.len().min(BLOCK);
        self.is_copied = rest.len() < WINDOW;
        if self.is_copied {
            self.copy[..length].copy_from_slice(&rest[..length]);
        }
        let window = Window(rest.first_chunk().unwrap_or(&self.copy));
        let Some(length) = self.level.fill(&mut self.index, window, length) else {
            return false;
        };
        // The last line may go on after the block, and stops after the text are those of the block before.
        let is_line_feed = |n: &usize| {
            let at = self.index.stop(*n);
            (at as usize) < length && window.byte(at) == b'\n'
        };
        let Some(last) = (0..self.index.count()).rev().find(is_line_feed) else {
            return false;
        };
        self.length = self.index.stop(last) as usize + 1;
        self.stops = last + 1;
        self.short_stops = match format {
            TextFormat::OpenMetrics2 => 0,
            TextFormat::OpenMetrics | TextFormat::Prometheus => self.stops,
        };
        true
    }

    /// Reads the next line of the block as a sample of a format other than OpenMetrics 2.0, and returns where the one after
    /// it starts. `None` leaves parts in disorder.
    #[inline(always)]
    pub(super) fn read_sample(
        &mut self,
        block: Block<'_>,
        parts: &mut Parts,
        format: TextFormat,
    ) -> Option<LineStart> {
        read_sample(
            block.window(&self.copy),
            &self.index,
            self.next,
            parts,
            &mut self.known,
            format,
        )
    }

    /// Does the same for OpenMetrics 2.0.
    #[inline(always)]
    pub(super) fn read_openmetrics2_sample(
        &mut self,
        block: Block<'_>,
        parts: &mut Parts,
    ) -> Option<LineStart> {
        let window = block.window(&self.copy);
        openmetrics2::read_sample(window, &self.index, self.next, parts, &mut self.known)
    }

    /// Reads the next line of the block, which starts with `#`.
    #[inline(always)]
    pub(super) fn read_metadata(&self, block: Block<'_>, format: TextFormat) -> Option<Metadata> {
        let window = block.window(&self.copy);
        read_metadata(window, &self.index, self.next, format)
    }

    /// Goes to the next line of the block.
    #[inline(always)]
    pub(super) fn advance(&mut self, next: LineStart) {
        self.next = next;
    }

    /// Goes to the line that starts at a place in the text, in the block or after it.
    pub(super) fn go_on_at(&mut self, text: &str, at: usize) {
        let window = self.block(text).window;
        let window = Window(window.unwrap_or(&self.copy));
        while self.next.stop < self.stops && self.at() < at {
            self.next = next_line(window, &self.index, self.next);
        }
        if self.at() != at {
            self.go_to(at);
        }
    }

    /// Leaves the block and goes to a place in the text.
    pub(super) fn go_to(&mut self, at: usize) {
        self.start = at;
        self.length = 0;
        self.next = LineStart::default();
        self.stops = 0;
        self.short_stops = 0;
    }

    /// Returns a number for label names that were read elsewhere and are not known here.
    pub(super) fn new_label_names(&mut self) -> u64 {
        self.known.sample.forget();
        self.known.sample.number()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("at", &self.at())
            .finish_non_exhaustive()
    }
}
