//! A token by itself: what it may look like, where one can come from, and how it stays out of sight.

use std::{borrow::Cow, fmt, path::PathBuf};

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroize};

/// The most bytes a token file may have. Tokens have less than a hundred; JSON web tokens a few thousand.
pub(crate) const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The place of a token, in words that continue "the token ...".
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Code,
    File(PathBuf),
    Variable(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("given to `with_token`"),
            Self::File(path) => write!(f, "in the file `{}`", path.display()),
            Self::Variable(name) => write!(f, "in the environment variable `{name}`"),
        }
    }
}

/// A token that can stand in a header: not empty, visible ASCII characters only.
#[derive(Clone)]
pub(crate) struct Token(SecretString);

impl Token {
    /// Checks a token, without the blanks and line ends around it and without a byte order mark.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, TokenFault> {
        if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
            return Err(TokenFault::Utf16);
        }
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(TokenFault::Empty);
        }
        if text.iter().any(|b| matches!(b, b'\r' | b'\n')) {
            return Err(TokenFault::SeveralLines);
        }
        if text.iter().any(u8::is_ascii_control) {
            return Err(TokenFault::Control);
        }
        if text.contains(&b' ') {
            return Err(TokenFault::Blank);
        }
        match std::str::from_utf8(text) {
            Ok(text) if text.is_ascii() => Ok(Self(text.into())),
            _ => Err(TokenFault::NotAscii),
        }
    }

    /// Returns the value of the `Authorization` header.
    pub(crate) fn to_header(&self) -> HeaderValue {
        let mut text = format!("Bearer {}", self.0.expose_secret());
        let mut header = HeaderValue::from_str(&text)
            .expect("a checked token has only characters that a header may have");
        text.zeroize();
        header.set_sensitive(true);
        header
    }

    /// Returns a text without this token in it.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let secret = self.0.expose_secret();
        if text.contains(secret) {
            text.replace(secret, "<redacted>").into()
        } else {
            text.into()
        }
    }

    /// Returns the beginning of a longer text without this token, and without the beginning of the token at its end.
    pub(crate) fn redact_beginning(&self, text: &str) -> String {
        /// Fewer characters tell nothing: every token of Docker's begins with `dckr_pat_`.
        const HARMLESS: usize = 9;
        let secret = self.0.expose_secret();
        let text = self.redact(text);
        let cut = (HARMLESS..secret.len())
            .rev()
            .find(|&length| text.ends_with(&secret[..length]));
        match cut {
            Some(length) => format!("{}<redacted>", &text[..text.len() - length]),
            None => text.into_owned(),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// What is wrong with a token, in words that continue "the token in ...".
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum TokenFault {
    #[error("holds a blank: give the access token alone, without `Bearer` and without a name")]
    Blank,
    #[error("holds a control character: write the access token again, as plain text")]
    Control,
    #[error("is empty: write an access token there")]
    Empty,
    #[error(
        "is longer than {MAX_FILE_BYTES} bytes: write the access token there, and nothing else"
    )]
    Long,
    #[error("is not plain ASCII: copy the access token again")]
    NotAscii,
    #[error("has several lines: write the access token there, on one line, and nothing else")]
    SeveralLines,
    #[error("is written as UTF-16: save it as UTF-8 or ASCII")]
    Utf16,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "dckr_pat_0123456789";

    fn parse(text: &[u8]) -> Result<String, TokenFault> {
        Token::parse(text).map(|token| token.0.expose_secret().to_owned())
    }

    #[test]
    fn takes_what_people_leave_around_a_token() {
        for text in [
            "dckr_pat_0123456789",
            "dckr_pat_0123456789\n",
            "dckr_pat_0123456789\r\n",
            " \tdckr_pat_0123456789 \n\n",
            "\u{feff}dckr_pat_0123456789\r\n",
        ] {
            assert_eq!(parse(text.as_bytes()).as_deref(), Ok(SECRET), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_a_token() {
        let cases: [(&[u8], TokenFault); 13] = [
            (b"", TokenFault::Empty),
            (b"\n\r\n ", TokenFault::Empty),
            (b"\xef\xbb\xbf\n", TokenFault::Empty),
            (b"one\ntwo", TokenFault::SeveralLines),
            (b"one\r\nX-Evil: 1", TokenFault::SeveralLines),
            (b"one\rtwo", TokenFault::SeveralLines),
            (b"one\0two", TokenFault::Control),
            (b"one\x7f", TokenFault::Control),
            (b"Bearer one", TokenFault::Blank),
            ("geheimniß".as_bytes(), TokenFault::NotAscii),
            ("\u{200b}one".as_bytes(), TokenFault::NotAscii),
            (b"one\xff", TokenFault::NotAscii),
            (b"\xff\xfeo\0n\0e\0", TokenFault::Utf16),
        ];
        for (text, fault) in cases {
            assert_eq!(parse(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn the_token_is_redacted_even_if_the_text_was_cut_in_it() {
        let token = Token::parse(SECRET.as_bytes()).unwrap();
        let redact = |text: &str| token.redact_beginning(text);
        assert_eq!(redact("a dckr_pat_0123456789 b"), "a <redacted> b");
        for length in 9..=SECRET.len() {
            assert_eq!(redact(&format!("é{}", &SECRET[..length])), "é<redacted>");
        }
        assert_eq!(redact("é dckr_pat"), "é dckr_pat");
        assert_eq!(redact(""), "");
    }

    #[test]
    fn the_header_is_marked_sensitive() {
        let header = Token::parse(SECRET.as_bytes()).unwrap().to_header();
        assert_eq!(header.as_bytes(), b"Bearer dckr_pat_0123456789");
        assert_eq!(format!("{header:?}"), "Sensitive");
    }
}
