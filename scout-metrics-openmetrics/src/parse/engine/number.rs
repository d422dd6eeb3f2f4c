//! Numbers at a place in a window, where they are short.
//!
//! For the next person: nothing here decides what a number is. What is not read here, be it longer, a word, or no number,
//! is cut off as a token and goes to the functions of `crate::number`, as it does in the grammar. What is read here has
//! its digits moved to fixed places by masks, because neither their number nor the place of the point can be predicted.

use super::{
    index::Index,
    window::{Place, Window},
};
use crate::{
    Timestamp,
    number::{
        self,
        decimal::{Decimal, join_digits, non_digits},
    },
    parse::parts::NumberKind,
};

/// A value, and where it ends.
#[derive(Clone, Copy)]
pub(super) struct Value {
    pub(super) value: f64,
    pub(super) kind: NumberKind,
    pub(super) end: Place,
}

/// Reads a value before a blank or a line feed.
#[inline(always)]
pub(super) fn read_value(window: Window<'_>, index: &Index, at: Place) -> Option<Value> {
    let others = index.others(at);
    let end = at.wrapping_add(others.trailing_zeros() as Place);
    if is_token_end(window.byte(end))
        && let Some(count) = read_eight_digits(window, at, end)
    {
        // As 32 bits, because all processors turn these into floats at once.
        let value = f64::from(count as u32);
        let kind = NumberKind::Count;
        return Some(Value { value, kind, end });
    }
    if let Some((decimal, end)) = read_decimal(window, index, at)
        && is_token_end(window.byte(end))
        && let Some(value) = decimal.to_float()
    {
        let kind = NumberKind::Other;
        return Some(Value { value, kind, end });
    }
    read_other_value(window, at)
}

#[cold]
#[inline(never)]
fn read_other_value(window: Window<'_>, at: Place) -> Option<Value> {
    if window.byte(at) == b'{' {
        // A composite value may be long.
        return None;
    }
    let (token, end) = token(window, at)?;
    let value = number::parse_value(token).ok()?;
    let kind = NumberKind::Other;
    Some(Value { value, kind, end })
}

/// Reads seconds before a blank or a line feed, and returns them with their end.
#[inline(always)]
pub(super) fn read_seconds(
    window: Window<'_>,
    index: &Index,
    at: Place,
) -> Option<(Timestamp, Place)> {
    const NANO: i32 = 9;
    if let Some((decimal, end)) = read_decimal(window, index, at)
        && is_token_end(window.byte(end))
        && let Some(timestamp) = decimal.to_scaled(NANO).and_then(Timestamp::from_nanos)
    {
        return Some((timestamp, end));
    }
    let (token, end) = token(window, at)?;
    Some((number::parse_seconds(token).ok()?, end))
}

/// Reads milliseconds before a line feed, and returns them with their end.
#[inline(always)]
pub(super) fn read_millis(
    window: Window<'_>,
    index: &Index,
    at: Place,
) -> Option<(Timestamp, Place)> {
    let length = index.name_length(at);
    let end = at.wrapping_add(length);
    if (1..=SIXTEEN).contains(&length)
        && end > SIXTEEN
        && window.byte(end) == b'\n'
        && let Some(millis) = read_sixteen_digits(window, end, SIXTEEN, length)
    {
        return Some((Timestamp::from_millis(millis as i64), end));
    }
    let (token, end) = token(window, at)?;
    Some((number::parse_millis(token).ok()?, end))
}

/// Returns where a number ends that is short and plain, so that each function of `crate::number` reads it: at most 24
/// digits with or without a point among them, after a minus or none, before a blank or a line feed.
#[inline(always)]
pub(super) fn plain_number_end(window: Window<'_>, index: &Index, at: Place) -> Option<Place> {
    /// Letters and the underscore have this bit; digits, the point and the minus do not.
    const LETTER: u8 = 0x40;
    let start = at.wrapping_add(Place::from(window.byte(at) == b'-'));
    let others = index.others(start);
    let place = |others: u64| start.wrapping_add(others.trailing_zeros() as Place);
    let has_point = window.byte(place(others)) == b'.';
    let others = if has_point {
        others & others.wrapping_sub(1)
    } else {
        others
    };
    let end = place(others);
    let length = end.wrapping_sub(start);
    let is_number = (1 + Place::from(has_point)..=MOST).contains(&length);
    if !is_number || !is_token_end(window.byte(end)) {
        return None;
    }
    // All bytes but the point are letters, digits or underscores.
    let after_first = LAST_BYTES[(SIXTEEN - length.min(SIXTEEN)) as usize];
    let first = window.sixteen(start) & !after_first;
    let last = window.eight(end.wrapping_sub(EIGHT)) as u128;
    let has_letter = |bytes: u128| bytes & u128::from_le_bytes([LETTER; 16]) != 0;
    (!has_letter(first) && (length <= SIXTEEN || !has_letter(last))).then_some(end)
}

/// Returns the bytes up to the next blank or line feed, and where they end.
fn token(window: Window<'_>, at: Place) -> Option<(&str, Place)> {
    let length = window
        .from(at)
        .iter()
        .position(|byte| is_token_end(*byte))?;
    let end = at.wrapping_add(length as Place);
    let token = std::str::from_utf8(window.between(at, end)).ok()?;
    Some((token, end))
}

#[inline(always)]
fn is_token_end(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n')
}

const EIGHT: Place = 8;
const SIXTEEN: Place = 16;
/// The most digits that are read here.
const MOST: Place = 24;

/// Reads a whole number of one to eight digits: most values are such numbers.
#[inline(always)]
fn read_eight_digits(window: Window<'_>, at: Place, end: Place) -> Option<u64> {
    let length = end.wrapping_sub(at);
    if !(1..=EIGHT).contains(&length) {
        return None;
    }
    // The first digit is moved to where the first of eight digits would be, with zeros before it.
    let digits = (window.eight(at) ^ ZEROS) << (8 * (EIGHT - length));
    (non_digits(digits) == 0).then(|| join_digits(digits))
}

const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// Reads at most 24 digits with or without a point among them, after a minus or none, and an exponent with a sign or none.
/// Returns where it ends, whatever comes there.
#[inline(always)]
fn read_decimal(window: Window<'_>, index: &Index, at: Place) -> Option<(Decimal, Place)> {
    let is_negative = window.byte(at) == b'-';
    let start = at.wrapping_add(Place::from(is_negative));
    let others = index.others(start);
    let place = |others: u64| start.wrapping_add(others.trailing_zeros() as Place);
    let first_other = place(others);
    let has_point = window.byte(first_other) == b'.';
    let mut others = if has_point {
        others & others.wrapping_sub(1)
    } else {
        others
    };
    let mut end = place(others);
    let mut digits_end = end;
    let mut exponent = 0;
    let sign = window.byte(end);
    if matches!(sign, b'+' | b'-') {
        // The `e` before the sign is part of a name, and so of no interest to the index.
        digits_end = end.wrapping_sub(1);
        others &= others.wrapping_sub(1);
        let first = end.wrapping_add(1);
        end = place(others);
        exponent = read_exponent(window, first, end)?;
        if sign == b'-' {
            exponent = -exponent;
        }
        if window.byte(digits_end) | 0x20 != b'e' {
            return None;
        }
    }
    let count = digits_end
        .wrapping_sub(start)
        .wrapping_sub(Place::from(has_point));
    if !(1..=MOST).contains(&count) || digits_end <= MOST {
        return None;
    }
    let fraction = if has_point {
        digits_end.wrapping_sub(first_other).wrapping_sub(1)
    } else {
        0
    };
    // Without a point, all digits are where those after a point would be.
    let after_point = if has_point { fraction } else { MOST };
    let mantissa = if count <= SIXTEEN {
        read_sixteen_digits(window, digits_end, after_point.min(SIXTEEN), count)?
    } else {
        read_more_digits(window, digits_end, after_point, count)?
    };
    let decimal = Decimal {
        is_negative,
        mantissa,
        exponent: exponent - fraction as i32,
        is_exact: true,
        length: end.wrapping_sub(at) as usize,
    };
    Some((decimal, end))
}

/// Reads one to four digits.
#[inline(always)]
fn read_exponent(window: Window<'_>, at: Place, end: Place) -> Option<i32> {
    let is_short = (1..=4).contains(&end.wrapping_sub(at));
    let exponent = read_eight_digits(window, at, end).filter(|_| is_short)?;
    Some(exponent as i32)
}

/// Reads at most sixteen digits that end at `end`, the last `after_point` of them after a point.
#[inline(always)]
fn read_sixteen_digits(
    window: Window<'_>,
    end: Place,
    after_point: Place,
    count: Place,
) -> Option<u64> {
    let last = |count: Place| LAST_BYTES[(count) as usize % LAST_BYTES.len()];
    // The digits before the point are read from one byte before, which moves them over the point.
    let fraction = window.sixteen(end - SIXTEEN) & last(after_point);
    let whole = window.sixteen(end - SIXTEEN - 1) & !last(after_point);
    let digits = ((fraction | whole) ^ u128::from_le_bytes([b'0'; 16])) & last(count);
    let (high, low) = (digits as u64, (digits >> 64) as u64);
    (non_digits(high) | non_digits(low) == 0)
        .then(|| join_digits(high) * 100_000_000 + join_digits(low))
}

/// Reads seventeen to twenty-four digits, of which at most nineteen come after leading zeros.
#[inline(never)]
fn read_more_digits(
    window: Window<'_>,
    end: Place,
    after_point: Place,
    count: Place,
) -> Option<u64> {
    let rest = read_sixteen_digits(window, end, after_point.min(SIXTEEN), SIXTEEN)?;
    let last = |count: Place| (LAST_BYTES[(count) as usize % LAST_BYTES.len()] >> 64) as u64;
    let after_point = last(after_point.saturating_sub(SIXTEEN));
    let fraction = window.eight(end - MOST) & after_point;
    let whole = window.eight(end - MOST - 1) & !after_point;
    let digits = ((fraction | whole) ^ ZEROS) & last(count - SIXTEEN);
    let first = join_digits(digits);
    // Nineteen digits always fit.
    (non_digits(digits) == 0 && first < 1_000).then(|| first * 10_000_000_000_000_000 + rest)
}

/// Masks for the last bytes of sixteen, by their number. (A constant would be copied each time, a static is not.)
static LAST_BYTES: [u128; 32] = {
    let mut masks = [u128::MAX; 32];
    masks[0] = 0;
    let mut count = 1;
    while count < 16 {
        masks[count] = !(u128::MAX >> (8 * count));
        count += 1;
    }
    masks
};
