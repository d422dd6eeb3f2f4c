//! Where a label value or a name ends, looked for at many bytes at once.

use memchr::memchr3;
use wide::{CmpEq, u8x32};

const LANES: usize = 32;

/// Returns the first quote, backslash or line feed from `at` on.
///
/// Label values are short, so a call of a general search costs more than the search. Nearly all end within the first
/// bytes, which are compared at once and without a branch that depends on where.
#[inline]
pub(crate) fn find_value_end(bytes: &[u8], at: usize) -> Option<usize> {
    /// After so many bytes a general search is quicker.
    const FAR: usize = 4 * LANES;
    let rest = bytes.get(at..)?;
    for (step, lanes) in rest[..rest.len().min(FAR)].chunks_exact(LANES).enumerate() {
        let ends = value_ends(*lanes.first_chunk()?);
        if ends != 0 {
            return Some(at + step * LANES + ends.trailing_zeros() as usize);
        }
    }
    memchr3(b'"', b'\\', b'\n', rest).map(|length| at + length)
}

/// Returns a bit for each byte that may end a label value.
#[inline]
fn value_ends(bytes: [u8; LANES]) -> u32 {
    let lanes = u8x32::from(bytes);
    let is = |byte: u8| lanes.cmp_eq(u8x32::splat(byte));
    (is(b'"') | is(b'\\') | is(b'\n')).move_mask() as u32
}

/// What a name is of: names of metrics may have colons in them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NameOf {
    Label,
    Metric,
}

impl NameOf {
    /// Returns whether a byte may stand in a name; the first one may also be no digit.
    #[inline]
    pub(crate) fn has(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':' && self == Self::Metric
    }

    /// Returns how many bytes that may stand in a name a text starts with.
    pub(crate) fn length(self, bytes: &[u8]) -> usize {
        let mut length = 0;
        while let Some(lanes) = bytes[length..].first_chunk() {
            let others = !self.parts(*lanes);
            if others != 0 {
                return length + others.trailing_zeros() as usize;
            }
            length += LANES;
        }
        let rest = bytes[length..].iter().take_while(|byte| self.has(**byte));
        length + rest.count()
    }

    /// Returns a bit for each byte that may stand in a name.
    #[inline]
    fn parts(self, bytes: [u8; LANES]) -> u32 {
        let lanes = u8x32::from(bytes);
        // What is below the first wraps around and is above the last.
        let is_in = |lanes: u8x32, first: u8, last: u8| {
            let from_first = lanes - u8x32::splat(first);
            from_first.cmp_eq(from_first.min(u8x32::splat(last - first)))
        };
        let letters = is_in(lanes | u8x32::splat(0x20), b'a', b'z');
        // The colon comes behind the nine.
        let last = if self == Self::Metric { b':' } else { b'9' };
        let others = is_in(lanes, b'0', last) | lanes.cmp_eq(u8x32::splat(b'_'));
        (letters | others).move_mask() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_search_finds(text in "[a\u{e9}]{0,200}[\"\\\\\n]?[a\"\\\\\n]{0,40}", at in 0usize..230) {
            let found = text.as_bytes().get(at..).and_then(|rest| memchr3(b'"', b'\\', b'\n', rest));
            prop_assert_eq!(find_value_end(text.as_bytes(), at), found.map(|length| at + length));
        }

        #[test]
        fn names_are_as_long_as_byte_for_byte(name in "[a-zA-Z0-9_:]{0,70}", rest in any::<Vec<u8>>()) {
            let text = [name.as_bytes(), &rest].concat();
            for of in [NameOf::Label, NameOf::Metric] {
                let length = text.iter().take_while(|byte| of.has(**byte)).count();
                prop_assert_eq!(of.length(&text), length);
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
