//! What is remembered of a body, to say what it was if it cannot be read.

use memchr::memmem::Finder;
use scout_metrics_core::{Error, Result};

use crate::{
    error::{Excerpt, HttpError},
    token::Token,
};

/// The most bytes of a body that are kept for the sake of an error, which itself keeps [`Error::MAX_BODY_CHARS`].
pub(crate) const EXCERPT_BYTES: usize = 8 * 1024;

/// The beginning of a body, and whether the token is anywhere in it.
pub(crate) struct Glimpse<'a> {
    token: &'a Token,
    start: Vec<u8>,
    echo: EchoWatch,
}

impl<'a> Glimpse<'a> {
    pub(crate) fn new(token: &'a Token) -> Self {
        Self {
            token,
            start: Vec::new(),
            echo: EchoWatch::new(token),
        }
    }

    /// Looks at the next part of the body.
    pub(crate) fn look_at(&mut self, part: &[u8]) {
        let missing = EXCERPT_BYTES.saturating_sub(self.start.len());
        self.start
            .extend_from_slice(&part[..missing.min(part.len())]);
        self.echo.look_at(part);
    }

    /// Adds to the result of reading the body what is known about it. A body that is no exposition is an error even if
    /// nobody tried to read it.
    pub(crate) fn judge<T>(&self, result: Result<T>) -> Result<T, HttpError> {
        let excerpt = || excerpt(&self.start, self.token);
        if let Some(fault) = disguise(&self.start) {
            return Err(HttpError::NotMetrics(fault.to_owned(), excerpt()));
        }
        result.map_err(|error| {
            if self.echo.has_seen {
                HttpError::Echo(error.kind(), excerpt())
            } else {
                HttpError::Reader(error, excerpt())
            }
        })
    }
}

/// Says what a body is that is called metrics and begins as no exposition does.
fn disguise(start: &[u8]) -> Option<&'static str> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    match start.trim_ascii_start() {
        [b'<', ..] => Some("is called metrics and is HTML or XML"),
        [b'[', ..] => Some("is called metrics and is JSON"),
        [b'{', rest @ ..] if begins_object(rest) => Some("is called metrics and is JSON"),
        [0x1f, 0x8b, ..] => Some("is compressed without saying so"),
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => Some("is UTF-16, expected UTF-8"),
        _ => None,
    }
}

/// Returns whether `{` and these bytes begin a JSON object, and not a sample with a quoted name: `{"a.b"} 1`.
fn begins_object(rest: &[u8]) -> bool {
    match rest.trim_ascii_start() {
        [b'}', ..] => true,
        [b'"', key @ ..] => {
            let end = key.iter().position(|b| *b == b'"');
            end.is_some_and(|end| key[end + 1..].trim_ascii_start().starts_with(b":"))
        }
        _ => false,
    }
}

/// Returns the beginning of a body as text, without the token and without what would confuse a terminal.
pub(crate) fn excerpt(bytes: &[u8], token: &Token) -> Excerpt {
    let is_shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let text = String::from_utf8_lossy(bytes);
    let text: String = text.chars().filter(is_shown).collect();
    let text = token.redact_beginning(&text);
    Excerpt(text.chars().take(Error::MAX_BODY_CHARS).collect())
}

/// Watches for the token in a body that is seen in parts.
struct EchoWatch {
    finder: Finder<'static>,
    tail: Vec<u8>,
    has_seen: bool,
}

impl EchoWatch {
    fn new(token: &Token) -> Self {
        Self {
            finder: Finder::new(token.as_bytes()).into_owned(),
            tail: Vec::new(),
            has_seen: false,
        }
    }

    fn look_at(&mut self, part: &[u8]) {
        let overlap = self.finder.needle().len() - 1;
        // A token that crosses the border of two parts lies in the end of the one and the start of the other.
        self.tail
            .extend_from_slice(&part[..part.len().min(overlap)]);
        self.has_seen |= self.finder.find(&self.tail).is_some() || self.finder.find(part).is_some();
        if part.len() >= overlap {
            self.tail.clear();
            self.tail.extend_from_slice(&part[part.len() - overlap..]);
        } else {
            let surplus = self.tail.len().saturating_sub(overlap);
            self.tail.drain(..surplus);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_seen_across_any_borders() {
        let token = Token::parse(b"abcab").unwrap();
        let text = b"xxabcaxababcabyy";
        for size in 1..=text.len() {
            let mut watch = EchoWatch::new(&token);
            text.chunks(size).for_each(|part| watch.look_at(part));
            assert!(watch.has_seen, "parts of {size}");

            let mut watch = EchoWatch::new(&token);
            text[..13].chunks(size).for_each(|part| watch.look_at(part));
            assert!(!watch.has_seen, "parts of {size}");
        }
    }

    #[test]
    fn json_is_told_from_quoted_names() {
        for json in [
            r#"{"a": 1}"#,
            "{}",
            " [1]",
            "{ \n \"a\"\t: {",
            "\u{feff}{\"a\":",
        ] {
            assert!(disguise(json.as_bytes()).is_some(), "{json}");
        }
        for exposition in [
            r#"{"a.b"} 1"#,
            r#"{"a.b",c="d"} 1"#,
            r#"{"a.b", "#,
            r#"{a="b"} 1"#,
            "a 1",
            "# HELP a {}",
            "",
        ] {
            assert_eq!(disguise(exposition.as_bytes()), None, "{exposition}");
        }
    }
}
