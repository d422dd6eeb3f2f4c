//! The first pass: where the bytes are that names, label values and lines end at.
//!
//! For the next person: two classes of bytes are enough. A bit says for each byte whether it is part of no label name,
//! and the places of all quotes, backslashes and line feeds are written one after the other, so that the n-th quote of a
//! block is found by its number, without looking at the bytes before it. More classes made the first pass slower than
//! the second one became faster.
//!
//! The first pass is the only code that is compiled for several sets of instructions, and one call of it is for a whole
//! block; a choice for each line took longer than what it chose.

use fearless_simd::{Level, dispatch, mask8x64, prelude::*, u8x64, u16x32};

use super::window::{BLOCK, Place, Window, inside};

/// The number of bytes that are classified together.
const CHUNK: usize = 64;

/// The number of stops that are kept. A block with more of them ends early.
const STOPS: usize = BLOCK / 4;

/// With more stops than these, there may be no room for those of another chunk.
const MANY_STOPS: usize = STOPS - CHUNK;

/// Bits for each place in a block, in bytes and not in words: then 64 bits from any place on are one load of eight bytes
/// and one shift. Of these, 57 are always right.
const BYTES: usize = BLOCK / 8 + size_of::<u64>();

/// The index of a block.
#[derive(Clone)]
pub(super) struct Index {
    /// A bit for each byte that is part of no label name.
    others: [u8; BYTES],
    /// The places of quotes, backslashes and line feeds.
    stops: [u16; STOPS + CHUNK],
    count: usize,
}

impl Index {
    /// The number of bits that one look gives.
    pub(super) const MANY: Place = 57;

    pub(super) fn new() -> Box<Self> {
        Box::new(Self {
            others: [0; BYTES],
            stops: [0; STOPS + CHUNK],
            count: 0,
        })
    }

    /// Returns the number of stops.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns the place of the n-th stop. After the last one comes any place.
    #[inline(always)]
    pub(super) fn stop(&self, n: usize) -> Place {
        Place::from(self.stops[n % STOPS])
    }

    /// Returns which bytes from a place on are part of no label name, as bits, the first one lowest. There are 57 bits.
    #[inline(always)]
    pub(super) fn others(&self, at: Place) -> u64 {
        let byte = inside(at) / 8;
        let eight = self.others[byte..byte + 8]
            .first_chunk()
            .expect("there are eight bytes after each place");
        u64::from_le_bytes(*eight) >> (at % 8)
    }

    /// Returns how many bytes from a place on can be in a label name, and [`MANY`](Self::MANY) for more than that.
    #[inline(always)]
    pub(super) fn name_length(&self, at: Place) -> Place {
        (self.others(at) | 1 << Self::MANY).trailing_zeros() as Place
    }

    /// Indexes the first bytes of a window, at most a block. Returns the number of bytes that are indexed.
    pub(super) fn fill(&mut self, level: Level, window: Window<'_>, length: usize) -> usize {
        dispatch!(level, simd => self.fill_with(simd, window, length))
    }

    /// The same without SIMD.
    pub(super) fn fill_one_by_one(&mut self, window: Window<'_>, length: usize) -> usize {
        let chunks = window.0[..length.min(BLOCK)].chunks(8);
        self.count = 0;
        for ((place, chunk), others) in (0..).step_by(8).zip(chunks).zip(&mut self.others) {
            if self.count > MANY_STOPS {
                return usize::from(place);
            }
            *others = 0;
            for (n, byte) in (0..).zip(chunk) {
                let is_other = !(byte.is_ascii_alphanumeric() || *byte == b'_');
                *others |= u8::from(is_other) << n;
                self.stops[self.count] = place + n;
                self.count += usize::from(matches!(byte, b'"' | b'\\' | b'\n'));
            }
        }
        length
    }

    #[inline(always)]
    fn fill_with<S: Simd>(&mut self, simd: S, window: Window<'_>, length: usize) -> usize {
        let (chunks, _) = window.0[..BLOCK].as_chunks::<CHUNK>();
        let chunks = &chunks[..length.div_ceil(CHUNK).min(BLOCK / CHUNK)];
        let (others, _) = self.others.as_chunks_mut::<{ CHUNK / 8 }>();
        let mut count = 0;
        let mut start = 0;
        for (chunk, others) in chunks.iter().zip(others) {
            if count > MANY_STOPS {
                break;
            }
            let (stops, is_other) = classify(simd, chunk);
            *others = is_other.to_le_bytes();
            let places = self.stops[count % STOPS..]
                .first_chunk_mut()
                .expect("a chunk has room after each stop");
            count += write_places(simd, stops, start, places);
            start += CHUNK as u16;
        }
        self.count = count;
        length.min(usize::from(start))
    }
}

/// Writes the places of the bits that are set, and returns their number.
///
/// The processor cannot predict the number, so eight places are always written, or all at once if it can do that.
#[inline(always)]
fn write_places<S: Simd>(
    simd: S,
    bits: mask8x64<S>,
    start: u16,
    places: &mut [u16; CHUNK],
) -> usize {
    const FEW: usize = 8;
    let mut rest = bits.to_bitmask();
    let count = rest.count_ones() as usize;
    if is_avx512(simd) {
        write_all_places(simd, bits, start, places, count);
        return count;
    }
    let mut write_next = |place: &mut u16| {
        *place = start.wrapping_add(rest.trailing_zeros() as u16);
        rest &= rest.wrapping_sub(1);
    };
    let (few, more) = places.split_at_mut(FEW);
    few.iter_mut().for_each(&mut write_next);
    if count > FEW {
        more[..count - FEW].iter_mut().for_each(write_next);
    }
    count
}

#[inline(always)]
fn write_all_places<S: Simd>(
    simd: S,
    bits: mask8x64<S>,
    start: u16,
    places: &mut [u16; CHUNK],
    count: usize,
) {
    const ALL: [u8; CHUNK] = {
        let mut all = [0; CHUNK];
        let mut n = 0;
        while n < CHUNK {
            all[n] = n as u8;
            n += 1;
        }
        all
    };
    let packed = simd.compress_u8x64(u8x64::from_slice(simd, &ALL), bits);
    let (low, high) = simd.widen_u8x64(packed);
    let start = u16x32::splat(simd, start);
    let (first, second) = places.split_at_mut(CHUNK / 2);
    (low + start).store_slice(first);
    if count > CHUNK / 2 {
        (high + start).store_slice(second);
    }
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
#[inline(always)]
fn is_avx512<S: Simd>(simd: S) -> bool {
    matches!(simd.level(), Level::Avx512(_))
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
#[inline(always)]
fn is_avx512<S: Simd>(_simd: S) -> bool {
    false
}

/// Returns whether there is no instruction that looks sixteen bytes up in a table.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
#[inline(always)]
fn is_without_tables<S: Simd>(simd: S) -> bool {
    matches!(simd.level(), Level::Sse2(_))
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
#[inline(always)]
fn is_without_tables<S: Simd>(simd: S) -> bool {
    simd.level().is_fallback()
}

/// Returns which bytes are stops and which are part of no label name.
#[inline(always)]
fn classify<S: Simd>(simd: S, chunk: &[u8; CHUNK]) -> (mask8x64<S>, u64) {
    let bytes = u8x64::from_slice(simd, chunk);
    if is_without_tables(simd) {
        classify_by_comparing(simd, bytes)
    } else {
        classify_by_tables(simd, bytes)
    }
}

#[inline(always)]
fn classify_by_comparing<S: Simd>(simd: S, bytes: u8x64<S>) -> (mask8x64<S>, u64) {
    let is = |byte: u8| bytes.simd_eq(u8x64::splat(simd, byte));
    // A byte below the first wraps around.
    let is_in = |bytes: u8x64<S>, first: u8, count: u8| {
        (bytes - u8x64::splat(simd, first)).simd_le(u8x64::splat(simd, count - 1))
    };
    let stops = is(b'\n') | is(b'"') | is(b'\\');
    let letters = is_in(bytes | u8x64::splat(simd, 0x20), b'a', 26);
    let names = letters | is_in(bytes, b'0', 10) | is(b'_');
    (stops, !names.to_bitmask())
}

/// The half of a byte with the higher bits says which classes it may be of, and so does the other half: seven operations
/// instead of thirteen.
#[inline(always)]
fn classify_by_tables<S: Simd>(simd: S, bytes: u8x64<S>) -> (mask8x64<S>, u64) {
    let low = bytes & u8x64::splat(simd, 0x0F);
    let high = (bytes >> 4u32) & u8x64::splat(simd, 0x0F);
    let look_up = |table: &[u8; CHUNK], halves| {
        simd.swizzle_dyn_within_blocks_u8x64(u8x64::from_slice(simd, table), halves)
    };
    let classes = look_up(&tables::LOW, low) & look_up(&tables::HIGH, high);
    let none = u8x64::splat(simd, 0);
    let stops = !(classes & u8x64::splat(simd, tables::STOP)).simd_eq(none);
    let others = (classes & u8x64::splat(simd, tables::NAME)).simd_eq(none);
    (stops, others.to_bitmask())
}

mod tables {
    use super::CHUNK;

    const DIGIT: u8 = 1;
    const FIRST_LETTERS: u8 = 2;
    const LAST_LETTERS: u8 = 4;
    const UNDERSCORE: u8 = 8;
    const QUOTE: u8 = 16;
    const BACKSLASH: u8 = 32;
    const LINE_FEED: u8 = 64;
    pub(super) const NAME: u8 = DIGIT | FIRST_LETTERS | LAST_LETTERS | UNDERSCORE;
    pub(super) const STOP: u8 = QUOTE | BACKSLASH | LINE_FEED;

    /// The classes of bytes by their higher half: letters start at 0x41 and 0x61 and end at 0x5A and 0x7A.
    pub(super) static HIGH: [u8; CHUNK] = repeat({
        let mut classes = [0; 16];
        classes[0x0] = LINE_FEED;
        classes[0x2] = QUOTE;
        classes[0x3] = DIGIT;
        classes[0x4] = FIRST_LETTERS;
        classes[0x5] = LAST_LETTERS | UNDERSCORE | BACKSLASH;
        classes[0x6] = FIRST_LETTERS;
        classes[0x7] = LAST_LETTERS;
        classes
    });

    /// The classes of bytes by their lower half.
    pub(super) static LOW: [u8; CHUNK] = repeat({
        let mut classes = [0; 16];
        let mut low = 0x0;
        while low <= 0xF {
            if low <= 0x9 {
                classes[low] |= DIGIT;
            }
            if low >= 0x1 {
                classes[low] |= FIRST_LETTERS;
            }
            if low <= 0xA {
                classes[low] |= LAST_LETTERS;
            }
            low += 1;
        }
        classes[0x2] |= QUOTE;
        classes[0xA] |= LINE_FEED;
        classes[0xC] |= BACKSLASH;
        classes[0xF] |= UNDERSCORE;
        classes
    });

    /// A table for each sixteen bytes of a chunk.
    const fn repeat(table: [u8; 16]) -> [u8; CHUNK] {
        let mut tables = [0; CHUNK];
        let mut n = 0;
        while n < CHUNK {
            tables[n] = table[n % 16];
            n += 1;
        }
        tables
    }
}
