//! Decimal numbers: their digits read eight at a time, and the float or the whole number that they mean.

use super::powers;

/// A decimal number at the start of a text: `mantissa * 10^exponent`.
///
/// OpenMetrics: `realnumber`, an optional sign, digits with an optional point among or beside them, and an optional
/// exponent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    pub(crate) is_negative: bool,
    pub(crate) mantissa: u64,
    pub(crate) exponent: i32,
    /// Whether the mantissa holds all digits.
    pub(crate) is_exact: bool,
    /// How long it is.
    pub(crate) length: usize,
}

impl Decimal {
    /// Reads the number that a text starts with; what comes behind it is not looked at.
    #[inline]
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let start = usize::from(matches!(text.first(), Some(b'+' | b'-')));
        let mut mantissa = 0;
        let whole = push_digits(&mut mantissa, &text[start..]);
        let mut length = start + whole;
        let mut fraction = 0;
        if text.get(length) == Some(&b'.') {
            fraction = push_digits(&mut mantissa, &text[length + 1..]);
            length += 1 + fraction;
        }
        if whole + fraction == 0 {
            return None;
        }
        let digits = whole + fraction;
        let fits = digits <= MOST_DIGITS || digits - leading_zeros(&text[start..]) <= MOST_DIGITS;
        let mut exponent = -(fraction as i64);
        if let Some(b'e' | b'E') = text.get(length) {
            let (power, digits) = read_exponent(&text[length + 1..])?;
            exponent += power;
            length += 1 + digits;
        }
        Some(Self {
            is_negative: text[0] == b'-',
            mantissa,
            exponent: exponent as i32,
            is_exact: fits && i64::from(exponent as i32) == exponent,
            length,
        })
    }

    /// Returns the nearest float, where 64 bits hold the digits and 64 more the power of ten, as they do for nearly all
    /// numbers that are written.
    #[inline]
    pub(crate) fn to_float(self) -> Option<f64> {
        if !self.is_exact {
            return None;
        }
        let value = match self.to_float_at_once() {
            Some(value) => value,
            None => self.to_float_by_product()?,
        };
        Some(if self.is_negative { -value } else { value })
    }

    /// One multiplication or division of floats gives the nearest one if both are exact (Clinger 1990).
    #[inline]
    fn to_float_at_once(self) -> Option<f64> {
        if self.mantissa > EXACT {
            return None;
        }
        let power = *POWERS.get(self.exponent.unsigned_abs() as usize)?;
        let mantissa = self.mantissa as f64;
        Some(if self.exponent < 0 {
            mantissa / power
        } else {
            mantissa * power
        })
    }

    /// Multiplies the digits with 128 bits of a power of five and rounds the product (Eisel and Lemire 2021); 10^n is 5^n
    /// * 2^n, and a power of two changes no digit of a float. The names are those of the paper.
    ///
    /// Returns `None` if the product is so close to the middle of two floats that more bits of the power matter.
    fn to_float_by_product(self) -> Option<f64> {
        if self.mantissa == 0 {
            return Some(0.0);
        }
        let place = usize::try_from(self.exponent - powers::SMALLEST).ok()?;
        let five = *powers::POWERS_OF_FIVE.get(place)?;
        let zeros = self.mantissa.leading_zeros();
        let (upper, lower) = multiply(self.mantissa << zeros, five);
        let is_inexact = lower == u64::MAX && !(-27..=55).contains(&self.exponent);
        let highest = (upper >> 63) as u32;
        let shift = highest + 64 - f64::MANTISSA_DIGITS - 2;
        let mut mantissa = upper >> shift;
        let is_halfway = lower <= 1
            && (-4..=23).contains(&self.exponent)
            && mantissa & 3 == 1
            && mantissa << shift == upper;
        if is_halfway {
            mantissa &= !1;
        }
        mantissa = (mantissa + (mantissa & 1)) >> 1;
        let mut power = binary_exponent(self.exponent) + highest as i32 - zeros as i32;
        if mantissa > EXACT - 1 {
            mantissa >>= 1;
            power += 1;
        }
        // The exponents of the table are far from the ends of the range of floats.
        let bits = (mantissa & (EXACT / 2 - 1)) | (power as u64) << (f64::MANTISSA_DIGITS - 1);
        (!is_inexact).then_some(f64::from_bits(bits))
    }

    /// Returns the number times `10^power`, cut to a whole number, where it is short enough.
    #[inline]
    pub(crate) fn to_scaled(self, power: i32) -> Option<i128> {
        let power = power.saturating_add(self.exponent);
        let factor = *POWERS_OF_TEN.get(power.unsigned_abs() as usize)?;
        if !self.is_exact {
            return None;
        }
        let value = if power < 0 {
            u128::from(self.mantissa / factor)
        } else {
            u128::from(self.mantissa) * u128::from(factor)
        };
        // The product of two numbers of 64 bits with less than 10^19 each is below 2^127.
        Some(if self.is_negative {
            -(value as i128)
        } else {
            value as i128
        })
    }
}

/// The powers of ten that are exact floats.
pub(super) static POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Up to here, floats hold all whole numbers.
const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

/// The most digits that always fit 64 bits.
const MOST_DIGITS: usize = 19;

/// Up to the largest one that fits 64 bits.
static POWERS_OF_TEN: [u64; 20] = {
    let mut powers = [1; 20];
    let mut power = 1;
    while power < powers.len() {
        powers[power] = powers[power - 1] * 10;
        power += 1;
    }
    powers
};

/// Returns the highest 64 of the 192 bits of a product, and the next 64, in which the lowest bits of the power are only
/// counted where they can change the highest 64.
#[inline]
fn multiply(digits: u64, five: u128) -> (u64, u64) {
    const ENOUGH: u64 = u64::MAX >> (f64::MANTISSA_DIGITS + 2);
    let product = u128::from(digits) * (five >> 64);
    if (product >> 64) as u64 & ENOUGH != ENOUGH {
        return ((product >> 64) as u64, product as u64);
    }
    let lowest = (u128::from(digits) * u128::from(five as u64)) >> 64;
    let product = product + lowest;
    ((product >> 64) as u64, product as u64)
}

/// Returns the biased exponent of a float that is `10^exponent` times a number from 1 to 2.
fn binary_exponent(exponent: i32) -> i32 {
    const BIAS: i32 = 1023;
    // 217706 / 2^16 is the logarithm of 10 to the base of 2.
    ((exponent * 217_706) >> 16) + 63 + BIAS
}

/// Returns how many zeros a number starts with, before and behind its point.
#[cold]
fn leading_zeros(text: &[u8]) -> usize {
    let start = text.iter().take_while(|byte| matches!(byte, b'0' | b'.'));
    start.filter(|byte| **byte == b'0').count()
}

/// Appends the digits that a text starts with to a number, and returns how many there are.
#[inline]
fn push_digits(number: &mut u64, text: &[u8]) -> usize {
    let mut length = 0;
    while let Some(eight) = text[length..].first_chunk() {
        let (digits, count) = to_digits(*eight);
        if count < eight.len() {
            let value = join_first_digits(digits, count);
            *number = number
                .wrapping_mul(POWERS_OF_TEN[count])
                .wrapping_add(value);
            return length + count;
        }
        *number = number
            .wrapping_mul(100_000_000)
            .wrapping_add(join_digits(digits));
        length += count;
    }
    while let Some(digit @ b'0'..=b'9') = text.get(length) {
        let value = u64::from(digit - b'0');
        *number = number.wrapping_mul(10).wrapping_add(value);
        length += 1;
    }
    length
}

/// Returns the values of eight digits, the first in the lowest byte, and how many bytes are digits before another one
/// comes.
#[inline]
fn to_digits(bytes: [u8; 8]) -> (u64, usize) {
    let digits = u64::from_le_bytes(bytes) ^ u64::from_le_bytes([b'0'; 8]);
    (digits, non_digits(digits).trailing_zeros() as usize / 8)
}

/// Returns the highest bit of each byte that is no digit, of bytes less `0`, up to the first such byte. What comes behind
/// that is of no interest.
#[inline]
pub(crate) fn non_digits(digits: u64) -> u64 {
    (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080
}

/// Puts the first of eight digits together, fewer than eight.
///
/// Numbers are short and of any length, so a loop over their digits is a branch that cannot be foreseen. Here the digits
/// are moved to the end of the word, with zeros before them, and read all at once.
#[inline]
fn join_first_digits(digits: u64, count: usize) -> u64 {
    // Two steps, because a word cannot be moved by all its bits at once, as no digits have to be.
    join_digits(digits << 1 << (63 - 8 * count))
}

/// Puts eight digits together, one in each byte, the first in the lowest: pairs, then fours, then all.
#[inline]
pub(crate) fn join_digits(digits: u64) -> u64 {
    let pairs = (digits.wrapping_mul(10).wrapping_add(digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    (fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF
}

/// Reads sign and digits behind an `e`, and returns them with their length. What is too large to matter is cut.
pub(crate) fn read_exponent(text: &[u8]) -> Option<(i64, usize)> {
    const ENOUGH: i64 = 1_000_000;
    let (is_negative, digits) = split_sign(text);
    let length = split_digits(digits).0.len();
    if length == 0 {
        return None;
    }
    let value = digits[..length].iter().fold(0, |value, digit| {
        (value * 10 + i64::from(digit - b'0')).min(ENOUGH)
    });
    Some((
        if is_negative { -value } else { value },
        text.len() - digits.len() + length,
    ))
}

pub(crate) fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((sign @ (b'+' | b'-'), rest)) => (*sign == b'-', rest),
        _ => (false, text),
    }
}

pub(crate) fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a text that is a number from start to end.
    fn read(text: &str) -> Decimal {
        let decimal = Decimal::read(text.as_bytes()).unwrap();
        assert_eq!(decimal.length, text.len(), "{text}");
        decimal
    }

    /// Compares with the standard library, which rounds right.
    fn check_float(text: &str) -> std::result::Result<(), TestCaseError> {
        let expected: f64 = text.parse().unwrap();
        let found = read(text).to_float();
        prop_assert_eq!(
            found.map(f64::to_bits),
            Some(expected.to_bits()),
            "{}",
            text
        );
        Ok(())
    }

    proptest! {
        #[test]
        fn reads_the_nearest_float(digits in 0..10u64.pow(19), bits in 0..64, exponent in -55..=55) {
            check_float(&format!("{}e{exponent}", digits >> bits))?;
        }

        #[test]
        fn reads_the_digits_on_both_sides_of_a_point(whole in 0..10u64.pow(9), fraction in "[0-9]{0,10}") {
            check_float(&format!("-{whole}.{fraction}"))?;
            check_float(&format!("+0.000{fraction}{whole}"))?;
        }

        /// A number in the middle between two floats goes to the even one, its neighbours to the nearer one.
        #[test]
        fn rounds_what_is_halfway_to_even(float in 1u64 << 52..1 << 53, digits in 0..=3u32, rest in -1i64..=1) {
            let halfway = (2 * float + 1) * 5u64.pow(digits);
            check_float(&format!("{}e-{digits}", halfway.wrapping_add_signed(rest)))?;
        }

        #[test]
        fn cuts_what_is_scaled_to_a_whole_number(whole in 0..100_000i128, fraction in 0..1_000_000_000i128, more in "[0-9]{0,5}") {
            let text = format!("-{whole}.{fraction:09}{more}");
            prop_assert_eq!(read(&text).to_scaled(9), Some(-whole * 1_000_000_000 - fraction));
        }
    }

    #[test]
    fn leaves_to_others_what_does_not_fit() {
        for text in ["12345678901234567890", "1e56", "1e-56", "1e99999999999"] {
            assert_eq!(read(text).to_float(), None, "{text}");
        }
        assert_eq!(read("00000000000000000000.001").to_float(), Some(0.001));
    }
}
