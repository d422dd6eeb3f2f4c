//! The body of an answer, decoded and bounded.
//!
//! The HTTP library's own decompression has no bound on its output and stops after the first gzip member. So bodies are
//! decoded here, a small piece of input at a time: one piece becomes a few megabytes at most before the bound is checked,
//! and the deadline is checked between pieces.

use std::{io::Write, mem};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use reqwest::{
    Response, Version,
    header::{CONTENT_ENCODING, HeaderMap, TRANSFER_ENCODING},
};
use tokio::task::yield_now;

use super::{deadline::Deadline, error::HttpError, redact::Secrets};

/// The value of `Accept-Encoding`: what [`BodyDecoder`] can decode.
pub(crate) const ACCEPT_ENCODING: &str = "gzip";

/// The number of compressed bytes decoded at once. Deflate expands to at most 1032 times its input.
const PIECE: usize = 4096;

/// A body that is being read.
pub(crate) struct ResponseBody<'a> {
    response: Response,
    server: String,
    decoder: BodyDecoder,
    deadline: &'a Deadline,
    limit: u64,
    /// Whether a truncated body is detected.
    has_known_end: bool,
    /// Bytes received from the network.
    received: u64,
    /// Bytes returned by `next`.
    decoded: u64,
    pending: Bytes,
}

impl<'a> ResponseBody<'a> {
    /// Checks the headers of an answer. The body may have up to `limit` bytes, before and after decoding.
    pub(crate) fn new(
        response: Response,
        server: String,
        limit: u64,
        deadline: &'a Deadline,
        secrets: &Secrets,
    ) -> Result<Self, HttpError> {
        let decoder = BodyDecoder::new(response.headers(), secrets)?;
        let length = response.content_length();
        if length.is_some_and(|length| length > limit) {
            return Err(HttpError::Limit(limit));
        }
        let has_known_end = length.is_some()
            || is_chunked(response.headers())
            || response.version() >= Version::HTTP_2
            || matches!(decoder, BodyDecoder::Gzip(_));
        Ok(Self {
            response,
            server,
            decoder,
            deadline,
            limit,
            has_known_end,
            received: 0,
            decoded: 0,
            pending: Bytes::new(),
        })
    }

    /// Returns the next part, which is never empty, or `None` after the end of a complete body.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            let is_last = self.pending.is_empty() && !self.receive().await?;
            let part = if is_last {
                self.decoder.finish()?
            } else {
                self.decoder.decode(&mut self.pending)?
            };
            self.decoded += part.len() as u64;
            if self.decoded > self.limit {
                return Err(HttpError::Limit(self.limit));
            }
            if !self.pending.is_empty() {
                // The rest may decode to a thousand times its size: let other tasks run in between.
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

    /// Returns whether a truncated body is detected. A body without a length, chunks or a trailer of its own ends where
    /// the connection ends, wherever that is.
    pub(crate) fn has_known_end(&self) -> bool {
        self.has_known_end
    }

    /// Returns the number of bytes received from the network so far.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }
}

/// Returns whether the body is sent in chunks. With any other last transfer coding it ends where the connection ends.
fn is_chunked(headers: &HeaderMap) -> bool {
    let last = headers.get_all(TRANSFER_ENCODING).iter().next_back();
    last.and_then(|value| value.as_bytes().rsplit(|byte| *byte == b',').next())
        .is_some_and(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"chunked"))
}

/// Ends the message of a timeout.
fn incomplete(received: u64) -> String {
    format!("with {received} bytes of the body received")
}

/// Undoes the content coding of a body.
enum BodyDecoder {
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// A gzip body after its end.
    Finished,
    Identity,
}

impl BodyDecoder {
    fn new(headers: &HeaderMap, secrets: &Secrets) -> Result<Self, HttpError> {
        let values = headers.get_all(CONTENT_ENCODING).iter();
        let values: Vec<&[u8]> = values.map(|value| value.as_bytes().trim_ascii()).collect();
        let name = values.join(&b", "[..]);
        match &name[..] {
            b"" => Ok(Self::Identity),
            _ if name.eq_ignore_ascii_case(b"identity") => Ok(Self::Identity),
            _ if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") => {
                Ok(Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))))
            }
            _ => Err(HttpError::Encoding(super::shown(&name, secrets))),
        }
    }

    /// Decodes the input or a piece of it, and removes what it decoded.
    fn decode(&mut self, input: &mut Bytes) -> Result<Bytes, HttpError> {
        let Self::Gzip(decoder) = self else {
            return Ok(mem::take(input));
        };
        let piece = input.split_to(input.len().min(PIECE));
        decoder.write_all(&piece).map_err(HttpError::Gzip)?;
        Ok(mem::take(decoder.get_mut()).into())
    }

    /// Checks that the encoded body is complete, and returns the rest of it.
    fn finish(&mut self) -> Result<Bytes, HttpError> {
        match mem::replace(self, Self::Finished) {
            Self::Gzip(decoder) => Ok(decoder.finish().map_err(HttpError::Gzip)?.into()),
            Self::Finished | Self::Identity => Ok(Bytes::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn a_body_is_chunked_if_that_is_its_last_transfer_coding() {
        let chunked = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(TRANSFER_ENCODING, HeaderValue::from_static(value));
            }
            is_chunked(&headers)
        };
        for values in [&["chunked"][..], &["gzip, Chunked "], &["gzip", "chunked"]] {
            assert!(chunked(values), "{values:?}");
        }
        for values in [&[][..], &["gzip"], &["chunked, gzip"], &["identity"], &[""]] {
            assert!(!chunked(values), "{values:?}");
        }
    }
}
