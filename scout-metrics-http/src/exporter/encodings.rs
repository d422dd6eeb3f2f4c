//! The encodings of the current snapshot of a source, each made once for all requests.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::HeaderValue;
use tokio::sync::OnceCell;

use scout_metrics_core::{Error, ErrorKind, Result, Snapshot};
use scout_metrics_openmetrics::{ContentType, Encoder, scout};

use super::{compression::ContentCoding, payload::Payload, workers::Workers};

/// A form of a snapshot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Representation {
    Json,
    Metrics(ContentType),
}

/// A payload and its entity tag.
#[derive(Clone, Debug)]
pub(super) struct TaggedPayload {
    pub(super) payload: Payload,
    pub(super) tag: HeaderValue,
}

impl TaggedPayload {
    fn new(payload: Payload) -> Self {
        let mut hasher = DefaultHasher::new();
        payload.content_type.hash(&mut hasher);
        payload.parts.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        let tag = tag.try_into().expect("digits and letters are visible");
        Self { payload, tag }
    }
}

type Key = (Representation, ContentCoding);

/// The encodings of one snapshot. They are dropped when another snapshot is requested.
#[derive(Debug, Default)]
pub(super) struct Encodings {
    current: Mutex<Current>,
    workers: Workers,
}

#[derive(Debug, Default)]
struct Current {
    snapshot: Option<Snapshot>,
    cells: Vec<(Key, Arc<OnceCell<TaggedPayload>>)>,
}

impl Encodings {
    pub(super) fn new(workers: Workers) -> Self {
        Self {
            current: Mutex::default(),
            workers,
        }
    }

    /// Returns a snapshot in a representation and coding. Requests for an encoding that is being made wait for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Other`] if the snapshot cannot be encoded. The next request tries again.
    pub(super) async fn get(
        &self,
        snapshot: &Snapshot,
        representation: Representation,
        coding: ContentCoding,
    ) -> Result<TaggedPayload> {
        let cell = self.cell(snapshot, (representation, coding));
        if let Some(payload) = cell.get() {
            return Ok(payload.clone());
        }
        let plain = self.cell(snapshot, (representation, ContentCoding::Identity));
        let (snapshot, workers) = (snapshot.clone(), self.workers.clone());
        let make = move || {
            let plain = match plain.get() {
                Some(plain) => plain.payload.clone(),
                None => encode(&snapshot, representation)?,
            };
            Ok(TaggedPayload::new(plain.encoded(coding)))
        };
        // A separate task completes the encoding even if this client disconnects.
        let task = tokio::spawn(async move {
            let made = cell.get_or_try_init(|| workers.run(make)).await;
            made.cloned()
        });
        task.await.unwrap_or_else(|error| {
            let message = "the snapshot could not be encoded, because the runtime shuts down";
            Err(Error::new(ErrorKind::Other, message).with_source(error))
        })
    }

    fn cell(&self, snapshot: &Snapshot, key: Key) -> Arc<OnceCell<TaggedPayload>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = |current: &Snapshot| current.is_same(snapshot);
        if !current.snapshot.as_ref().is_some_and(is_current) {
            current.snapshot = Some(snapshot.clone());
            current.cells.clear();
        }
        if let Some((_, cell)) = current.cells.iter().find(|(of, _)| *of == key) {
            return Arc::clone(cell);
        }
        let cell = Arc::default();
        current.cells.push((key, Arc::clone(&cell)));
        cell
    }
}

fn encode(snapshot: &Snapshot, representation: Representation) -> Result<Payload> {
    let Representation::Metrics(content_type) = representation else {
        return Payload::json(snapshot);
    };
    let mut encoder = Encoder::new(String::new(), content_type);
    let encoded = scout::encode_into(&mut encoder, [(snapshot, &[][..])]);
    let text = encoded.and_then(|()| encoder.finish()).map_err(|error| {
        Error::new(ErrorKind::Other, "the snapshot cannot be encoded")
            .with_organization(snapshot.organization())
            .with_source(error)
    })?;
    Ok(Payload::new(content_type.as_str(), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use scout_metrics_core::{Organization, Stream};

    const PLAIN: Representation = Representation::Metrics(ContentType::TEXT_0_0_4);

    fn snapshot(stream: &str) -> Snapshot {
        Snapshot::new(
            Organization::new("acme").unwrap(),
            [Stream::new(stream).with_vulnerabilities("1C".parse().unwrap())],
        )
        .unwrap()
    }

    #[tokio::test]
    async fn each_encoding_of_a_snapshot_is_made_once() {
        let encodings = Encodings::default();
        let production = snapshot("production");
        let bytes = async |snapshot: &Snapshot, representation, coding| {
            let tagged = encodings.get(snapshot, representation, coding).await;
            tagged.unwrap().payload.parts[0].clone()
        };

        let mut seen = Vec::new();
        for representation in [
            PLAIN,
            Representation::Metrics(ContentType::OPENMETRICS_1_0_0),
            Representation::Json,
        ] {
            for coding in [ContentCoding::Gzip, ContentCoding::Identity] {
                let first = bytes(&production, representation, coding).await;
                let again = bytes(&production, representation, coding).await;
                assert_eq!(first.as_ptr(), again.as_ptr());
                seen.push(first);
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 6);

        let gzip = ContentCoding::Gzip;
        let before = bytes(&production, PLAIN, gzip).await;
        assert_ne!(before, bytes(&snapshot("staging"), PLAIN, gzip).await);
    }

    #[tokio::test]
    async fn concurrent_requests_share_one_encoding_and_one_that_leaves_does_not_end_it() {
        let encodings = Arc::new(Encodings::default());
        let production = snapshot("production");
        let get = || encodings.get(&production, PLAIN, ContentCoding::Gzip);
        assert!(get().now_or_never().is_none(), "polled once and dropped");
        let (first, second) = tokio::join!(get(), get());
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!(
            first.payload.parts[0].as_ptr(),
            second.payload.parts[0].as_ptr()
        );
    }
}
