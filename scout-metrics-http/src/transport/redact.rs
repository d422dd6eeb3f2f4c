//! Keeps secrets out of texts that come from the server.

use std::{borrow::Cow, error::Error as StdError};

use reqwest::header::HeaderValue;
use scout_metrics_core::Error;
use scout_metrics_openmetrics::ParseError;
use secrecy::zeroize::Zeroizing;

use crate::token::Token;

/// The length of the shortest piece of a token that is removed. A text may be cut within the token at either end, and
/// fewer characters reveal nothing: all tokens of Docker start with the nine of `dckr_pat_`.
const SHORTEST_PIECE: usize = 9;

const REDACTED: &str = "<redacted>";

/// Returns the value of the `Authorization` header.
pub(crate) fn authorization(token: &Token) -> HeaderValue {
    let value = Zeroizing::new([b"Bearer ", token.as_bytes()].concat());
    let mut header = HeaderValue::from_bytes(&value)
        .expect("a checked token contains only characters that a header can hold");
    header.set_sensitive(true);
    header
}

/// The secrets of a request, which no text may show.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<Token>);

impl From<Token> for Secrets {
    fn from(token: Token) -> Self {
        Self(vec![token])
    }
}

#[cfg(any(feature = "prometheus-api", feature = "remote-write"))]
impl FromIterator<Token> for Secrets {
    fn from_iter<I: IntoIterator<Item = Token>>(secrets: I) -> Self {
        Self(secrets.into_iter().collect())
    }
}

impl Secrets {
    #[cfg(any(feature = "prometheus-api", feature = "remote-write"))]
    pub(crate) fn push(&mut self, secret: Token) {
        self.0.push(secret);
    }

    /// Returns a word of a header as a secret if it is long enough to be one. Removing short words, such as `1`, would
    /// make texts unreadable.
    #[cfg(any(feature = "prometheus-api", feature = "remote-write"))]
    pub(crate) fn long(word: &[u8]) -> Option<Token> {
        let long = Some(word).filter(|word| word.len() >= SHORTEST_PIECE)?;
        Token::parse(long).ok()
    }

    /// Returns a text without the secrets and without any longer piece of one.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(first) = self.next_piece(text) else {
            return text.into();
        };
        let mut redacted = String::new();
        let (mut rest, mut piece) = (text, Some(first));
        while let Some((start, end)) = piece {
            redacted.push_str(&rest[..start]);
            redacted.push_str(REDACTED);
            rest = &rest[end..];
            piece = self.next_piece(rest);
        }
        redacted.push_str(rest);
        redacted.into()
    }

    /// Returns an error whose texts do not show a secret. Its sources are replaced by their texts if one of them does.
    pub(crate) fn redact_error(&self, error: Error) -> Error {
        let shows_secret = |text: &str| self.next_piece(text).is_some();
        if !texts(&error).iter().any(|text| shows_secret(text)) {
            return error;
        }
        let sources = sources(&error).map(|source| self.redact(&source.to_string()).into_owned());
        let sources: Vec<String> = sources.collect();
        let new = Error::new(error.kind(), self.redact(error.message()))
            .with_retryable(error.is_retryable());
        if sources.is_empty() {
            return new;
        }
        new.with_source(sources.join(": "))
    }

    /// Returns start and end of the first piece of a secret in a text.
    fn next_piece(&self, text: &str) -> Option<(usize, usize)> {
        let pieces = self.0.iter().filter_map(|secret| next_piece(text, secret));
        pieces.min()
    }
}

/// Returns start and end of the first piece of a secret in a text.
fn next_piece(text: &str, secret: &Token) -> Option<(usize, usize)> {
    let (text, secret) = (text.as_bytes(), secret.as_bytes());
    let shortest = secret.len().min(SHORTEST_PIECE);
    let start = text
        .windows(shortest)
        .position(|window| position_in(secret, window).is_some())?;
    let mut end = start + shortest;
    // A whole secret may start in the middle of a piece, so pieces grow as long as their end is part of the secret.
    while end < text.len() && position_in(secret, &text[end + 1 - shortest..=end]).is_some() {
        end += 1;
    }
    Some((start, end))
}

fn position_in(secret: &[u8], piece: &[u8]) -> Option<usize> {
    secret
        .windows(piece.len())
        .position(|window| window == piece)
}

/// Returns everything that an error of the reader shows.
fn texts(error: &Error) -> Vec<String> {
    let mut texts = vec![error.message().to_owned()];
    for source in sources(error) {
        texts.push(source.to_string());
        if let Some(error) = source.downcast_ref::<ParseError>() {
            texts.push(error.excerpt().text().to_owned());
        }
    }
    texts
}

fn sources(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |source| (**source).source())
}

#[cfg(test)]
mod tests {
    use scout_metrics_core::ErrorKind;

    use super::*;

    const SECRET: &str = "dckr_pat_0123456789";

    fn token() -> Token {
        Token::parse(SECRET.as_bytes()).unwrap()
    }

    fn secrets() -> Secrets {
        token().into()
    }

    #[test]
    fn removes_the_token_and_pieces_of_it() {
        let redact = |text: &str| secrets().redact(text).into_owned();
        assert_eq!(redact("a dckr_pat_0123456789 b"), "a <redacted> b");
        for length in 9..=SECRET.len() {
            let (start, end) = (&SECRET[..length], &SECRET[SECRET.len() - length..]);
            assert_eq!(redact(&format!("é{start}é{end}")), "é<redacted>é<redacted>");
        }
        assert_eq!(redact(&SECRET.repeat(3)), "<redacted><redacted><redacted>");
        assert_eq!(redact("é dckr_pat"), "é dckr_pat");
        assert_eq!(redact(""), "");
    }

    #[test]
    fn removes_short_tokens_whole() {
        let secrets = Secrets::from(Token::parse(b"abc").unwrap());
        assert_eq!(secrets.redact("xabcx abx"), "x<redacted>x abx");
    }

    #[test]
    fn an_error_keeps_its_sources_unless_they_show_the_token() {
        let error = |message: &str, source: &str| {
            let source = Error::new(ErrorKind::Other, source);
            secrets().redact_error(Error::new(ErrorKind::Decode, message).with_source(source))
        };
        let clean = error("a", "b");
        assert!(clean.source().unwrap().is::<Error>());
        let redacted = error(&format!("a {SECRET}"), &format!("{SECRET} b"));
        assert_eq!(redacted.kind(), ErrorKind::Decode);
        assert_eq!(redacted.to_string(), "a <redacted>");
        assert_eq!(redacted.source().unwrap().to_string(), "<redacted> b");
    }

    #[test]
    fn the_header_is_marked_sensitive() {
        let header = authorization(&token());
        assert_eq!(header.as_bytes(), b"Bearer dckr_pat_0123456789");
        assert_eq!(format!("{header:?}"), "Sensitive");
    }
}
