//! Keeps the token out of texts that come from the server.

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

/// Returns a text without the token and without any longer piece of it.
pub(crate) fn redact<'a>(text: &'a str, token: &Token) -> Cow<'a, str> {
    let Some(first) = next_piece(text, token) else {
        return text.into();
    };
    let mut redacted = String::new();
    let (mut rest, mut piece) = (text, Some(first));
    while let Some((start, end)) = piece {
        redacted.push_str(&rest[..start]);
        redacted.push_str(REDACTED);
        rest = &rest[end..];
        piece = next_piece(rest, token);
    }
    redacted.push_str(rest);
    redacted.into()
}

/// Returns start and end of the first piece of the token in a text.
fn next_piece(text: &str, token: &Token) -> Option<(usize, usize)> {
    let (text, token) = (text.as_bytes(), token.as_bytes());
    let shortest = token.len().min(SHORTEST_PIECE);
    let start = text
        .windows(shortest)
        .position(|window| position_in(token, window).is_some())?;
    let mut end = start + shortest;
    // A whole token may start in the middle of a piece, so pieces grow as long as their end is part of the token.
    while end < text.len() && position_in(token, &text[end + 1 - shortest..=end]).is_some() {
        end += 1;
    }
    Some((start, end))
}

fn position_in(token: &[u8], piece: &[u8]) -> Option<usize> {
    token
        .windows(piece.len())
        .position(|window| window == piece)
}

/// Returns an error whose texts do not show the token. Its sources are replaced by their texts if one of them does.
pub(crate) fn redact_error(error: Error, token: &Token) -> Error {
    let shows_token = |text: &str| next_piece(text, token).is_some();
    if !texts(&error).iter().any(|text| shows_token(text)) {
        return error;
    }
    let sources = sources(&error).map(|source| redact(&source.to_string(), token).into_owned());
    let sources: Vec<String> = sources.collect();
    let new = Error::new(error.kind(), redact(error.message(), token))
        .with_retryable(error.is_retryable());
    if sources.is_empty() {
        return new;
    }
    new.with_source(sources.join(": "))
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

    #[test]
    fn removes_the_token_and_pieces_of_it() {
        let redact = |text: &str| redact(text, &token()).into_owned();
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
        let token = Token::parse(b"abc").unwrap();
        assert_eq!(redact("xabcx abx", &token), "x<redacted>x abx");
    }

    #[test]
    fn an_error_keeps_its_sources_unless_they_show_the_token() {
        let error = |message: &str, source: &str| {
            let source = Error::new(ErrorKind::Other, source);
            redact_error(
                Error::new(ErrorKind::Decode, message).with_source(source),
                &token(),
            )
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
