//! The content of a response: its bytes, media type and coding.

use bytes::Bytes;
use serde::Serialize;

use scout_metrics_core::{Error, ErrorKind, Result};

use super::compression::ContentCoding;

/// The content of a response, in one media type and coding.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    pub(super) content_type: &'static str,
    pub(super) coding: ContentCoding,
    /// Sent one after the other, so that many responses can share a large second part.
    pub(super) parts: [Bytes; 2],
}

impl Payload {
    /// Creates a payload that is not encoded.
    pub(super) fn new(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self::of_parts(content_type, [bytes.into(), Bytes::new()])
    }

    /// Creates a payload of two parts that is not encoded.
    pub(super) fn of_parts(content_type: &'static str, parts: [Bytes; 2]) -> Self {
        Self {
            content_type,
            coding: ContentCoding::Identity,
            parts,
        }
    }

    /// Returns the length of both parts.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(Bytes::len).sum()
    }

    /// Creates a payload of a value as JSON.
    pub(super) fn json(value: &impl Serialize) -> Result<Self> {
        let bytes = serde_json::to_vec(value).map_err(|error| {
            Error::new(ErrorKind::Other, "the answer cannot be written as JSON").with_source(error)
        })?;
        Ok(Self::new("application/json", bytes))
    }

    /// Encodes a payload that is not encoded yet.
    pub(super) fn encoded(self, coding: ContentCoding) -> Self {
        debug_assert_eq!(self.coding, ContentCoding::Identity, "encoded once");
        Self {
            content_type: self.content_type,
            coding,
            parts: coding.encode(self.parts),
        }
    }
}
