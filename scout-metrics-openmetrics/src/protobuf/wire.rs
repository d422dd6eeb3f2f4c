//! The wire format of protocol buffers: fields with numbers, in the [encoding] that their documentation describes.
//!
//! [encoding]: https://protobuf.dev/programming-guides/encoding/

use crate::{Rule, error::Fault};

pub(super) type Result<T> = std::result::Result<T, Box<Fault>>;

/// A message, or what is left of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    /// The place in the exposition of what follows the message.
    end: usize,
}

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    value: Value<'a>,
    /// The place in the exposition of what follows the number.
    at: usize,
}

#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Length(Message<'a>),
    Fixed32,
}

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

impl<'a> Message<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let end = bytes.len();
        Self { bytes, end }
    }

    /// Returns the place of the first byte in the exposition.
    #[inline]
    pub(super) fn at(self) -> usize {
        self.end - self.bytes.len()
    }

    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the next field, or `None` at the end.
    #[inline]
    pub(super) fn next_field(&mut self) -> Result<Option<Field<'a>>> {
        match self.bytes.is_empty() {
            true => Ok(None),
            false => self.field().map(Some),
        }
    }

    fn field(&mut self) -> Result<Field<'a>> {
        let key_at = self.at();
        let key = self.next_varint()?;
        let at = self.at();
        let value = match key & 7 {
            LENGTH => Value::Length(self.next_delimited()?),
            FIXED64 => Value::Fixed64(u64::from_le_bytes(self.next_array()?)),
            VARINT => Value::Varint(self.next_varint()?),
            FIXED32 => {
                self.next_array::<4>()?;
                Value::Fixed32
            }
            kind => {
                let message = format!("expected a field, found the unknown wire type {kind}");
                return Err(Fault::new(Rule::ProtobufMessage, key_at, message));
            }
        };
        match u32::try_from(key >> 3) {
            Ok(number @ 1..) => Ok(Field { number, value, at }),
            _ => Err(malformed(
                key_at,
                "expected a field, found one numbered 0 or beyond 32 bits",
            )),
        }
    }

    /// Removes the labels at the start that are written as nearly all are: as a short message with a short name and then a short
    /// value.
    ///
    /// Their keys and lengths are ASCII, so they are checked to be UTF-8 all at once. Where that fails, none is removed.
    #[inline]
    pub(super) fn short_labels(
        &mut self,
        mut push: impl FnMut(&'a str, &'a str) -> Result<()>,
    ) -> Result<()> {
        let Some(mut text) = self.start_of_short_messages() else {
            return Ok(());
        };
        while let Some((name, value, rest)) = split_label(text) {
            push(name, value)?;
            self.bytes = &self.bytes[text.len() - rest.len()..];
            text = rest;
        }
        Ok(())
    }

    /// Returns the fields 1 at the start that are shorter than 128 bytes, if they are UTF-8.
    #[inline]
    fn start_of_short_messages(self) -> Option<&'a str> {
        let mut rest = self.bytes;
        while let [0x0A, length @ ..0x80, after @ ..] = rest {
            rest = after.get(usize::from(*length)..)?;
        }
        let length = self.bytes.len() - rest.len();
        std::str::from_utf8(&self.bytes[..length]).ok()
    }

    /// Returns the double of the field 1 of a message in a field, if there is nothing else.
    #[inline]
    pub(super) fn double_in(self, field: u32) -> Option<f64> {
        let [key, 9, 0x09, double @ ..] = self.bytes else {
            return None;
        };
        let double = double.try_into().ok()?;
        (u32::from(*key) == field << 3 | 2).then_some(f64::from_le_bytes(double))
    }

    /// Removes a field with a message shorter than 128 bytes at the start, if it is there.
    #[inline(always)]
    pub(super) fn short_message(&mut self, field: u32) -> Option<Self> {
        let [key, length @ ..0x80, rest @ ..] = self.bytes else {
            return None;
        };
        if u32::from(*key) != field << 3 | LENGTH as u32 {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(usize::from(*length))?;
        self.bytes = rest;
        let end = self.at();
        Some(Self { bytes, end })
    }

    /// Removes a field with a whole number at the start, if it is there.
    #[inline(always)]
    pub(super) fn integer(&mut self, field: u32) -> Option<u64> {
        let mut after = self.after_key(field << 3 | VARINT as u32)?;
        let integer = after.next_varint().ok()?;
        *self = after;
        Some(integer)
    }

    /// Removes a field with a double at the start, if it is there.
    #[inline(always)]
    pub(super) fn double(&mut self, field: u32) -> Option<f64> {
        let mut after = self.after_key(field << 3 | FIXED64 as u32)?;
        let double = after.next_double().ok()?;
        *self = after;
        Some(double)
    }

    #[inline(always)]
    fn after_key(self, expected: u32) -> Option<Self> {
        match self.bytes {
            [key, rest @ ..] if u32::from(*key) == expected => Some(Self {
                bytes: rest,
                ..self
            }),
            _ => None,
        }
    }

    /// Returns the bytes as text.
    fn text(self, name: &str) -> Result<&'a str> {
        match std::str::from_utf8(self.bytes) {
            Ok(text) => Ok(text),
            Err(error) => Err(self.not_utf8(name, error.valid_up_to())),
        }
    }

    #[cold]
    fn not_utf8(self, name: &str, place: usize) -> Box<Fault> {
        let byte = self.bytes[place];
        let message = format!("expected UTF-8 in `{name}`, found the byte 0x{byte:02X}");
        Fault::new(Rule::Utf8, self.at() + place, message)
    }

    /// Returns the message that follows its length.
    #[inline]
    pub(super) fn next_delimited(&mut self) -> Result<Self> {
        let at = self.at();
        let length = self.next_varint()?;
        let length = usize::try_from(length).ok();
        let Some((bytes, rest)) = length.and_then(|length| self.bytes.split_at_checked(length))
        else {
            return Err(incomplete(at));
        };
        self.bytes = rest;
        let end = self.at();
        Ok(Self { bytes, end })
    }

    /// Returns the next number of a packed field.
    #[inline(always)]
    pub(super) fn next_varint(&mut self) -> Result<u64> {
        if let [byte @ ..0x80, rest @ ..] = self.bytes {
            self.bytes = rest;
            return Ok(u64::from(*byte));
        }
        let Some((number, length)) = varint_of_eight(self.eight_bytes()) else {
            let (number, rest) = self.next_long_varint()?;
            *self = rest;
            return Ok(number);
        };
        self.bytes = &self.bytes[length..];
        Ok(number)
    }

    /// Returns the eight bytes at the start as a word. Where there are fewer, bytes follow in which no number ends.
    #[inline]
    fn eight_bytes(self) -> u64 {
        match self.bytes.first_chunk() {
            Some(bytes) => u64::from_le_bytes(*bytes),
            // In a register: what is written byte by byte can only be loaded as a word after a wait.
            None => self
                .bytes
                .iter()
                .rev()
                .fold(u64::MAX, |word, byte| word << 8 | u64::from(*byte)),
        }
    }

    #[cold]
    fn next_long_varint(self) -> Result<(u64, Self)> {
        let mut value = 0;
        for (index, byte) in self.bytes.iter().enumerate() {
            // The tenth byte holds the last bit of 64.
            if index == 9 && *byte > 1 {
                return Err(malformed(self.at(), "expected a number of at most 64 bits"));
            }
            value |= u64::from(byte & 0x7F) << (7 * index);
            if *byte < 0x80 {
                let bytes = &self.bytes[index + 1..];
                return Ok((value, Self { bytes, ..self }));
            }
        }
        Err(incomplete(self.at()))
    }

    /// Returns the next floating-point number of a packed field.
    #[inline]
    pub(super) fn next_double(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(self.next_array()?))
    }

    #[inline]
    fn next_array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((bytes, rest)) = self.bytes.split_first_chunk() else {
            return Err(incomplete(self.at()));
        };
        self.bytes = rest;
        Ok(*bytes)
    }
}

impl<'a> Field<'a> {
    /// Returns the field as a message inside of the message.
    #[inline]
    pub(super) fn message(self, name: &str) -> Result<Message<'a>> {
        match self.value {
            Value::Length(message) => Ok(message),
            _ => Err(self.unexpected(name, "a message")),
        }
    }

    /// Returns the field as text.
    #[inline]
    pub(super) fn text(self, name: &str) -> Result<&'a str> {
        match self.value {
            Value::Length(message) => message.text(name),
            _ => Err(self.unexpected(name, "text")),
        }
    }

    /// Returns the field as a floating-point number.
    #[inline]
    pub(super) fn double(self, name: &str) -> Result<f64> {
        match self.value {
            Value::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(self.unexpected(name, "a double")),
        }
    }

    /// Returns the field as a whole number of the type `uint64` or, with its bits, `int64`.
    #[inline]
    pub(super) fn integer(self, name: &str) -> Result<u64> {
        match self.value {
            Value::Varint(number) => Ok(number),
            _ => Err(self.unexpected(name, "a whole number")),
        }
    }

    /// Returns the field as a whole number of the type `sint32`.
    pub(super) fn signed(self, name: &str) -> Result<i32> {
        let number = zigzag(self.integer(name)?);
        let fits = i32::try_from(number);
        fits.map_err(|_| self.unexpected(name, "a whole number of 32 bits"))
    }

    /// Adds the numbers of a repeated field, which may be packed into one.
    pub(super) fn each<T>(
        self,
        name: &str,
        numbers: &mut Vec<T>,
        packed: impl Fn(&mut Message<'a>) -> Result<T>,
        single: impl Fn(Self) -> Result<T>,
    ) -> Result<()> {
        match self.value {
            Value::Length(mut message) => {
                while !message.is_empty() {
                    numbers.push(packed(&mut message)?);
                }
            }
            Value::Varint(_) | Value::Fixed64(_) => numbers.push(single(self)?),
            Value::Fixed32 => return Err(self.unexpected(name, "numbers of 64 bits")),
        }
        Ok(())
    }

    #[cold]
    fn unexpected(self, name: &str, expected: &str) -> Box<Fault> {
        let found = match self.value {
            Value::Varint(_) => "a whole number",
            Value::Fixed64(_) => "a number of 64 bits",
            Value::Length(_) => "a message or text",
            Value::Fixed32 => "a number of 32 bits",
        };
        let message = format!("expected {expected} in the field `{name}`, found {found}");
        Fault::new(Rule::ProtobufMessage, self.at, message)
    }
}

/// Returns the number at the start of eight bytes, and how many of them it has, if it ends in them.
#[inline]
fn varint_of_eight(word: u64) -> Option<(u64, usize)> {
    const LAST: u64 = 0x8080_8080_8080_8080;
    // The last byte is the first one whose upper bit is not set.
    let ends = !word & LAST;
    if ends == 0 {
        return None;
    }
    let length = ends.trailing_zeros() as usize / 8 + 1;
    // Pieces of 7 bits are moved together, then those of 14 and of 28.
    let word = word & !LAST & (ends ^ (ends - 1));
    let word = word & 0x007F_007F_007F_007F | (word & 0x7F00_7F00_7F00_7F00) >> 1;
    let word = word & 0x0000_3FFF_0000_3FFF | (word & 0x3FFF_0000_3FFF_0000) >> 2;
    let word = word & 0x0000_0000_0FFF_FFFF | (word & 0x0FFF_FFFF_0000_0000) >> 4;
    Some((word, length))
}

/// Returns the name and the value of the short label at the start of a text, and the text after it.
#[inline]
fn split_label(text: &str) -> Option<(&str, &str, &str)> {
    let [0x0A, length, 0x0A, name_length, ..] = *text.as_bytes() else {
        return None;
    };
    let end = 2 + usize::from(length);
    let name_end = 4 + usize::from(name_length);
    let [0x12, value_length] = *text.as_bytes().get(name_end..name_end + 2)? else {
        return None;
    };
    let value_at = name_end + 2;
    if value_at + usize::from(value_length) != end {
        return None;
    }
    Some((
        text.get(4..name_end)?,
        text.get(value_at..end)?,
        text.get(end..)?,
    ))
}

/// Returns the number of which a positive one has twice its value and a negative one lies between.
pub(super) const fn zigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cold]
fn malformed(at: usize, message: &'static str) -> Box<Fault> {
    Fault::new(Rule::ProtobufMessage, at, message)
}

#[cold]
fn incomplete(at: usize) -> Box<Fault> {
    let message = "expected more bytes, found the end of the message or of the exposition";
    Fault::incomplete(Rule::ProtobufMessage, at, message)
}
