//! A piece of text of a size that the compiler knows.

/// A place in a window. Only its lowest bits count, so that each value is inside and no place is checked.
pub(super) type Place = u32;

/// The number of places, and of bytes that are indexed at once. With 4 and with 16 KiB everything is a few percent slower.
pub(super) const BLOCK: usize = 1 << 13;

/// So many bytes can be read from each place on.
const ROOM: usize = 64;

/// The size of a window.
pub(super) const WINDOW: usize = BLOCK + ROOM;

/// Returns a place as an index.
#[inline(always)]
pub(super) fn inside(at: Place) -> usize {
    at as usize % BLOCK
}

/// A view of a text, or of a copy of its end.
#[derive(Clone, Copy)]
pub(super) struct Window<'w>(pub(super) &'w [u8; WINDOW]);

impl<'w> Window<'w> {
    /// Returns the bytes from a place on.
    #[inline(always)]
    pub(super) fn from(self, at: Place) -> &'w [u8] {
        &self.0[inside(at)..]
    }

    /// Returns the bytes between two places; none if the second is before the first.
    #[inline(always)]
    pub(super) fn between(self, start: Place, end: Place) -> &'w [u8] {
        self.0.get(start as usize..end as usize).unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn byte(self, at: Place) -> u8 {
        self.0[inside(at)]
    }

    #[inline(always)]
    pub(super) fn two(self, at: Place) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    #[inline(always)]
    pub(super) fn four(self, at: Place) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    #[inline(always)]
    pub(super) fn eight(self, at: Place) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    #[inline(always)]
    pub(super) fn sixteen(self, at: Place) -> u128 {
        u128::from_le_bytes(self.array(at))
    }

    #[inline(always)]
    fn array<const COUNT: usize>(self, at: Place) -> [u8; COUNT] {
        const { assert!(COUNT <= ROOM) };
        let at = inside(at);
        *self.0[at..at + COUNT]
            .first_chunk()
            .expect("a window has room after each place")
    }
}
