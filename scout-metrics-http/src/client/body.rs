//! The body of an answer: decoded and bounded.
//!
//! The HTTP library's own decompression has no bound on its output and stops after the first gzip member, so the
//! decoding is done here, a small piece of input at a time: one piece cannot become more than a few megabytes before
//! the bound is checked, and the deadline is checked between the pieces.

use std::{io::Write, mem};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use reqwest::{
    Response,
    header::{CONTENT_ENCODING, HeaderMap, TRANSFER_ENCODING},
};
use tokio::task::yield_now;

use super::deadline::Deadline;
use super::error::HttpError;
use crate::token::Token;

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
            if !self.pending.is_empty() {
                // What is left may decode to a hundred times its size: others get their turn between.
                let deadline = self.deadline;
                deadline
                    .bound(yield_now(), || incomplete(self.received))
                    .await?;
            }
            if !part.is_empty() {
                return Ok(Some(part));
            }
            if is_last {
                return Ok(None);
            }
        }
    }

    /// Fills `pending`. Returns false at the end.
    async fn receive(&mut self) -> Result<bool, HttpError> {
        let Self {
            deadline, received, ..
        } = *self;
        let chunk = deadline.bound(self.response.chunk(), || incomplete(received));
        let chunk = chunk.await?.map_err(|error| HttpError::BodyCut {
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

/// Begins the message of a timeout.
fn incomplete(received: u64) -> String {
    format!("the answer was not complete, {received} bytes had come,")
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
        let values = headers.get_all(CONTENT_ENCODING).iter();
        let values: Vec<&[u8]> = values.map(|value| value.as_bytes().trim_ascii()).collect();
        let name = values.join(&b", "[..]);
        match &name[..] {
            b"" => Ok(Self::Identity),
            _ if name.eq_ignore_ascii_case(b"identity") => Ok(Self::Identity),
            _ if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") => {
                Ok(Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))))
            }
            _ => Err(HttpError::Encoding(super::shown(&name, token))),
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
