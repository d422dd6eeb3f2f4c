//! Numbers that Go reads and no format has: with underscores between digits, and hexadecimal ones.

use super::{
    decimal::{split_digits, split_sign},
    parse_digits, parse_value,
};

/// Reads a number as Go's `ParseFloat`, which Prometheus reads composite values with. Returns `None` also for one that is
/// larger than a float.
pub(crate) fn parse_go(text: &str) -> Option<f64> {
    let plain = without_underscores(text)?;
    parse_value(&plain)
        .ok()
        .or_else(|| parse_hexadecimal(plain.as_bytes()))
}

/// Removes underscores, if each is between two digits or after `0x`.
fn without_underscores(text: &str) -> Option<String> {
    let (_, digits) = split_sign(text.as_bytes());
    let is_hexadecimal = digits.starts_with(b"0x") || digits.starts_with(b"0X");
    let is_digit = |byte: u8| byte.is_ascii_digit() || is_hexadecimal && byte.is_ascii_hexdigit();
    let prefix = text.len() - digits.len() + 2;
    let is_good = |at: usize| {
        let before = at.checked_sub(1).map(|before| text.as_bytes()[before]);
        let after = text.as_bytes().get(at + 1).copied();
        let follows = before.is_some_and(is_digit) || is_hexadecimal && at == prefix;
        follows && after.is_some_and(is_digit)
    };
    let mut underscores = text.match_indices('_').map(|(at, _)| at);
    underscores.all(is_good).then(|| text.replace('_', ""))
}

/// Reads `0x`, hexadecimal digits with or without a point, `p` and a power of two.
fn parse_hexadecimal(text: &[u8]) -> Option<f64> {
    let (is_negative, text) = split_sign(text);
    let text = text
        .strip_prefix(b"0x")
        .or_else(|| text.strip_prefix(b"0X"))?;
    let end = text.iter().position(|byte| byte | 0x20 == b'p')?;
    let (digits, power) = (&text[..end], &text[end + 1..]);
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &digits[..0]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa: u64 = 0;
    let mut exponent = read_power(power)?;
    for (n, byte) in whole.iter().chain(fraction).enumerate() {
        let digit = u64::from(char::from(*byte).to_digit(16)?);
        let is_whole = n < whole.len();
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
            exponent -= if is_whole { 0 } else { 4 };
        } else {
            // Only whether the digits are zero can matter now.
            mantissa |= u64::from(digit != 0);
            exponent += if is_whole { 4 } else { 0 };
        }
    }
    let value = scale(mantissa, exponent)?;
    Some(if is_negative { -value } else { value })
}

fn read_power(text: &[u8]) -> Option<i64> {
    const ENOUGH: u64 = 1 << 40;
    let (is_negative, text) = split_sign(text);
    let (digits, rest) = split_digits(text);
    if digits.is_empty() || !rest.is_empty() {
        return None;
    }
    let power = parse_digits(digits).unwrap_or(ENOUGH).min(ENOUGH) as i64;
    Some(if is_negative { -power } else { power })
}

/// Returns `mantissa * 2^exponent`, rounded to the nearest float, if it is not larger than all floats.
fn scale(mantissa: u64, exponent: i64) -> Option<f64> {
    if mantissa == 0 {
        return Some(0.0);
    }
    let zeros = mantissa.leading_zeros();
    let mantissa = mantissa << zeros;
    // The value is from 2^highest to twice that.
    let highest = exponent - i64::from(zeros) + 63;
    if highest >= i64::from(f64::MAX_EXP) {
        return None;
    }
    const SMALLEST: i64 = f64::MIN_EXP as i64 - f64::MANTISSA_DIGITS as i64;
    let kept = (highest - SMALLEST + 1).min(i64::from(f64::MANTISSA_DIGITS));
    let Ok(kept) = u32::try_from(kept) else {
        return Some(0.0);
    };
    let dropped = 64 - kept;
    let rest = u128::from(mantissa) & ((1 << dropped) - 1);
    let half = 1 << (dropped - 1);
    let digits = (u128::from(mantissa) >> dropped) as u64;
    let is_up = rest > half || rest == half && digits & 1 == 1;
    let digits = (digits + u64::from(is_up)) as f64;
    // Both products are exact: the first one is not below the normal numbers.
    let power = (highest - i64::from(kept) + 1) as i32;
    let value = digits * 2f64.powi(power / 2) * 2f64.powi(power - power / 2);
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, value) in [
            ("1_000", 1000.0),
            ("1_23.50_0_0e+1_2", 1.235e14),
            ("-0x1p3", -8.0),
            ("0X1.8P-1", 0.75),
            ("0x_1_0p0", 16.0),
            ("0x.8p1", 1.0),
            ("0x1p-1074", 5e-324),
            ("0x1p-1075", 0.0),
            ("0x1.8p-1075", 5e-324),
            ("0x3p-1075", 1e-323),
            ("0x1p-99999999999999999999", 0.0),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x1.fffffffffffff7p1023", f64::MAX),
            ("0x20000000000001p0", 9007199254740992.0),
            ("0x20000000000001.00000001p0", 9007199254740994.0),
            ("0x20000000000003p0", 9007199254740996.0),
            ("0x1.00000000000008p-1022", f64::MIN_POSITIVE),
            ("0x0.8p-1022", f64::MIN_POSITIVE / 2.0),
            ("0x0p0", 0.0),
            ("0x100000000000000000000p-80", 1.0),
        ] {
            assert_eq!(parse_go(text), Some(value), "{text}");
        }
        for text in [
            "",
            "_1",
            "1_",
            "1__0",
            "1_.5",
            "1._5",
            "1e_5",
            "0x1",
            "0x1p",
            "0xp1",
            "0x_p1",
            "0x1.fffffffffffff8p1023",
            "0x1p1024",
            "0b1",
            "1p3",
            "0x1p3.0",
            "x",
            "0x1__0p1",
        ] {
            assert_eq!(parse_go(text), None, "{text}");
        }
    }
}
