//! A body together with its content type.

use bytes::Bytes;

use crate::{ContentType, Format};

/// An encoded set of metrics and its content type, in one value so that body and header cannot disagree.
///
/// A clone shares the body, so one exposition can be served many times.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Exposition {
    content_type: ContentType,
    body: Bytes,
}

impl Exposition {
    /// Puts a body and its content type, or its [`Format`], together. The body is taken as it is.
    pub fn new(content_type: impl Into<ContentType>, body: impl Into<Bytes>) -> Self {
        Self {
            content_type: content_type.into(),
            body: body.into(),
        }
    }

    /// Returns the format.
    pub fn format(&self) -> Format {
        self.content_type.format()
    }

    /// Returns the content type, whose [`as_str`](ContentType::as_str) is the value of the `Content-Type` header.
    pub fn content_type(&self) -> ContentType {
        self.content_type
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
