//! What a response says, and how it is written.

use std::{
    convert::Infallible,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{body::Body as ResponseBody, http::HeaderValue};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use serde::Serialize;

use scout_metrics_openmetrics::Exposition;

use super::coding::Coding;

/// A body in one format and coding.
#[derive(Clone, Debug)]
pub(super) struct Body {
    content_type: &'static str,
    coding: Coding,
    parts: Parts,
}

impl Body {
    /// Takes a body that is not encoded.
    pub(super) fn new(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self::of_parts(content_type, Coding::Identity, bytes.into(), Bytes::new())
    }

    /// Takes a body that is written in a coding, in two parts.
    pub(super) fn of_parts(
        content_type: &'static str,
        coding: Coding,
        beginning: Bytes,
        end: Bytes,
    ) -> Self {
        Self {
            content_type,
            coding,
            parts: Parts([beginning, end]),
        }
    }

    /// Writes a value as JSON.
    pub(super) fn json(value: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(value).expect("the models have names as keys");
        Self::new("application/json", bytes)
    }

    /// Returns the same body in a coding. This one must be whole and not encoded.
    pub(super) fn encoded(&self, coding: Coding) -> Self {
        debug_assert_eq!(self.coding, Coding::Identity, "a body is encoded once");
        let [whole, end] = &self.parts.0;
        debug_assert!(end.is_empty(), "a body is encoded as a whole");
        let bytes = coding.encode(whole);
        Self::of_parts(self.content_type, coding, bytes, Bytes::new())
    }

    pub(super) fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(self.content_type)
    }

    pub(super) fn coding(&self) -> Coding {
        self.coding
    }

    /// Returns the parts, of which the second one is mostly empty.
    pub(super) fn parts(&self) -> &[Bytes; 2] {
        &self.parts.0
    }
}

impl From<Exposition> for Body {
    fn from(exposition: Exposition) -> Self {
        Self::new(exposition.content_type(), exposition.into_body())
    }
}

impl From<Body> for ResponseBody {
    fn from(body: Body) -> Self {
        Self::new(body.parts)
    }
}

/// What is sent one after the other, without ever being put together in memory.
#[derive(Clone, Debug)]
struct Parts([Bytes; 2]);

impl hyper::body::Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.iter_mut().find(|part| !part.is_empty());
        Poll::Ready(next.map(|part| Ok(Frame::data(mem::take(part)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|part| part.len() as u64).sum())
    }
}
