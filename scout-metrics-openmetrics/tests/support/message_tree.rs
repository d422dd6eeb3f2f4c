//! Messages of protocol buffers as trees, to change them without breaking the lengths around a change.

use super::random::Random;

/// A field of a message.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    Varint(u64, u64),
    Fixed64(u64, [u8; 8]),
    Fixed32(u64, [u8; 4]),
    Bytes(u64, Vec<u8>),
    Message(u64, Vec<Self>),
}

/// How deep messages are read: a text can be a message by chance.
const DEPTH: usize = 6;

/// Reads families, each after its length.
pub(crate) fn read_exposition(mut bytes: &[u8]) -> Option<Vec<Vec<Field>>> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let message = take_bytes(&mut bytes)?;
        messages.push(read(message, DEPTH)?);
    }
    Some(messages)
}

fn read(mut bytes: &[u8], depth: usize) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = take_varint(&mut bytes)?;
        let number = key >> 3;
        fields.push(match key & 7 {
            0 => Field::Varint(number, take_varint(&mut bytes)?),
            1 => Field::Fixed64(number, take_array(&mut bytes)?),
            2 => {
                let content = take_bytes(&mut bytes)?;
                let message = depth.checked_sub(1).and_then(|depth| read(content, depth));
                match message.filter(|_| !content.is_empty()) {
                    Some(fields) => Field::Message(number, fields),
                    None => Field::Bytes(number, content.to_vec()),
                }
            }
            5 => Field::Fixed32(number, take_array(&mut bytes)?),
            _ => return None,
        });
    }
    Some(fields)
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << (7 * place);
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_varint(bytes)?).ok()?;
    let (content, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(content)
}

fn take_array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (array, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*array)
}

/// Writes families, each after its length.
pub(crate) fn write_exposition(messages: &[Vec<Field>]) -> Vec<u8> {
    let mut out = Vec::new();
    for message in messages {
        put_bytes(&mut out, &write(message));
    }
    out
}

fn write(fields: &[Field]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields {
        match field {
            Field::Varint(number, value) => {
                put_varint(&mut out, number << 3);
                put_varint(&mut out, *value);
            }
            Field::Fixed64(number, value) => {
                put_varint(&mut out, number << 3 | 1);
                out.extend(value);
            }
            Field::Fixed32(number, value) => {
                put_varint(&mut out, number << 3 | 5);
                out.extend(value);
            }
            Field::Bytes(number, content) => {
                put_varint(&mut out, number << 3 | 2);
                put_bytes(&mut out, content);
            }
            Field::Message(number, fields) => {
                put_varint(&mut out, number << 3 | 2);
                put_bytes(&mut out, &write(fields));
            }
        }
    }
    out
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7F {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Numbers at which a reader may change its mind.
const DOUBLES: [f64; 10] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    9_007_199_254_740_993.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    f64::MAX,
];

/// Changes fields in a few places.
pub(crate) fn mutate(messages: &mut Vec<Vec<Field>>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        if messages.is_empty() {
            return;
        }
        if random.below(16) == 0 {
            let copy = random.pick(messages).clone();
            messages.push(copy);
        }
        let place = random.below(messages.len());
        mutate_fields(&mut messages[place], random);
    }
}

fn mutate_fields(fields: &mut Vec<Field>, random: &mut Random) {
    if fields.is_empty() {
        let number = 1 + random.below(17) as u64;
        return fields.push(Field::Varint(number, random.below(4) as u64));
    }
    let place = random.below(fields.len());
    if let Field::Message(_, inner) = &mut fields[place]
        && random.below(6) > 0
    {
        return mutate_fields(inner, random);
    }
    match random.below(6) {
        0 => drop(fields.remove(place)),
        1 => {
            let copy = fields[place].clone();
            fields.insert(random.below(fields.len() + 1), copy);
        }
        2 => {
            let other = random.below(fields.len());
            fields.swap(place, other);
        }
        3 => renumber(&mut fields[place], 1 + random.below(17) as u64),
        _ => change_value(&mut fields[place], random),
    }
}

fn renumber(field: &mut Field, new: u64) {
    match field {
        Field::Varint(number, _)
        | Field::Fixed64(number, _)
        | Field::Fixed32(number, _)
        | Field::Bytes(number, _)
        | Field::Message(number, _) => *number = new,
    }
}

fn change_value(field: &mut Field, random: &mut Random) {
    match field {
        Field::Varint(_, value) => {
            *value = match random.below(4) {
                0 => random.below(8) as u64,
                1 => 1 << random.below(64),
                2 => u64::MAX - random.below(4) as u64,
                _ => value.wrapping_add(1),
            };
        }
        Field::Fixed64(_, value) => *value = random.pick(&DOUBLES).to_le_bytes(),
        Field::Fixed32(_, value) => value[0] ^= 1,
        Field::Bytes(_, content) => match content.get_mut(0) {
            Some(byte) if random.below(2) == 0 => *byte = random.below(256) as u8,
            _ => content.push(b'a'),
        },
        Field::Message(number, fields) => *field = Field::Bytes(*number, write(fields)),
    }
}
