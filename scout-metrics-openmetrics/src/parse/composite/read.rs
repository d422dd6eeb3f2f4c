//! Reads composite values as the ABNF of OpenMetrics 2.0 has them.
//!
//! For the next person: this accepts the grammar to the letter and never says what is wrong. A value that it refuses is read
//! again by `grammar/composite.rs`, which forgives and explains. Here only well-formed values have to be quick.

use super::parts::{CompositeKind, CompositeParts, SideParts};
use crate::number::{
    self,
    decimal::{Decimal, join_digits, non_digits},
    short::read_short,
};

/// Reads the composite value that a text starts with, and returns its length. What comes after the value is not looked at.
/// `None` leaves the numbers in disorder, but never with a kind.
pub(in crate::parse) fn read_composite(text: &[u8], parts: &mut CompositeParts) -> Option<usize> {
    parts.kind = None;
    let (kind, reader) = Reader { rest: text }.value(parts)?;
    parts.kind = Some(kind);
    Some(text.len() - reader.rest.len())
}

/// The text that was not read yet.
///
/// A function that is called gets it as a value and returns it, so that it stays in registers. Through a reference, the place
/// of each number would be written and loaded.
#[derive(Clone, Copy)]
struct Reader<'t> {
    rest: &'t [u8],
}

impl Reader<'_> {
    fn value(mut self, parts: &mut CompositeParts) -> Option<(CompositeKind, Self)> {
        parts.clear();
        let is_gauge = self.skips(b"{gcount:");
        if !is_gauge {
            self.skip(b"{count:")?;
        }
        parts.count = self.number()?;
        self.skip(if is_gauge { b",gsum:" } else { b",sum:" })?;
        parts.sum = self.number()?;
        if !is_gauge && self.skips(b",quantile:[") {
            self = self.quantiles(parts)?;
            self.skip(b"}")?;
            return Some((CompositeKind::Summary, self));
        }
        if self.skips(b",schema:") {
            self = self.native_buckets(parts)?;
        }
        if self.skips(b",bucket:[") {
            self = self.classic_buckets(parts)?;
        } else if !parts.has_native {
            return None;
        }
        self.skip(b"}")?;
        let kind = if is_gauge {
            CompositeKind::GaugeHistogram
        } else {
            CompositeKind::Histogram
        };
        Some((kind, self))
    }

    /// `[ ch-le-counts "," ] ch-pos-inf-bucket "]"`
    fn classic_buckets(mut self, parts: &mut CompositeParts) -> Option<Self> {
        if self.skips(b"-Inf:") {
            parts.pairs.push((f64::NEG_INFINITY, self.number()?));
            self.skip(b",")?;
        }
        loop {
            let threshold = match self.known_threshold(parts) {
                Some(threshold) => threshold,
                None if self.skips(b"+Inf:") => break,
                None => self.new_threshold(parts)?,
            };
            let (count, goes_on) = self.item()?;
            parts.pairs.push((threshold, count));
            if !goes_on {
                return None;
            }
        }
        parts.pairs.push((f64::INFINITY, self.number()?));
        self.skip(b"]")?;
        Some(self)
    }

    /// `[ cs-q-counts ] "]"`
    fn quantiles(mut self, parts: &mut CompositeParts) -> Option<Self> {
        if self.skips(b"]") {
            return Some(self);
        }
        loop {
            let rank = match self.known_threshold(parts) {
                Some(rank) => rank,
                None => self.new_threshold(parts)?,
            };
            let (value, goes_on) = self.item()?;
            parts.pairs.push((rank, value));
            if !goes_on {
                return Some(self);
            }
        }
    }

    /// Reads the threshold or the rank of the next pair, and the colon after it, if they are those of the value before.
    #[inline(always)]
    fn known_threshold(&mut self, parts: &CompositeParts) -> Option<f64> {
        let (value, length) = parts.known.find(parts.pairs.len(), self.rest)?;
        self.rest = &self.rest[length..];
        Some(value)
    }

    /// Reads the threshold or the rank of the next pair, and the colon after it, and remembers them.
    #[inline(always)]
    fn new_threshold(&mut self, parts: &mut CompositeParts) -> Option<f64> {
        let text = self.rest;
        let value = self.real()?;
        self.skip(b":")?;
        let length = text.len() - self.rest.len();
        parts.known.learn(parts.pairs.len(), text, length, value);
        Some(value)
    }

    /// Reads the native buckets, from after `schema:` on.
    fn native_buckets(mut self, parts: &mut CompositeParts) -> Option<Self> {
        parts.has_native = true;
        parts.schema = self.integer()?;
        self.skip(b",zero_threshold:")?;
        parts.zero_threshold = self.real()?;
        self.skip(b",zero_count:")?;
        parts.zero_count = self.number()?;
        if self.skips(b",negative_spans:[") {
            self = self.spans(&mut parts.negative)?;
            self.skip(b",negative_buckets:[")?;
            self = self.counts(&mut parts.negative)?;
        }
        if self.skips(b",positive_spans:[") {
            self = self.spans(&mut parts.positive)?;
            self.skip(b",positive_buckets:[")?;
            self = self.counts(&mut parts.positive)?;
        }
        Some(self)
    }

    /// `[nh-spans] "]"`
    fn spans(mut self, side: &mut SideParts) -> Option<Self> {
        if self.skips(b"]") {
            return Some(self);
        }
        let mut offset = self.integer()?;
        loop {
            self.skip(b":")?;
            side.spans.push((offset, self.non_negative()?));
            if !self.goes_on()? {
                return Some(self);
            }
            offset = i64::try_from(self.non_negative()?).ok()?;
        }
    }

    /// `[nh-buckets] "]"`
    fn counts(mut self, side: &mut SideParts) -> Option<Self> {
        if self.skips(b"]") {
            return Some(self);
        }
        loop {
            let (count, goes_on) = self.item()?;
            side.counts.push(count);
            if !goes_on {
                return Some(self);
            }
        }
    }

    /// Skips the comma or the bracket after an item of a list, and returns whether another item follows.
    #[inline(always)]
    fn goes_on(&mut self) -> Option<bool> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        match byte {
            b',' => Some(true),
            b']' => Some(false),
            _ => None,
        }
    }

    #[inline(always)]
    fn skip(&mut self, token: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    #[inline(always)]
    fn skips(&mut self, token: &[u8]) -> bool {
        self.skip(token).is_some()
    }

    #[inline(always)]
    fn number(&mut self) -> Option<f64> {
        self.short_or(Self::other_number)
    }

    #[inline(always)]
    fn real(&mut self) -> Option<f64> {
        self.short_or(Self::decimal)
    }

    #[inline(always)]
    fn short_or(&mut self, other: impl FnOnce(Self) -> Option<(f64, Self)>) -> Option<f64> {
        if let Some(short) = read_short(self.rest) {
            self.rest = &self.rest[short.length..];
            return Some(short.value);
        }
        let (value, rest) = other(*self)?;
        *self = rest;
        Some(value)
    }

    /// Reads a number and the comma or the bracket after it, and returns whether a comma was there. Most items of lists are
    /// short whole numbers before commas.
    #[inline(always)]
    fn item(&mut self) -> Option<(f64, bool)> {
        if let Some((digits, b',', length)) = self.first_digits() {
            self.rest = &self.rest[length + 1..];
            return Some((f64::from(digits), true));
        }
        Some((self.number()?, self.goes_on()?))
    }

    /// Returns the number that one to seven digits are, the byte after them, and their length.
    #[inline(always)]
    fn first_digits(&self) -> Option<(u32, u8, usize)> {
        const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
        let word = u64::from_le_bytes(*self.rest.first_chunk()?);
        let digits = word ^ ZEROS;
        let bits = non_digits(digits).trailing_zeros() & !7;
        if !(8..64).contains(&bits) {
            return None;
        }
        let number = join_digits(digits << (64 - bits)) as u32;
        Some((number, (word >> bits) as u8, bits as usize / 8))
    }

    #[inline(never)]
    fn decimal(self) -> Option<(f64, Self)> {
        let decimal = Decimal::read(self.rest)?;
        let (text, rest) = self.rest.split_at(decimal.length);
        let long = || number::parse_long(std::str::from_utf8(text).ok()?).ok();
        let value = decimal.to_float().or_else(long)?;
        Some((value, Self { rest }))
    }

    #[inline(never)]
    fn other_number(self) -> Option<(f64, Self)> {
        if let Some(read) = self.decimal() {
            return Some(read);
        }
        let signs = usize::from(matches!(self.rest.first(), Some(b'+' | b'-')));
        let letters = self.rest[signs..].iter();
        let letters = letters
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let (word, rest) = self.rest.split_at(signs + letters);
        let value = number::parse_value(std::str::from_utf8(word).ok()?).ok()?;
        Some((value, Self { rest }))
    }

    #[inline(always)]
    fn integer(&mut self) -> Option<i64> {
        if !self.skips(b"-") {
            return i64::try_from(self.non_negative()?).ok();
        }
        let digits = self.digits()?;
        0i64.checked_sub_unsigned(digits)
    }

    #[inline(always)]
    fn non_negative(&mut self) -> Option<u64> {
        self.skips(b"+");
        self.digits()
    }

    #[inline(always)]
    fn digits(&mut self) -> Option<u64> {
        let (digits, rest) = number::decimal::split_digits(self.rest);
        self.rest = rest;
        number::parse_digits(digits)
    }
}
