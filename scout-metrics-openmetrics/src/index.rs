//! An index of the bytes that give lines their structure.

use wide::{CmpEq, i8x16};

/// The places of line feeds, quotes and backslashes in a piece of text, in order.
///
/// It is built a window at a time, 64 bytes a step without a branch on what they hold, and the memory is used again.
/// Where a label value ends is then looked up instead of searched for, which is what makes lines of short values fast.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// Marks up to `filled`; behind them is memory for those to come.
    marks: Vec<u32>,
    filled: usize,
    /// The first mark that is not behind the reader.
    next: usize,
    /// Marks count from here, so that they fit 32 bits in a text of any length.
    base: usize,
    /// Where the next window starts.
    scanned: usize,
}

const BLOCK: usize = 64;
const WINDOW: usize = 64 * BLOCK;

impl Index {
    /// Starts over at a place, in the same text or another.
    pub(crate) fn restart(&mut self, at: usize) {
        self.filled = 0;
        self.next = 0;
        self.base = at;
        self.scanned = at;
    }

    /// Returns the marks from `at` on, at least `count` of them unless the text ends first, and what to add to each.
    #[inline]
    pub(crate) fn marks_from(&mut self, bytes: &[u8], at: usize, count: usize) -> (&[u32], usize) {
        self.skip_to(at);
        while self.filled - self.next < count && self.scanned < bytes.len() {
            self.scan_window(bytes);
        }
        (&self.marks[self.next..self.filled], self.base)
    }

    /// Forgets the next `count` marks.
    #[inline]
    pub(crate) fn consume(&mut self, count: usize) {
        self.next += count;
    }

    #[inline]
    fn skip_to(&mut self, at: usize) {
        if at >= self.scanned {
            return self.restart(at);
        }
        while self.next < self.filled && self.marks[self.next] as usize + self.base < at {
            self.next += 1;
        }
    }

    fn scan_window(&mut self, bytes: &[u8]) {
        self.drop_consumed();
        let end = bytes.len().min(self.scanned + WINDOW);
        if self.marks.len() < self.filled + WINDOW + BLOCK {
            self.marks.resize(self.filled + WINDOW + BLOCK, 0);
        }
        let window = &bytes[self.scanned..end];
        for chunk in window.chunks(BLOCK) {
            let mask = match <&[u8; BLOCK]>::try_from(chunk) {
                Ok(block) => mask(block),
                Err(_) => mask(&padded(chunk)),
            };
            self.push_marks(mask);
            self.scanned += chunk.len();
        }
    }

    /// Moves the marks that are still ahead to the front and counts from the first of them.
    fn drop_consumed(&mut self) {
        let ahead = self.next..self.filled;
        let shift = match self.marks.get(ahead.clone()).and_then(<[u32]>::first) {
            Some(&first) => first,
            None => (self.scanned - self.base) as u32,
        };
        self.filled = ahead.len();
        self.marks.copy_within(ahead, 0);
        self.marks[..self.filled]
            .iter_mut()
            .for_each(|mark| *mark -= shift);
        self.base += shift as usize;
        self.next = 0;
    }

    /// Appends a mark for each bit. Most blocks hold few, so eight are written without looking how many there are.
    #[inline]
    fn push_marks(&mut self, mut mask: u64) {
        const AT_ONCE: usize = 8;
        let offset = (self.scanned - self.base) as u32;
        let count = mask.count_ones() as usize;
        let slots = &mut self.marks[self.filled..self.filled + BLOCK];
        for slots in slots.chunks_exact_mut(AT_ONCE) {
            for slot in slots {
                *slot = offset + mask.trailing_zeros();
                mask &= mask.wrapping_sub(1);
            }
            if mask == 0 {
                break;
            }
        }
        self.filled += count;
    }
}

fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    block
}

/// Returns a bit for each byte that is a mark.
#[inline]
fn mask(block: &[u8; BLOCK]) -> u64 {
    let mut mask = 0;
    for (index, lane) in block.chunks_exact(16).enumerate() {
        let mut bytes = [0i8; 16];
        for (to, from) in bytes.iter_mut().zip(lane) {
            *to = *from as i8;
        }
        let lane = i8x16::from(bytes);
        let is = |byte: u8| lane.cmp_eq(i8x16::splat(byte as i8));
        let marks = is(b'\n') | is(b'"') | is(b'\\');
        mask |= u64::from(marks.move_mask() as u16) << (16 * index);
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marks_what_a_search_finds(text in "[a\"\\\\\n]{0,9000}", from in 0usize..9000, count in 0usize..3000) {
            let bytes = text.as_bytes();
            let from = from.min(bytes.len());
            let expected: Vec<usize> = memchr::memchr3_iter(b'\n', b'"', b'\\', &bytes[from..])
                .map(|at| from + at)
                .collect();
            let mut index = Index::default();
            index.marks_from(bytes, 0, 1);
            let (marks, base) = index.marks_from(bytes, from, count);
            let found: Vec<usize> = marks.iter().map(|mark| *mark as usize + base).collect();
            prop_assert!(found.len() >= count.min(expected.len()));
            prop_assert_eq!(&found[..], &expected[..found.len()]);
        }
    }
}
