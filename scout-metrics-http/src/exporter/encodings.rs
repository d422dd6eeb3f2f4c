//! The encodings of the current snapshot of a source, each made once for all requests.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::HeaderValue;
use tokio::sync::OnceCell;

use scout_metrics_core::{Error, ErrorKind, Result, Snapshot};
use scout_metrics_openmetrics::{
    ContentType, EncodeError, Encoder, EscapingScheme, Format, encode_families, scout,
};

use super::{compression::ContentCoding, names, payload::Payload, workers::Workers};

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

/// The content of a representation in a coding. All content types for which it is the same share it.
#[derive(Clone, Debug)]
struct Encoded {
    payload: Payload,
    /// The scheme of the names. `None` if all schemes write the same.
    escaping: Option<EscapingScheme>,
    hash: u64,
}

impl Encoded {
    fn new(payload: Payload, escaping: Option<EscapingScheme>) -> Self {
        Self {
            hash: hash(&payload.parts),
            escaping,
            payload,
        }
    }

    /// Returns the payload with the content type that was requested.
    fn tagged(&self, requested: Representation) -> TaggedPayload {
        let mut payload = self.payload.clone();
        if let Representation::Metrics(content_type) = requested {
            let escaping = self.escaping.unwrap_or(content_type.escaping());
            payload.content_type = content_type.with_escaping(escaping).as_str();
        }
        let tag = format!("\"{:016x}\"", hash(&(payload.content_type, self.hash)));
        let tag = tag.try_into().expect("digits and letters are visible");
        TaggedPayload { payload, tag }
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

type Key = (Representation, ContentCoding);

/// The encodings of one snapshot. They are dropped when another snapshot is requested.
///
/// There are at most two of each format and escaping scheme and of JSON, whatever clients request, and only two of each
/// format as long as all names are plain.
#[derive(Debug, Default)]
pub(super) struct Encodings {
    current: Mutex<Current>,
    workers: Workers,
}

#[derive(Debug, Default)]
struct Current {
    snapshot: Option<Snapshot>,
    has_plain_names: bool,
    cells: Vec<(Key, Arc<OnceCell<Encoded>>)>,
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
        let cell = self.cell(snapshot, representation, coding);
        if let Some(encoded) = cell.get() {
            return Ok(encoded.tagged(representation));
        }
        let plain = self.cell(snapshot, representation, ContentCoding::Identity);
        let (snapshot, workers) = (snapshot.clone(), self.workers.clone());
        let make = move || {
            let (payload, escaping) = match plain.get() {
                Some(plain) => (plain.payload.clone(), plain.escaping),
                None => encode(&snapshot, representation)?,
            };
            Ok(Encoded::new(payload.encoded(coding), escaping))
        };
        // A separate task completes the encoding even if this client disconnects.
        let task = tokio::spawn(async move {
            let made = cell.get_or_try_init(|| workers.run(make)).await;
            made.map(|encoded| encoded.tagged(representation))
        });
        task.await.unwrap_or_else(|error| {
            let message = "the snapshot could not be encoded, because the runtime shuts down";
            Err(Error::new(ErrorKind::Other, message).with_source(error))
        })
    }

    fn cell(
        &self,
        snapshot: &Snapshot,
        representation: Representation,
        coding: ContentCoding,
    ) -> Arc<OnceCell<Encoded>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = |current: &Snapshot| current.is_same(snapshot);
        if !current.snapshot.as_ref().is_some_and(is_current) {
            current.snapshot = Some(snapshot.clone());
            current.has_plain_names = names::are_plain(snapshot);
            current.cells.clear();
        }
        let key = (representation.shared(current.has_plain_names), coding);
        if let Some((_, cell)) = current.cells.iter().find(|(of, _)| *of == key) {
            return Arc::clone(cell);
        }
        let cell = Arc::default();
        current.cells.push((key, Arc::clone(&cell)));
        cell
    }
}

impl Representation {
    /// Returns one of the representations that have the same content.
    fn shared(self, has_plain_names: bool) -> Self {
        let Self::Metrics(content_type) = self else {
            return self;
        };
        let lossless = ContentType::from(content_type.format());
        Self::Metrics(match has_plain_names {
            true => lossless,
            false => lossless.with_escaping(content_type.escaping()),
        })
    }
}

fn encode(
    snapshot: &Snapshot,
    representation: Representation,
) -> Result<(Payload, Option<EscapingScheme>)> {
    let Representation::Metrics(content_type) = representation else {
        return Ok((Payload::json(snapshot)?, None));
    };
    if content_type.format() == Format::Protobuf {
        let families = scout::families([(snapshot, &[][..])])?;
        let encode = |content_type| encode_families(&families, content_type);
        let (content_type, exposition) =
            names::encode(content_type, encode).map_err(fault(snapshot))?;
        let escaping = (!names::are_plain(snapshot)).then(|| content_type.escaping());
        return Ok((
            Payload::new(content_type.as_str(), exposition.into_body()),
            escaping,
        ));
    }
    let encode = |content_type| {
        let mut encoder = Encoder::new(String::new(), content_type);
        scout::encode_into(&mut encoder, [(snapshot, &[][..])])?;
        let has_escaped_names = encoder.has_escaped_names();
        Ok((encoder.finish()?, has_escaped_names))
    };
    let (content_type, (text, has_escaped_names)) =
        names::encode(content_type, encode).map_err(fault(snapshot))?;
    let escaping = has_escaped_names.then(|| content_type.escaping());
    Ok((Payload::new(content_type.as_str(), text), escaping))
}

fn fault(snapshot: &Snapshot) -> impl Fn(EncodeError) -> Error {
    |error| {
        Error::new(ErrorKind::Other, "the snapshot cannot be encoded")
            .with_organization(snapshot.organization())
            .with_source(error)
    }
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
