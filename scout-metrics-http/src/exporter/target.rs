//! A source together with what was last encoded of it.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use axum::http::HeaderValue;

use scout_metrics_core::{MetricsSource, Result, Snapshot};
use scout_metrics_openmetrics::{Format, scout};

use super::{body::Body, coding::Coding, latest::Latest};

/// What a snapshot is written as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Json,
    Metrics(Format),
}

/// A body, with the entity tag that tells it from others.
#[derive(Clone)]
pub(super) struct Entity {
    pub(super) body: Body,
    pub(super) tag: HeaderValue,
}

impl Entity {
    fn new(body: Body) -> Self {
        let mut hasher = DefaultHasher::new();
        body.content_type().hash(&mut hasher);
        body.parts().hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        let tag = tag.try_into().expect("digits and letters are visible");
        Self { body, tag }
    }
}

/// One source, and what was written of the last snapshot that it returned.
pub(super) struct Target {
    source: Arc<dyn MetricsSource>,
    entities: Latest<Snapshot, (Kind, Coding), Entity>,
}

impl Target {
    pub(super) fn new(source: Arc<dyn MetricsSource>) -> Self {
        Self {
            source,
            entities: Latest::new(Snapshot::is_same),
        }
    }

    /// Scrapes the source and returns the snapshot as what it is written, anew only if it is another one.
    pub(super) async fn entity(&self, kind: Kind, coding: Coding) -> Result<(Snapshot, Entity)> {
        let snapshot = self.source.scrape().await?;
        let plain = (kind, Coding::Identity);
        let make = move |snapshot: &Snapshot| Entity::new(encode(snapshot, kind));
        let mut entity = self.entities.get(&snapshot, plain, make).await;
        if coding != Coding::Identity {
            let make = move |_: &Snapshot| Entity::new(entity.body.encoded(coding));
            entity = self.entities.get(&snapshot, (kind, coding), make).await;
        }
        Ok((snapshot, entity))
    }
}

fn encode(snapshot: &Snapshot, kind: Kind) -> Body {
    match kind {
        Kind::Json => Body::json(snapshot),
        Kind::Metrics(format) => Body::from(scout::encode(snapshot, format)),
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scout_metrics_core::{MemorySource, Organization, Stream};

    const PLAIN: Kind = Kind::Metrics(Format::Prometheus);

    fn snapshot(stream: &str) -> Snapshot {
        Snapshot::new(
            Organization::new("acme").unwrap(),
            [Stream::new(stream).with_vulnerabilities("1C".parse().unwrap())],
        )
        .unwrap()
    }

    #[tokio::test]
    async fn a_body_is_encoded_once_for_each_snapshot_and_kind_and_coding() {
        let memory = MemorySource::new(snapshot("production"));
        let target = Target::new(Arc::new(memory.clone()));
        let body = async |kind, coding| {
            let (_, entity) = target.entity(kind, coding).await.unwrap();
            entity.body.parts()[0].clone()
        };

        let mut seen = Vec::new();
        for kind in [PLAIN, Kind::Metrics(Format::OpenMetrics), Kind::Json] {
            for coding in [Coding::Zstd, Coding::Gzip, Coding::Identity] {
                let first = body(kind, coding).await;
                let again = body(kind, coding).await;
                assert_eq!(first.as_ptr(), again.as_ptr(), "{kind:?} {coding:?}");
                seen.push(first);
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 9);

        let before = body(PLAIN, Coding::Gzip).await;
        memory.set(Ok(snapshot("staging")));
        assert_ne!(before, body(PLAIN, Coding::Gzip).await);
    }
}
