//! A piece of text of a size that the compiler knows.

/// A place in a window. Each value of the type is inside, so that no place is checked.
pub(super) type Place = u16;

/// So many bytes can be read from each place on.
const ROOM: usize = 64;

/// The size of a window.
pub(super) const WINDOW: usize = (1 << 16) + ROOM;

/// A view of a text, or of a copy of its end.
#[derive(Clone, Copy)]
pub(super) struct Window<'w>(pub(super) &'w [u8; WINDOW]);

impl<'w> Window<'w> {
    /// Returns the bytes from a place on.
    #[inline(always)]
    pub(super) fn from(self, at: Place) -> &'w [u8] {
        &self.0[usize::from(at)..]
    }

    /// Returns the bytes between two places; none if the second is before the first.
    #[inline(always)]
    pub(super) fn between(self, start: Place, end: Place) -> &'w [u8] {
        self.0
            .get(usize::from(start)..usize::from(end))
            .unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn byte(self, at: Place) -> u8 {
        self.0[usize::from(at)]
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
        let at = usize::from(at);
        *self.0[at..at + COUNT]
            .first_chunk()
            .expect("a window has room after each place")
    }
}
