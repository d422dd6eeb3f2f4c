//! Short decimal numbers, read at once.
//!
//! In a list of numbers neither the lengths nor the places of the points can be predicted, so no branch depends on them
//! here: the digits are found and moved to fixed places by masks.

use super::decimal::{POWERS, join_digits};

/// A number that a text starts with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Short {
    pub(crate) value: f64,
    pub(crate) length: usize,
}

/// Reads the number of at most fifteen bytes that a text starts with: digits, with or without a point among them. `None` if
/// it is not one, goes on with an exponent, or is close to the end of the text.
#[inline(always)]
pub(crate) fn read_short(text: &[u8]) -> Option<Short> {
    let word = u128::from_le_bytes(*text.first_chunk()?);
    let digits = word ^ u128::from_le_bytes([b'0'; 16]);
    let others = non_digits(digits);
    let first = first_byte(others);
    let has_point = word.checked_shr(first)? as u8 == b'.';
    let others = if has_point {
        others & (others - 1)
    } else {
        others
    };
    let end = first_byte(others);
    let next = word.checked_shr(end)? as u8;
    let point = u8::BITS * u32::from(has_point);
    if end == point || next | 0x20 == b'e' {
        return None;
    }
    // The digits before the point are moved over it, and then all to the end of the word.
    let whole = digits & !(u128::MAX << first);
    let fraction = digits & (u128::MAX << first << point);
    let digits = (whole << point | fraction) << (u128::BITS - end);
    let mantissa = join_digits(digits as u64) * 100_000_000 + join_digits((digits >> 64) as u64);
    let fraction = (end - first - point) / u8::BITS;
    // Both are exact floats, see `Decimal::to_float`.
    let value = mantissa as f64 / POWERS[fraction as usize % 16];
    let length = (end / u8::BITS) as usize;
    Some(Short { value, length })
}

/// Returns the highest bit of each byte that is no digit, of bytes less `0`, up to the first one that is not ASCII.
#[inline(always)]
fn non_digits(digits: u128) -> u128 {
    (digits.wrapping_add(u128::from_le_bytes([0x76; 16])) | digits)
        & u128::from_le_bytes([0x80; 16])
}

/// Returns the place of the lowest bit of the first byte in which there is a bit.
#[inline(always)]
fn first_byte(bits: u128) -> u32 {
    bits.trailing_zeros() & !7
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::number::decimal::Decimal;

    /// Reads the same number with code that has no bound on its length.
    fn read_any(text: &[u8]) -> Option<(u64, usize)> {
        let decimal = Decimal::read(text)?;
        let number = &text[..decimal.length];
        let is_short = number.len() < 16
            && number.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.'))
            && text[number.len()] | 0x20 != b'e';
        is_short.then_some((decimal.to_float()?.to_bits(), number.len()))
    }

    proptest! {
        #[test]
        fn reads_all_short_numbers_and_no_others(
            number in "[0-9]{0,8}[.]?[0-9]{0,8}",
            rest in "[-+.:,eE0-9é\u{80}]{0,4}",
        ) {
            let text = format!("{number}{rest}:::::::::::::::::");
            let short = read_short(text.as_bytes());
            let short = short.map(|short| (short.value.to_bits(), short.length));
            prop_assert_eq!(short, read_any(text.as_bytes()), "{}", text);
        }
    }

    #[test]
    fn reads_nothing_at_the_end_of_the_text() {
        let read = |text: &[u8]| read_short(text).map(|short| short.length);
        assert_eq!(read(b"12.5,0123456789"), None);
        assert_eq!(read(b"12.5,0123456789]"), Some(4));
        assert_eq!(read(b"012345678901234,"), Some(15));
        assert_eq!(read(b"0123456789012345"), None);
    }
}
