//! A body together with the format that it is in.

use bytes::Bytes;

use crate::Format;

/// An encoded set of metrics and its format, in one value so that body and content type cannot disagree.
///
/// A clone shares the body, so one exposition can be served many times.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Exposition {
    format: Format,
    body: Bytes,
}

impl Exposition {
    /// Puts a body and its format together. The body is taken as it is.
    pub fn new(format: Format, body: impl Into<Bytes>) -> Self {
        Self {
            format,
            body: body.into(),
        }
    }

    /// Returns the format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns the value of the `Content-Type` header.
    pub fn content_type(&self) -> &'static str {
        self.format.content_type()
    }

    /// Returns the body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the body, without copying it.
    pub fn into_body(self) -> Bytes {
        self.body
    }
}
