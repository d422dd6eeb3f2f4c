//! Bodies that are encoded once and served many times.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::http::HeaderValue;
use bytes::Bytes;
use serde::Serialize;

use scout_metrics_openmetrics::Exposition;

use super::coding::Coding;

/// A body in one format and coding, with the entity tag that tells it from others.
#[derive(Clone, Debug)]
pub(super) struct Body {
    content_type: &'static str,
    coding: Coding,
    bytes: Bytes,
    tag: u64,
}

impl Body {
    /// Takes a body that is not encoded.
    pub(super) fn new(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let mut hasher = DefaultHasher::new();
        (content_type, &bytes).hash(&mut hasher);
        Self {
            content_type,
            coding: Coding::Identity,
            bytes,
            tag: hasher.finish(),
        }
    }

    /// Writes a value as JSON.
    pub(super) fn json(value: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(value).expect("the models have names as keys");
        Self::new("application/json", bytes)
    }

    /// Returns the same body in a coding. This one must not be encoded.
    pub(super) fn encoded(&self, coding: Coding) -> Self {
        debug_assert_eq!(self.coding, Coding::Identity, "a body is encoded once");
        Self {
            coding,
            bytes: coding.encode(&self.bytes),
            ..*self
        }
    }

    pub(super) fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(self.content_type)
    }

    pub(super) fn coding(&self) -> Coding {
        self.coding
    }

    /// Returns the value of the `ETag` header.
    pub(super) fn tag(&self) -> HeaderValue {
        let tag = format!("\"{:016x}{}\"", self.tag, self.coding.tag_suffix());
        tag.try_into()
            .expect("digits, letters and hyphens are visible")
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl From<Exposition> for Body {
    fn from(exposition: Exposition) -> Self {
        Self::new(exposition.content_type(), exposition.into_body())
    }
}

/// The bodies of one state of what they are made of, kept until there is another state.
#[derive(Debug)]
pub(super) struct Bodies<S, K> {
    state: Option<S>,
    bodies: Vec<(K, Body)>,
}

impl<S, K: Copy + PartialEq> Bodies<S, K> {
    /// Returns the body for a key and a coding, encoding it if that was not done yet for this state.
    pub(super) fn get(
        &mut self,
        state: &S,
        is_same: impl FnOnce(&S, &S) -> bool,
        key: K,
        coding: Coding,
        encode: impl FnOnce(&S) -> Body,
    ) -> Body
    where
        S: Clone,
    {
        if !self.state.as_ref().is_some_and(|of| is_same(of, state)) {
            self.state = Some(state.clone());
            self.bodies.clear();
        }
        if let Some(body) = self.find(key, coding) {
            return body;
        }
        let plain = self.find(key, Coding::Identity).unwrap_or_else(|| {
            let body = encode(state);
            self.bodies.push((key, body.clone()));
            body
        });
        if coding == Coding::Identity {
            return plain;
        }
        let body = plain.encoded(coding);
        self.bodies.push((key, body.clone()));
        body
    }

    fn find(&self, key: K, coding: Coding) -> Option<Body> {
        let mut bodies = self.bodies.iter();
        let found = bodies.find(|(of, body)| *of == key && body.coding == coding);
        found.map(|(_, body)| body.clone())
    }
}

impl<S, K> Default for Bodies<S, K> {
    fn default() -> Self {
        Self {
            state: None,
            bodies: Vec::new(),
        }
    }
}
