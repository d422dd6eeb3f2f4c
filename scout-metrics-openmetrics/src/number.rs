//! The only place where numbers are read and written.

use std::fmt::{self, Write};

/// A moment, in nanoseconds since the Unix epoch; it may be negative.
///
/// Prometheus text counts milliseconds, OpenMetrics seconds with a fraction. Both are kept exactly, down to the
/// nanosecond; what OpenMetrics gives beyond that is cut.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i128);

impl Timestamp {
    const NANOS_PER_MILLI: i128 = 1_000_000;
    const NANOS_PER_SECOND: i128 = 1_000_000_000;

    /// Creates a timestamp from milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis as i128 * Self::NANOS_PER_MILLI)
    }

    /// Creates a timestamp from nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i128) -> Self {
        Self(nanos)
    }

    /// Returns milliseconds since the epoch, or `None` if that is not a whole number or too large.
    pub fn to_millis(self) -> Option<i64> {
        if self.0 % Self::NANOS_PER_MILLI != 0 {
            return None;
        }
        (self.0 / Self::NANOS_PER_MILLI).try_into().ok()
    }

    /// Returns nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i128 {
        self.0
    }

    /// Returns the nearest number of seconds since the epoch.
    pub fn to_seconds(self) -> f64 {
        self.0 as f64 / Self::NANOS_PER_SECOND as f64
    }
}

/// Writes seconds with as many decimals as there are, as OpenMetrics does: `1520879607.789`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let (seconds, fraction) = (
            nanos / Self::NANOS_PER_SECOND as u128,
            nanos % Self::NANOS_PER_SECOND as u128,
        );
        if fraction == 0 {
            return write!(f, "{sign}{seconds}");
        }
        let zeros = (1..9)
            .take_while(|digits| fraction % 10u128.pow(*digits) == 0)
            .count();
        let (fraction, digits) = (fraction / 10u128.pow(zeros as u32), 9 - zeros);
        write!(f, "{sign}{seconds}.{fraction:0digits$}")
    }
}

/// Why a text is no number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NumberFault {
    /// It does not follow the grammar.
    Malformed,
    /// It is larger than what can be kept.
    Range,
}

/// A decimal number at the start of a text: `mantissa * 10^exponent`.
///
/// OpenMetrics: `realnumber`, an optional sign, digits with an optional point among or beside them, and an optional
/// exponent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    is_negative: bool,
    mantissa: u64,
    exponent: i32,
    /// Whether the mantissa holds all digits.
    is_exact: bool,
    /// How long it is.
    pub(crate) length: usize,
}

impl Decimal {
    /// Reads the number that a text starts with; what comes behind it is not looked at.
    #[inline]
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        /// The most digits that always fit 64 bits.
        const MOST_DIGITS: usize = 19;
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
            is_exact: whole + fraction <= MOST_DIGITS && i64::from(exponent as i32) == exponent,
            length,
        })
    }

    /// Returns the nearest float where one multiplication or division gives it (Clinger 1990), as it does for nearly
    /// all numbers that are not written with more digits than they have.
    #[inline]
    pub(crate) fn to_float(self) -> Option<f64> {
        const POWERS: [f64; 23] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
            1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
        ];
        if !self.is_exact || self.mantissa > 1 << 53 {
            return None;
        }
        let power = *POWERS.get(self.exponent.unsigned_abs() as usize)?;
        let mantissa = self.mantissa as f64;
        let value = if self.exponent < 0 {
            mantissa / power
        } else {
            mantissa * power
        };
        Some(if self.is_negative { -value } else { value })
    }

    /// Returns the number times `10^power`, cut to a whole number, where it is short enough.
    #[inline]
    pub(crate) fn to_scaled(self, power: i32) -> Option<i128> {
        const LARGEST: i32 = 18;
        let power = power + self.exponent;
        if !self.is_exact || !(-LARGEST..=LARGEST).contains(&power) {
            return None;
        }
        let factor = 10i128.pow(power.unsigned_abs());
        let mantissa = i128::from(self.mantissa);
        let value = if power < 0 {
            mantissa / factor
        } else {
            mantissa * factor
        };
        Some(if self.is_negative { -value } else { value })
    }

    /// Returns the timestamp in seconds, where it is short enough.
    #[inline]
    pub(crate) fn to_seconds(self) -> Option<Timestamp> {
        self.to_scaled(9).map(Timestamp)
    }
}

/// Appends the digits that a text starts with to a number, and returns how many there are.
#[inline]
fn push_digits(number: &mut u64, text: &[u8]) -> usize {
    let mut length = 0;
    while let Some(eight) = text[length..].first_chunk().and_then(eight_digits) {
        *number = number.wrapping_mul(100_000_000).wrapping_add(eight);
        length += 8;
    }
    while let Some(digit) = text
        .get(length)
        .map(|byte| byte.wrapping_sub(b'0'))
        .filter(|digit| *digit <= 9)
    {
        *number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        length += 1;
    }
    length
}

/// Reads eight digits at once, if there are eight.
#[inline]
fn eight_digits(text: &[u8; 8]) -> Option<u64> {
    const HIGH: u64 = 0xF0F0_F0F0_F0F0_F0F0;
    let bytes = u64::from_le_bytes(*text);
    // A byte is a digit if its upper half is 3, and stays so when 6 is added.
    if bytes & HIGH != ZEROS || bytes.wrapping_add(0x0606_0606_0606_0606) & HIGH != ZEROS {
        return None;
    }
    Some(join_digits(bytes ^ ZEROS))
}

/// Eight times the digit zero.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Puts eight digits together, one in each byte, the first in the lowest: pairs, then fours, then all.
#[inline]
fn join_digits(digits: u64) -> u64 {
    let pairs = (digits * 10 + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    (fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF
}

/// Reads sign and digits behind an `e`, and returns them with their length. What is too large to matter is cut.
fn read_exponent(text: &[u8]) -> Option<(i64, usize)> {
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

/// Reads a sample's value.
///
/// OpenMetrics: `number = realnumber / [SIGN] ("inf" / "infinity") / "nan"`, case-insensitive. Prometheus text says
/// "as Go's ParseFloat", which takes the same and also hexadecimal and underscores; its own parser takes neither.
pub(crate) fn parse_value(text: &str) -> Result<f64, NumberFault> {
    if let Some(decimal) =
        Decimal::read(text.as_bytes()).filter(|decimal| decimal.length == text.len())
    {
        return decimal.to_float().map_or_else(|| parse_long(text), Ok);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is = |word: &str| unsigned.eq_ignore_ascii_case(word);
    if is("inf") || is("infinity") {
        return Ok(if text.starts_with('-') {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        });
    }
    if is("nan") && unsigned.len() == text.len() {
        return Ok(f64::NAN);
    }
    Err(NumberFault::Malformed)
}

/// Reads a number of any length whose grammar is known to be good.
pub(crate) fn parse_long(text: &str) -> Result<f64, NumberFault> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(NumberFault::Range),
        Err(_) => Err(NumberFault::Malformed),
    }
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((sign @ (b'+' | b'-'), rest)) => (*sign == b'-', rest),
        _ => (false, text),
    }
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at(length)
}

/// Reads OpenMetrics' timestamp, `realnumber`, in seconds. Digits beyond the nanosecond are cut.
pub(crate) fn parse_seconds(text: &str) -> Result<Timestamp, NumberFault> {
    parse_scaled(text.as_bytes(), 9)
}

/// Reads a timestamp in milliseconds that may have a fraction, which only the Python parser takes.
pub(crate) fn parse_float_millis(text: &str) -> Result<Timestamp, NumberFault> {
    parse_scaled(text.as_bytes(), 6)
}

/// Reads Prometheus text's timestamp: an `int64` of milliseconds.
pub(crate) fn parse_millis(text: &str) -> Result<Timestamp, NumberFault> {
    let digits = split_sign(text.as_bytes()).1;
    if digits.is_empty() || !split_digits(digits).1.is_empty() {
        return Err(NumberFault::Malformed);
    }
    text.parse()
        .map(Timestamp::from_millis)
        .map_err(|_| NumberFault::Range)
}

/// Reads a whole number of at most seven digits before a blank or a line feed, and returns it with its length.
///
/// Counts are short and of any length, so a loop over their digits is a branch that cannot be foreseen. Here the digits
/// are moved to the end of a word, with zeros before them, and read all at once.
#[inline]
pub(crate) fn read_small_integer(text: &[u8]) -> Option<(f64, usize)> {
    let digits = u64::from_le_bytes(*text.first_chunk()?) ^ ZEROS;
    // Sets the highest bit of the first byte that is no digit; what comes behind that is of no interest.
    let others = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080;
    let length = others.trailing_zeros() as usize / 8;
    let is_whole = matches!(text.get(length), Some(b'\n' | b' '));
    if length == 0 || !is_whole || length == size_of::<u64>() {
        return None;
    }
    let value = join_digits(digits << (64 - 8 * length));
    Some((value as f64, length))
}

/// Reads a decimal number times a power of ten, cut to a whole number of nanoseconds.
fn parse_scaled(text: &[u8], power: i32) -> Result<Timestamp, NumberFault> {
    let decimal = Decimal::read(text).filter(|decimal| decimal.length == text.len());
    let decimal = decimal.ok_or(NumberFault::Malformed)?;
    if let Some(nanos) = decimal.to_scaled(power) {
        return Ok(Timestamp(nanos));
    }
    let long = LongDecimal::new(text);
    let mut nanos: i128 = 0;
    let point = long.point + i64::from(power);
    for digit in long.digits_before(point) {
        nanos = nanos
            .checked_mul(10)
            .and_then(|nanos| nanos.checked_add(i128::from(digit)))
            .ok_or(NumberFault::Range)?;
    }
    Ok(Timestamp(if decimal.is_negative { -nanos } else { nanos }))
}

/// The digits of a number of any length whose grammar is known to be good.
struct LongDecimal<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    /// How many digits stand before the point once the exponent has moved it.
    point: i64,
}

impl<'a> LongDecimal<'a> {
    fn new(text: &'a [u8]) -> Self {
        let (whole, rest) = split_digits(split_sign(text).1);
        let (fraction, rest) = match rest.split_first() {
            Some((b'.', rest)) => split_digits(rest),
            _ => (&rest[..0], rest),
        };
        let exponent = rest
            .get(1..)
            .and_then(read_exponent)
            .map_or(0, |(exponent, _)| exponent);
        Self {
            whole,
            fraction,
            point: whole.len() as i64 + exponent,
        }
    }

    fn digits(&self) -> impl Iterator<Item = u8> + '_ {
        self.whole
            .iter()
            .chain(self.fraction)
            .map(|digit| digit - b'0')
    }

    /// Returns the digits before a point, from the first that is not zero, with zeros where there are no more.
    fn digits_before(&self, point: i64) -> impl Iterator<Item = u8> + '_ {
        let zeros = self.digits().take_while(|digit| *digit == 0).count();
        let is_zero = zeros == self.whole.len() + self.fraction.len();
        let count = if is_zero {
            0
        } else {
            (point - zeros as i64).max(0) as usize
        };
        self.digits()
            .skip(zeros)
            .chain(std::iter::repeat(0))
            .take(count)
    }
}

/// Reads a count: a whole number that is not negative, written in any way that a value may be (`5`, `5.0`, `5e3`).
///
/// Returns `None` for everything else, also for what only rounding would make whole: `0.99999999999999999`.
#[cfg(feature = "scout")]
pub(crate) fn parse_count(text: &str) -> Option<u64> {
    let text = text.as_bytes();
    let decimal = Decimal::read(text).filter(|decimal| decimal.length == text.len())?;
    if decimal.is_exact && decimal.exponent == 0 {
        return (!decimal.is_negative || decimal.mantissa == 0).then_some(decimal.mantissa);
    }
    let long = LongDecimal::new(text);
    let mut behind_point = long.digits().skip(long.point.max(0) as usize);
    let is_whole = match long.point {
        0.. => behind_point.all(|digit| digit == 0),
        _ => long.digits().all(|digit| digit == 0),
    };
    let count = long
        .digits_before(long.point)
        .try_fold(0u64, |count, digit| {
            count.checked_mul(10)?.checked_add(u64::from(digit))
        })?;
    (is_whole && (!decimal.is_negative || count == 0)).then_some(count)
}

/// Writes a value: whole numbers without a point, others with the fewest digits that read back as the same float.
pub(crate) fn write_value<W: Write>(out: &mut W, value: f64) -> fmt::Result {
    // Beyond 2^53 the digits of a whole number would say more than the float knows.
    const EXACT: f64 = (1u64 << 53) as f64;
    if value.fract() == 0.0 && value.abs() <= EXACT && !(value == 0.0 && value.is_sign_negative()) {
        out.write_str(itoa::Buffer::new().format(value as i64))
    } else if value.is_finite() {
        out.write_str(zmij::Buffer::new().format_finite(value))
    } else if value.is_nan() {
        out.write_str("NaN")
    } else {
        out.write_str(if value > 0.0 { "+Inf" } else { "-Inf" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_numbers_of_the_grammar() {
        for (text, value) in [
            ("0", 0.0),
            ("17.0", 17.0),
            ("5.", 5.0),
            (".5", 0.5),
            ("+1", 1.0),
            ("-1.5e-3", -0.0015),
            ("1E3", 1000.0),
            ("0000000000000000000000001.2e-1", 0.12),
            ("9223372036854775808", 9223372036854775808.0),
            ("+Inf", f64::INFINITY),
            ("-infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse_value(text), Ok(value), "{text}");
        }
        assert!(parse_value("nAn").unwrap().is_nan());
    }

    #[test]
    fn reads_the_nearest_float() {
        // Every text goes by one multiplication, or by the general way, and both agree with the standard library.
        let mut seed = 1u64;
        for _ in 0..20_000 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let digits = (seed >> 11) >> (seed % 50);
            let (exponent, shift) = ((seed >> 5) as i32 % 30, (seed >> 9) % 1000);
            for text in [
                format!("{digits}"),
                format!("{digits}e{exponent}"),
                format!("-{}.{shift:03}", digits % 100_000_007),
                format!("{:e}", digits as f64 * 1e-9),
            ] {
                assert_eq!(parse_value(&text), Ok(text.parse().unwrap()), "{text}");
            }
        }
    }

    #[test]
    fn reads_counts_at_the_end_of_a_line() {
        for (text, expected) in [
            ("0\nabcdef", Some((0.0, 1))),
            ("17\n5555555", Some((17.0, 2))),
            ("1234567\n", Some((1_234_567.0, 7))),
            ("12345678\n", None),
            ("\n1234567", None),
            ("12 \n1234", Some((12.0, 2))),
            ("12:\n1234", None),
            ("12/\n1234", None),
            ("1\u{e9}\n1234", None),
            ("1\n", None),
        ] {
            assert_eq!(read_small_integer(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn refuses_what_other_readers_take_for_numbers() {
        for text in [
            "", "+", ".", "1e", "1e+", "0x1", "0x1p-3", "1_2", "1 ", "1f", "+nan", "-nan", "infi",
            "1.2.3", "１２",
        ] {
            assert_eq!(parse_value(text), Err(NumberFault::Malformed), "{text:?}");
        }
        assert_eq!(parse_value("1e400"), Err(NumberFault::Range));
    }

    #[test]
    fn keeps_nanoseconds_and_cuts_what_is_beyond() {
        for (text, nanos) in [
            ("1520879607.789", 1_520_879_607_789_000_000),
            ("-0.5", -500_000_000),
            ("1.1234567899", 1_123_456_789),
            ("1.5e3", 1_500_000_000_000),
            ("15e-10", 1),
            ("0.0000000000", 0),
            ("0e999999999999", 0),
            ("000", 0),
            (
                "12345678901234567890.1234567890",
                12_345_678_901_234_567_890_123_456_789,
            ),
        ] {
            assert_eq!(parse_seconds(text), Ok(Timestamp(nanos)), "{text}");
        }
        assert_eq!(parse_seconds("1e99"), Err(NumberFault::Range));
        assert_eq!(parse_seconds("NaN"), Err(NumberFault::Malformed));
        assert_eq!(parse_millis("-39"), Ok(Timestamp::from_millis(-39)));
        assert_eq!(parse_millis("1.5"), Err(NumberFault::Malformed));
        assert_eq!(parse_millis("9223372036854775808"), Err(NumberFault::Range));
    }

    #[test]
    fn timestamps_read_back_what_they_display() {
        for nanos in [
            0,
            1,
            -1,
            1_520_879_607_789_000_000,
            -500_000_000,
            i128::from(i64::MAX),
        ] {
            let timestamp = Timestamp(nanos);
            assert_eq!(parse_seconds(&timestamp.to_string()), Ok(timestamp));
        }
    }

    #[cfg(feature = "scout")]
    #[test]
    fn counts_are_never_rounded() {
        for (text, count) in [
            ("5", Some(5)),
            ("5.0", Some(5)),
            ("5e3", Some(5000)),
            ("1.5e1", Some(15)),
            ("-0", Some(0)),
            ("9007199254740993", Some(9_007_199_254_740_993)),
            ("0.99999999999999999999", None),
            ("5.00000000000000000001", None),
            ("-1", None),
            ("NaN", None),
            ("Inf", None),
            ("1e300", None),
            ("0e300", Some(0)),
            ("", None),
            (".", None),
        ] {
            assert_eq!(parse_count(text), count, "{text}");
        }
    }

    #[test]
    fn values_read_back_what_was_written() {
        for value in [
            0.0,
            -0.0,
            1.0,
            -17.5,
            1e300,
            5e-324,
            9007199254740993.0,
            f64::MAX,
            0.1,
        ] {
            let mut text = String::new();
            write_value(&mut text, value).unwrap();
            assert_eq!(
                parse_value(&text).unwrap().to_bits(),
                value.to_bits(),
                "{text}"
            );
        }
    }
}
