//! The thresholds of the composite value before.
//!
//! Nearly all histograms of a family have the same thresholds, and all summaries the same quantiles, written alike. To find
//! that a threshold is the one before takes a tenth of the time that reading it takes.

use std::fmt;

/// So many thresholds are remembered.
const MOST: usize = 256;

/// The first thresholds of a value, up to one that is long.
#[derive(Clone, Default)]
pub(super) struct KnownThresholds(Vec<KnownThreshold>);

#[derive(Clone, Copy)]
struct KnownThreshold {
    /// The text, with the colon after it.
    first: u128,
    /// The bytes of `first` that belong to it.
    mask: u128,
    length: usize,
    value: f64,
}

impl KnownThresholds {
    /// Returns the value of the threshold that a text starts with, and the length of its text with the colon, if it is the
    /// known one at a place.
    #[inline(always)]
    pub(super) fn find(&self, place: usize, text: &[u8]) -> Option<(f64, usize)> {
        let known = self.0.get(place)?;
        let first = u128::from_le_bytes(*text.first_chunk()?);
        ((first ^ known.first) & known.mask == 0).then_some((known.value, known.length))
    }

    /// Remembers a threshold that a text starts with, whose length includes the colon.
    pub(super) fn learn(&mut self, place: usize, text: &[u8], length: usize, value: f64) {
        let Some(bits) = u128::BITS.checked_sub(8 * length as u32) else {
            self.0.truncate(place);
            return;
        };
        let Some(first) = text.first_chunk() else {
            return;
        };
        let known = KnownThreshold {
            first: u128::from_le_bytes(*first),
            mask: u128::MAX >> bits,
            length,
            value,
        };
        let count = self.0.len();
        match self.0.get_mut(place) {
            Some(before) => *before = known,
            None if place == count && place < MOST => self.0.push(known),
            None => {}
        }
    }
}

impl fmt::Debug for KnownThresholds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownThresholds").finish_non_exhaustive()
    }
}
