//! The only place where numbers are read and written.

pub(crate) mod decimal;
mod go;
mod powers;
pub(crate) mod short;
mod timestamp;

use std::fmt::{self, Write};

pub(crate) use self::go::parse_go;
pub use self::timestamp::Timestamp;

use self::decimal::{Decimal, read_exponent, split_digits, split_sign};

/// Why a text is not a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NumberFault {
    /// It does not follow the grammar.
    Malformed,
    /// It is larger than what can be kept.
    Range,
}

/// Reads a sample's value.
///
/// OpenMetrics: `number = realnumber / [SIGN] ("inf" / "infinity") / "nan"`, case-insensitive. Prometheus text says
/// "as Go's ParseFloat", which accepts the same and also hexadecimal and underscores; its own parser accepts neither.
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

/// Reads OpenMetrics' timestamp, `realnumber`, in seconds. Digits beyond the nanosecond are cut.
pub(crate) fn parse_seconds(text: &str) -> Result<Timestamp, NumberFault> {
    parse_scaled(text.as_bytes(), 9)
}

/// Reads a timestamp in milliseconds that may have a fraction, which only the Python parser accepts.
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

/// Reads digits, which must be there and fit 64 bits.
pub(crate) fn parse_digits(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })
}

/// Reads a decimal number times a power of ten, cut to a whole number of nanoseconds.
fn parse_scaled(text: &[u8], power: i32) -> Result<Timestamp, NumberFault> {
    let decimal = Decimal::read(text).filter(|decimal| decimal.length == text.len());
    let decimal = decimal.ok_or(NumberFault::Malformed)?;
    if let Some(nanos) = decimal.to_scaled(power) {
        return Timestamp::from_nanos(nanos).ok_or(NumberFault::Range);
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
    let nanos = if decimal.is_negative { -nanos } else { nanos };
    Timestamp::from_nanos(nanos).ok_or(NumberFault::Range)
}

/// The digits of a number of any length whose grammar is known to be good.
struct LongDecimal<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    /// The number of digits before the point once the exponent has moved it.
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

/// Writes a number as OpenMetrics recommends for the labels `le` and `quantile` (section "Canonical Numbers"): as Go's `%g` does, with a
/// point in whole numbers, so `1.0`, `0.0001`, `1e-05` and `1e+06`.
pub(crate) fn write_canonical(out: &mut String, value: f64) {
    if !value.is_finite() {
        // A string accepts everything.
        let _ = write_value(out, value);
        return;
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        out.push_str(&format!("{value:?}"));
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        out.push_str(&format!("{digits}e{sign}{:02}", exponent.abs()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_labels_are_canonical() {
        let canonical = |value| {
            let mut out = String::new();
            write_canonical(&mut out, value);
            out
        };
        // Most are examples of OpenMetrics 1.0, section "Canonical Numbers".
        for text in [
            "1e-10",
            "1e-09",
            "1e-05",
            "0.0001",
            "0.001",
            "0.005",
            "0.1",
            "1.0",
            "2.5",
            "10.0",
            "100.0",
            "1000.0",
            "10000.0",
            "100000.0",
            "1e+06",
            "1e+10",
            "+Inf",
            "-Inf",
            "0.0",
            "-0.5",
            "1.23456789e+08",
            "123456.789",
            "5e-324",
            "1e+100",
            "100001.0",
        ] {
            let value = parse_value(text).unwrap();
            assert_eq!(canonical(value), text);
        }
    }

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
            let timestamp = Timestamp::from_nanos(nanos).unwrap();
            assert_eq!(parse_seconds(text), Ok(timestamp), "{text}");
        }
        for text in ["1e29", "-1e29", "1e99"] {
            assert_eq!(parse_seconds(text), Err(NumberFault::Range), "{text}");
        }
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
            let timestamp = Timestamp::from_nanos(nanos).unwrap();
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
