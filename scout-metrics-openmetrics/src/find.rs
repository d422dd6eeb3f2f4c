//! Where a label value ends, looked for at many bytes at once.

use memchr::memchr3;
use wide::{CmpEq, i8x32};

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
        let ends = value_ends(lanes.first_chunk()?);
        if ends != 0 {
            return Some(at + step * LANES + ends.trailing_zeros() as usize);
        }
    }
    memchr3(b'"', b'\\', b'\n', rest).map(|length| at + length)
}

/// Returns a bit for each byte that may end a label value.
#[inline]
fn value_ends(bytes: &[u8; LANES]) -> u32 {
    let lanes = i8x32::from(bytes.map(|byte| byte as i8));
    let is = |byte: u8| lanes.cmp_eq(i8x32::splat(byte as i8));
    (is(b'"') | is(b'\\') | is(b'\n')).move_mask() as u32
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
    }
}
