//! Checks of names and label values, many bytes at once.

use fearless_simd::{Level, dispatch, prelude::*, u8x16};

const LANES: usize = 16;

/// A bit for each of sixteen bytes.
type Bits = u32;
const ALL: Bits = 0xffff;

/// Returns which bytes may end a label value.
#[inline]
fn value_ends(bytes: &[u8; LANES]) -> Bits {
    // With what each processor of the target has: to choose takes longer than to compare so few bytes.
    dispatch!(Level::baseline(), simd => {
        let lanes = u8x16::from_slice(simd, bytes);
        let is = |byte: u8| lanes.simd_eq(u8x16::splat(simd, byte));
        (is(b'"') | is(b'\\') | is(b'\n')).to_bitmask() as Bits
    })
}

/// Returns whether a text has to be escaped as a label value: whether there is a quote, a backslash or a line feed in it.
#[inline]
pub(crate) fn needs_escapes(text: &str) -> bool {
    let is_end = |byte: u8| matches!(byte, b'"' | b'\\' | b'\n');
    !all(
        text.as_bytes(),
        |byte| !is_end(byte),
        |bytes| value_ends(bytes) == 0,
    )
}

/// Returns whether something is true of all bytes, asked of one byte or of sixteen at once.
///
/// Nearly all names and values are shorter than a general search is made for. So that no byte of a rest stands alone,
/// the last bytes are asked about again together with those before them.
#[inline]
fn all(
    bytes: &[u8],
    of_one: impl Fn(u8) -> bool,
    of_sixteen: impl Fn(&[u8; LANES]) -> bool,
) -> bool {
    const HALF: usize = LANES / 2;
    if let Some(last) = bytes.last_chunk() {
        let mut steps = bytes.chunks_exact(LANES).filter_map(<[u8]>::first_chunk);
        return steps.all(&of_sixteen) && of_sixteen(last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<HALF>(), bytes.last_chunk::<HALF>()) {
        let mut both = [0; LANES];
        both[..HALF].copy_from_slice(first);
        both[HALF..].copy_from_slice(last);
        return of_sixteen(&both);
    }
    bytes.iter().all(|byte| of_one(*byte))
}

/// The kind of a name: names of metrics may contain colons.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NameOf {
    Label,
    Metric,
}

impl NameOf {
    /// Returns whether a byte is allowed in a name. The first byte must also not be a digit.
    #[inline]
    pub(crate) fn has(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':' && self == Self::Metric
    }

    /// Returns whether a text is a name that needs no quotes.
    #[inline]
    pub(crate) fn is(self, text: &str) -> bool {
        let first = text.bytes().next();
        first.is_some_and(|first| !first.is_ascii_digit()) && self.has_all(text.as_bytes())
    }

    /// Returns whether all bytes are allowed in a name.
    #[inline]
    pub(crate) fn has_all(self, bytes: &[u8]) -> bool {
        all(
            bytes,
            |byte| self.has(byte),
            |bytes| self.parts(bytes) == ALL,
        )
    }

    /// Returns the number of bytes at the start of a text that are allowed in a name.
    #[inline]
    pub(crate) fn length(self, bytes: &[u8]) -> usize {
        let mut length = 0;
        while let Some(lanes) = bytes[length..].first_chunk() {
            let parts = self.parts(lanes);
            if parts != ALL {
                return length + parts.trailing_ones() as usize;
            }
            length += LANES;
        }
        let rest = bytes[length..].iter().take_while(|byte| self.has(**byte));
        length + rest.count()
    }

    /// Returns which bytes are allowed in a name.
    #[inline]
    fn parts(self, bytes: &[u8; LANES]) -> Bits {
        // The colon comes after the nine.
        let last = if self == Self::Metric { b':' } else { b'9' };
        dispatch!(Level::baseline(), simd => {
            let lanes = u8x16::from_slice(simd, bytes);
            let splat = |byte| u8x16::splat(simd, byte);
            // A byte below the first wraps around to one above the last.
            let is_in = |lanes: u8x16<_>, first: u8, last: u8| {
                (lanes - splat(first)).simd_le(splat(last - first))
            };
            let letters = is_in(lanes | splat(0x20), b'a', b'z');
            let others = is_in(lanes, b'0', last) | lanes.simd_eq(splat(b'_'));
            (letters | others).to_bitmask() as Bits
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_byte_is_enough_to_need_escapes(text in "[a-z\u{e9}]{0,70}", end in "[\"\\\\\n]?", more in "[a-z]{0,40}") {
            prop_assert_eq!(needs_escapes(&format!("{text}{end}{more}")), !end.is_empty());
        }

        #[test]
        fn names_are_as_long_as_byte_for_byte(name in "[a-zA-Z0-9_:]{0,70}", rest in any::<Vec<u8>>()) {
            let text = [name.as_bytes(), &rest].concat();
            for of in [NameOf::Label, NameOf::Metric] {
                let length = text.iter().take_while(|byte| of.has(**byte)).count();
                prop_assert_eq!(of.length(&text), length);
                prop_assert_eq!(of.has_all(&text), length == text.len());
                prop_assert!(of.has_all(&text[..length]));
            }
        }
    }

    #[test]
    fn no_other_byte_stands_in_a_name() {
        for byte in 0..=u8::MAX {
            for of in [NameOf::Label, NameOf::Metric] {
                assert_eq!(
                    of.length(&[byte; LANES]),
                    LANES * usize::from(of.has(byte)),
                    "{byte}"
                );
            }
        }
    }
}
