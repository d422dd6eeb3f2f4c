//! The wire format of protocol buffers: fields with numbers, in the [encoding] that their documentation describes.
//!
//! [encoding]: https://protobuf.dev/programming-guides/encoding/

use crate::{Rule, error::Fault};

pub(super) type Result<T> = std::result::Result<T, Box<Fault>>;

/// A message, or what is left of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Message<'a> {
    bytes: &'a [u8],
    /// The place of the first byte in the exposition.
    at: usize,
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
        Self { bytes, at: 0 }
    }

    /// Returns the place of the first byte in the exposition.
    pub(super) fn at(self) -> usize {
        self.at
    }

    pub(super) fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the next field, or `None` at the end.
    #[inline]
    pub(super) fn next_field(&mut self) -> Result<Option<Field<'a>>> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let key_at = self.at;
        let key = self.next_varint()?;
        let at = self.at;
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
            Ok(number @ 1..) => Ok(Some(Field { number, value, at })),
            _ => Err(malformed(
                key_at,
                "expected a field, found one numbered 0 or beyond 32 bits",
            )),
        }
    }

    /// Returns the texts of the fields 1 and 2 if there are no others and both are short, as in nearly every label.
    #[inline]
    pub(super) fn two_short_texts(self) -> Option<(Self, Self)> {
        let [0x0A, length @ ..0x80, rest @ ..] = self.bytes else {
            return None;
        };
        let (first, rest) = rest.split_at_checked(usize::from(*length))?;
        let [0x12, length @ ..0x80, second @ ..] = rest else {
            return None;
        };
        let at = self.at + 2;
        let first = Self { bytes: first, at };
        let at = at + first.bytes.len() + 2;
        (second.len() == usize::from(*length)).then_some((first, Self { bytes: second, at }))
    }

    /// Returns a whole number of the field 1 and a double of the field 2 if there are no others, as in nearly every bucket.
    #[inline]
    pub(super) fn integer_and_double(mut self) -> Option<(u64, f64)> {
        let [0x08, rest @ ..] = self.bytes else {
            return None;
        };
        self.bytes = rest;
        let integer = self.next_varint().ok()?;
        let [0x11, rest @ ..] = self.bytes else {
            return None;
        };
        let double = rest.try_into().ok()?;
        Some((integer, f64::from_le_bytes(double)))
    }

    /// Returns the bytes as text. They need not be checked if they are those of a text that was.
    #[inline]
    pub(super) fn text(self, name: &str, known: &'a str) -> Result<&'a str> {
        if self.bytes == known.as_bytes() {
            return Ok(known);
        }
        match std::str::from_utf8(self.bytes) {
            Ok(text) => Ok(text),
            Err(error) => Err(self.not_utf8(name, error.valid_up_to())),
        }
    }

    #[cold]
    fn not_utf8(self, name: &str, place: usize) -> Box<Fault> {
        let byte = self.bytes[place];
        let message = format!("expected UTF-8 in `{name}`, found the byte 0x{byte:02X}");
        Fault::new(Rule::Utf8, self.at + place, message)
    }

    /// Returns the message that follows its length.
    #[inline]
    pub(super) fn next_delimited(&mut self) -> Result<Self> {
        let at = self.at;
        let length = self.next_varint()?;
        let length = usize::try_from(length).ok();
        let Some((bytes, rest)) = length.and_then(|length| self.bytes.split_at_checked(length))
        else {
            return Err(incomplete(at));
        };
        let message = Self { bytes, at: self.at };
        self.at += bytes.len();
        self.bytes = rest;
        Ok(message)
    }

    /// Returns the next number of a packed field.
    #[inline]
    pub(super) fn next_varint(&mut self) -> Result<u64> {
        match self.bytes {
            [byte @ ..0x80, rest @ ..] => {
                self.at += 1;
                self.bytes = rest;
                Ok(u64::from(*byte))
            }
            _ => self.next_long_varint(),
        }
    }

    fn next_long_varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for (index, byte) in self.bytes.iter().enumerate() {
            // The tenth byte holds the last bit of 64.
            if index == 9 && *byte > 1 {
                return Err(malformed(self.at, "expected a number of at most 64 bits"));
            }
            value |= u64::from(byte & 0x7F) << (7 * index);
            if *byte < 0x80 {
                self.at += index + 1;
                self.bytes = &self.bytes[index + 1..];
                return Ok(value);
            }
        }
        Err(incomplete(self.at))
    }

    /// Returns the next floating-point number of a packed field.
    pub(super) fn next_double(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(self.next_array()?))
    }

    #[inline]
    fn next_array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((bytes, rest)) = self.bytes.split_first_chunk() else {
            return Err(incomplete(self.at));
        };
        self.at += N;
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
            Value::Length(message) => message.text(name, ""),
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
