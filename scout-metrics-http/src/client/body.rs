//! The body of an answer: decoded, bounded, and watched for the token.
//!
//! The HTTP library's own decompression has no bound on its output and stops after the first gzip member, so the
//! decoding is done here, a small piece of input at a time: one piece cannot become more than a few megabytes before
//! the bound is checked, and the deadline is checked between the pieces.

use std::{io::Write, mem};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use memchr::memmem::Finder;
use reqwest::{
    Response,
    header::{CONTENT_ENCODING, HeaderMap, TRANSFER_ENCODING},
};

use super::deadline::Deadline;
use crate::{credentials::Token, error::HttpError};

/// The value of `Accept-Encoding`: what [`Coding`] can undo.
pub(crate) const ACCEPT_ENCODING: &str = "gzip";

/// Compressed bytes decoded at once. Deflate expands to at most 1032 times its input.
const PIECE: usize = 4096;

/// A body that is being read.
pub(crate) struct Body<'a> {
    response: Response,
    server: String,
    coding: Coding,
    deadline: &'a Deadline,
    limit: u64,
    /// Bytes that came over the wire.
    received: u64,
    /// Bytes given out.
    decoded: u64,
    pending: Bytes,
}

impl<'a> Body<'a> {
    /// Looks at the headers of an answer whose body may have up to `limit` bytes, before and after decoding.
    pub(crate) fn new(
        response: Response,
        server: String,
        limit: u64,
        deadline: &'a Deadline,
        token: &Token,
    ) -> Result<Self, HttpError> {
        let coding = Coding::of(response.headers(), token)?;
        if response
            .content_length()
            .is_some_and(|length| length > limit)
        {
            return Err(HttpError::Limit(limit));
        }
        Ok(Self {
            response,
            server,
            coding,
            deadline,
            limit,
            received: 0,
            decoded: 0,
            pending: Bytes::new(),
        })
    }

    /// Returns the next part, which is never empty, or nothing after the end of a whole body.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            let is_last = self.pending.is_empty() && !self.receive().await?;
            let part = if is_last {
                self.coding.finish()?
            } else {
                self.coding.decode(&mut self.pending)?
            };
            self.decoded += part.len() as u64;
            if self.decoded > self.limit {
                return Err(HttpError::Limit(self.limit));
            }
            if !part.is_empty() {
                return Ok(Some(part));
            }
            if is_last {
                return Ok(None);
            }
            tokio::task::consume_budget().await;
        }
    }

    /// Fills `pending`. Returns false at the end.
    async fn receive(&mut self) -> Result<bool, HttpError> {
        let received = self.received;
        let chunk = self
            .deadline
            .bound(self.response.chunk(), || {
                format!("the answer was not complete, {received} bytes had come,")
            })
            .await?
            .map_err(|error| HttpError::BodyCut {
                server: self.server.clone(),
                received,
                source: error.without_url(),
            })?;
        let Some(chunk) = chunk else {
            return Ok(false);
        };
        self.received += chunk.len() as u64;
        if self.received > self.limit {
            return Err(HttpError::Limit(self.limit));
        }
        self.pending = chunk;
        Ok(true)
    }

    /// Returns whether it is noticed when the body is cut short. Without a length and chunks, it ends where the
    /// connection ends, wherever that is.
    pub(crate) fn has_known_end(&self) -> bool {
        let headers = self.response.headers();
        self.response.content_length().is_some()
            || headers.contains_key(TRANSFER_ENCODING)
            || !matches!(self.coding, Coding::Identity)
    }

    /// Returns the bytes that came over the wire so far.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }
}

/// How the body is encoded.
enum Coding {
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// A gzip body after its end.
    Finished,
    Identity,
}

impl Coding {
    fn of(headers: &HeaderMap, token: &Token) -> Result<Self, HttpError> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let (value, others) = (values.next(), values.next());
        let name = value.map_or(&b""[..], |value| value.as_bytes().trim_ascii());
        match name {
            _ if others.is_some() => Err(HttpError::Encoding("several codings".to_owned())),
            b"" => Ok(Self::Identity),
            _ if name.eq_ignore_ascii_case(b"identity") => Ok(Self::Identity),
            _ if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") => {
                Ok(Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))))
            }
            _ => Err(HttpError::Encoding(super::shown(name, token))),
        }
    }

    /// Decodes all of the input or a piece of it, and removes what it decoded.
    fn decode(&mut self, input: &mut Bytes) -> Result<Bytes, HttpError> {
        let Self::Gzip(decoder) = self else {
            return Ok(mem::take(input));
        };
        let piece = input.split_to(input.len().min(PIECE));
        decoder.write_all(&piece).map_err(HttpError::Gzip)?;
        Ok(mem::take(decoder.get_mut()).into())
    }

    /// Checks that the encoded body is whole, and returns what is left of it.
    fn finish(&mut self) -> Result<Bytes, HttpError> {
        match mem::replace(self, Self::Finished) {
            Self::Gzip(decoder) => Ok(decoder.finish().map_err(HttpError::Gzip)?.into()),
            Self::Finished | Self::Identity => Ok(Bytes::new()),
        }
    }
}

/// Watches for the token in a body that is seen in parts.
pub(crate) struct EchoWatch {
    finder: Finder<'static>,
    tail: Vec<u8>,
    has_seen: bool,
}

impl EchoWatch {
    pub(crate) fn new(token: &Token) -> Self {
        Self {
            finder: Finder::new(token.as_bytes()).into_owned(),
            tail: Vec::new(),
            has_seen: false,
        }
    }

    pub(crate) fn look_at(&mut self, part: &[u8]) {
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

    pub(crate) fn has_seen(&self) -> bool {
        self.has_seen
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
            assert!(watch.has_seen(), "parts of {size}");

            let mut watch = EchoWatch::new(&token);
            text[..13].chunks(size).for_each(|part| watch.look_at(part));
            assert!(!watch.has_seen(), "parts of {size}");
        }
    }
}
