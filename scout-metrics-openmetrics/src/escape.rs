//! The only place where text is escaped and unescaped.

use std::{
    borrow::Cow,
    fmt::{self, Write},
    hash::{Hash, Hasher},
};

use memchr::{memchr, memchr2, memchr3};

use crate::find::needs_escapes;

/// Which escapes a text may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Escapes {
    /// `\\` and `\n`: a help text of the Prometheus format.
    Help,
    /// No escapes: the text means what it says.
    None,
    /// `\\`, `\n` and `\"`: label values, quoted names and all texts of OpenMetrics.
    Quoted,
}

/// A piece of an exposition in which characters may be escaped.
///
/// Nothing is copied until [`decode`](Self::decode) has to replace an escape. Texts are compared and hashed by what they
/// say, not by how they are written. Only [`raw`](Self::raw), [`as_bytes`](Self::as_bytes) and `AsRef<str>`, which is the
/// same as `raw`, keep the escapes.
///
/// ```
/// use std::borrow::Cow;
///
/// use scout_metrics_openmetrics::{Event, ParseOptions, Parser};
///
/// let mut parser = Parser::from_text("up{path=\"C:\\\\\"} 1\n", &ParseOptions::default());
/// if let Some(Event::Sample(sample)) = parser.next_event()? {
///     for (name, value) in sample.labels() {
///         assert_eq!(name, "path");
///         assert_eq!(value.raw(), r"C:\\");
///         assert_eq!(Cow::from(value), r"C:\");
///     }
/// }
/// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// The text that this one is a part of. It is cut when it is asked for: to find that a cut does not split a character
    /// takes a tenth of the time of reading.
    whole: &'a str,
    start: u32,
    end: u32,
    escapes: Escapes,
}

impl<'a> Text<'a> {
    pub(crate) fn new(raw: &'a str, escapes: Escapes) -> Self {
        // A line is shorter than 4 GiB: `Limits` sees to it.
        Self::within(raw, 0, raw.len() as u32, escapes)
    }

    /// Creates a view of a part of a text, between two of its bytes.
    #[inline(always)]
    pub(crate) fn within(whole: &'a str, start: u32, end: u32, escapes: Escapes) -> Self {
        Self {
            whole,
            start,
            end,
            escapes,
        }
    }

    /// Returns the text as it is written in the exposition.
    #[inline]
    pub fn raw(self) -> &'a str {
        &self.whole[self.start as usize..self.end as usize]
    }

    /// Returns the text as it is written in the exposition, as bytes, which are UTF-8.
    ///
    /// This is quicker than [`raw`](Self::raw), which has to check that no character is cut in two. Programs that hash,
    /// compare or copy the texts of millions of samples need nothing else. [`decode_bytes`](Self::decode_bytes) decodes the
    /// escapes.
    ///
    /// ```
    /// use scout_metrics_openmetrics::{Event, ParseOptions, Parser};
    ///
    /// let mut parser = Parser::from_text("up{job=\"a\"} 1\n", &ParseOptions::default());
    /// if let Some(Event::Sample(sample)) = parser.next_event()? {
    ///     assert_eq!(sample.name().as_bytes(), b"up");
    ///     assert!(sample.labels().all(|(name, _)| name.as_bytes() == b"job"));
    /// }
    /// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
    /// ```
    #[inline]
    pub fn as_bytes(self) -> &'a [u8] {
        &self.whole.as_bytes()[self.start as usize..self.end as usize]
    }

    /// Returns the text as bytes, if it has no escapes.
    #[inline]
    pub(crate) fn plain(self) -> Option<&'a [u8]> {
        (self.escapes == Escapes::None).then(|| self.as_bytes())
    }

    /// Appends the text with its escapes decoded. What is appended is UTF-8.
    #[inline]
    pub(crate) fn decode_into(self, out: &mut Vec<u8>) {
        match self.escapes {
            Escapes::None => out.extend_from_slice(self.as_bytes()),
            escapes => unescape_into(out, self.as_bytes(), escapes),
        }
    }

    /// Returns the text with its escapes decoded. A backslash before any other character is kept.
    #[inline]
    pub fn decode(self) -> Cow<'a, str> {
        match self.escapes {
            Escapes::None => Cow::Borrowed(self.raw()),
            escapes => unescape(self.raw(), escapes),
        }
    }

    /// Returns the text with its escapes decoded, as [`decode`](Self::decode) does, as bytes, which are UTF-8.
    #[inline]
    pub fn decode_bytes(self) -> Cow<'a, [u8]> {
        match self.escapes {
            Escapes::None => Cow::Borrowed(self.as_bytes()),
            escapes => match unescape(self.raw(), escapes) {
                Cow::Borrowed(raw) => Cow::Borrowed(raw.as_bytes()),
                Cow::Owned(decoded) => Cow::Owned(decoded.into_bytes()),
            },
        }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text")
            .field("raw", &self.raw())
            .field("escapes", &self.escapes)
            .finish()
    }
}

/// Returns the text as it is written in the exposition, with its escapes: the same as [`raw`](Text::raw).
impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        self.raw()
    }
}

/// Decodes the text.
impl<'a> From<Text<'a>> for Cow<'a, str> {
    fn from(text: Text<'a>) -> Self {
        text.decode()
    }
}

/// Decodes the text.
impl From<Text<'_>> for String {
    fn from(text: Text<'_>) -> Self {
        text.decode().into_owned()
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.decode() == other.decode()
    }
}

impl Eq for Text<'_> {}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.decode().hash(state);
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.decode() == other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.decode())
    }
}

fn unescape(raw: &str, escapes: Escapes) -> Cow<'_, str> {
    if memchr(b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::new();
    unescape_into(&mut out, raw.as_bytes(), escapes);
    Cow::Owned(String::from_utf8(out).expect("escapes are whole characters"))
}

/// Appends a text with its escapes decoded.
///
/// Escapes are close to each other, and a call that copies or searches a few bytes costs more than to do it here.
fn unescape_into(out: &mut Vec<u8>, raw: &[u8], escapes: Escapes) {
    const WORD: usize = size_of::<u64>();
    let start = out.len();
    // A word is copied as a whole, and what comes after an escape in it is written again.
    out.resize(start + raw.len() + WORD, 0);
    let decoded = &mut out[start..];
    let (mut from, mut to) = (0, 0);
    while let Some(word) = raw.get(from..).and_then(<[u8]>::first_chunk) {
        decoded[to..to + WORD].copy_from_slice(word);
        let plain = plain_length(*word);
        from += plain;
        to += plain;
        if plain < WORD {
            let (byte, length) = first_byte(&raw[from..], escapes);
            decoded[to] = byte;
            from += length;
            to += 1;
        }
    }
    while from < raw.len() {
        let (byte, length) = first_byte(&raw[from..], escapes);
        decoded[to] = byte;
        from += length;
        to += 1;
    }
    out.truncate(start + to);
}

/// Returns the first byte of a text that is not empty, decoded, and its length in the text. A backslash before any other
/// character is kept.
#[inline(always)]
fn first_byte(text: &[u8], escapes: Escapes) -> (u8, usize) {
    match text {
        [b'\\', b'\\', ..] => (b'\\', 2),
        [b'\\', b'n', ..] => (b'\n', 2),
        [b'\\', b'"', ..] if escapes == Escapes::Quoted => (b'"', 2),
        _ => (text[0], 1),
    }
}

/// Returns the number of bytes before the first backslash.
#[inline(always)]
fn plain_length(bytes: [u8; 8]) -> usize {
    // The first byte that is a backslash is zero now, and the first zero borrows its highest bit.
    let rest = u64::from_le_bytes(bytes) ^ u64::from_le_bytes([b'\\'; 8]);
    let found = rest.wrapping_sub(0x0101_0101_0101_0101) & !rest & 0x8080_8080_8080_8080;
    found.trailing_zeros() as usize / 8
}

/// Writes a label value or a quoted name, without the quotes around it.
#[inline]
pub(crate) fn write_quoted<W: Write>(out: &mut W, text: &str) -> fmt::Result {
    if !needs_escapes(text) {
        return out.write_str(text);
    }
    write_escaped(out, text, |rest| memchr3(b'\\', b'\n', b'"', rest))
}

/// Writes a help text of the Prometheus format.
pub(crate) fn write_help_text<W: Write>(out: &mut W, text: &str) -> fmt::Result {
    write_escaped(out, text, |rest| memchr2(b'\\', b'\n', rest))
}

fn write_escaped<W: Write>(
    out: &mut W,
    text: &str,
    find: impl Fn(&[u8]) -> Option<usize>,
) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = find(rest.as_bytes()) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'\\' => r"\\",
            b'\n' => r"\n",
            _ => "\\\"",
        })?;
        rest = &rest[at + 1..];
    }
    out.write_str(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_the_defined_escapes_and_keeps_the_others() {
        let quoted = |raw| unescape(raw, Escapes::Quoted).into_owned();
        assert_eq!(quoted(r#"a\\b\nc\"d"#), "a\\b\nc\"d");
        assert_eq!(quoted(r"\\n \t \é"), r"\n \t \é");
        assert_eq!(quoted("a\\"), "a\\");
        assert_eq!(unescape(r#"\"\n"#, Escapes::Help), "\\\"\n");
    }

    #[test]
    fn texts_are_equal_and_hash_alike_if_they_say_the_same() {
        use std::collections::HashSet;

        let written_twice = [
            Text::new(r"\\", Escapes::Quoted),
            Text::new(r"\", Escapes::None),
        ];
        let texts: HashSet<_> = HashSet::from(written_twice);
        assert_eq!(texts.len(), 1);
        assert_eq!(String::from(written_twice[0]), r"\");
        assert_eq!(written_twice[0].as_ref(), r"\\");
        assert_ne!(written_twice[0], Text::new(r"\\", Escapes::None));
    }

    #[test]
    fn what_is_escaped_reads_back() {
        for text in [
            "",
            "\\",
            "\n",
            "\"",
            "\\n",
            "a\\\"b\nc",
            "\0",
            "é\\\u{1F600}",
        ] {
            let mut quoted = String::new();
            write_quoted(&mut quoted, text).unwrap();
            assert_eq!(unescape(&quoted, Escapes::Quoted), text);
            let mut help = String::new();
            write_help_text(&mut help, text).unwrap();
            assert_eq!(unescape(&help, Escapes::Help), text);
        }
    }
}
