//! Fields, written.

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;

/// Writes a message inside of a message, after its length.
pub(super) fn put_message<E>(
    out: &mut Vec<u8>,
    field: u32,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    put_key(out, field, LENGTH);
    put_delimited(out, write)
}

/// Writes a message after its length.
pub(super) fn put_delimited<E>(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    // Most messages are short, so the length is given one byte, and a long message moves to make room for more.
    let start = out.len();
    out.push(0);
    write(out)?;
    let length = (out.len() - start - 1) as u64;
    let mut prefix = [0; 10];
    let prefix = varint(length, &mut prefix);
    out.splice(start..=start, prefix.iter().copied());
    Ok(())
}

pub(super) fn put_text(out: &mut Vec<u8>, field: u32, text: &str) {
    put_key(out, field, LENGTH);
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_double(out: &mut Vec<u8>, field: u32, number: f64) {
    put_key(out, field, FIXED64);
    out.extend_from_slice(&number.to_le_bytes());
}

pub(super) fn put_integer(out: &mut Vec<u8>, field: u32, number: u64) {
    put_key(out, field, VARINT);
    put_varint(out, number);
}

/// Writes a field of the type `sint32` or `sint64`.
pub(super) fn put_signed(out: &mut Vec<u8>, field: u32, number: i64) {
    put_integer(out, field, zigzag(number));
}

/// Writes numbers of the type `sint64` one by one, as the definition of the messages has them.
const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn put_key(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    put_varint(out, u64::from(field << 3 | wire_type));
}

fn put_varint(out: &mut Vec<u8>, number: u64) {
    if let Ok(byte @ ..0x80) = u8::try_from(number) {
        return out.push(byte);
    }
    out.extend_from_slice(varint(number, &mut [0; 10]));
}

fn varint(mut number: u64, bytes: &mut [u8; 10]) -> &[u8] {
    let mut length = 0;
    loop {
        let byte = (number & 0x7F) as u8;
        number >>= 7;
        bytes[length] = if number > 0 { byte | 0x80 } else { byte };
        length += 1;
        if number == 0 {
            return &bytes[..length];
        }
    }
}
