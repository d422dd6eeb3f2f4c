//! The scheme `values`.

use std::fmt::Write;

use super::scheme::replace;
use crate::find::NameOf;

/// The start of each escaped name.
const PREFIX: &str = "U__";

/// The number of hexadecimal digits of the largest code.
const MAX_DIGITS: usize = 6;

/// Escapes a name that is not plain.
pub(super) fn escape(of: NameOf, name: &str) -> String {
    let escaped = replace(of, name, |character, out| match character {
        '_' => out.push_str("__"),
        _ => {
            let written = write!(out, "_{:x}_", u32::from(character));
            written.expect("writing to a string does not fail");
        }
    });
    format!("{PREFIX}{escaped}")
}

/// Returns the name that was escaped, or `None` if this is no escaped name.
pub(super) fn unescape(name: &str) -> Option<String> {
    let mut rest = name.strip_prefix(PREFIX)?;
    let mut out = String::with_capacity(rest.len());
    while let Some((plain, escaped)) = rest.split_once('_') {
        out.push_str(plain);
        let (code, after) = escaped.split_once('_')?;
        out.push(if code.is_empty() {
            '_'
        } else {
            character(code)?
        });
        rest = after;
    }
    out.push_str(rest);
    (!out.is_empty()).then_some(out)
}

/// Returns the character of a code, or `None` if there is none.
fn character(code: &str) -> Option<char> {
    let is_code = code.len() <= MAX_DIGITS && code.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = is_code.then(|| u32::from_str_radix(code, 16).ok());
    char::from_u32(number??)
}
