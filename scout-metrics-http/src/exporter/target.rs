//! A source together with what was last encoded of it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use scout_metrics_core::{MetricsSource, Result, Snapshot};
use scout_metrics_openmetrics::{Format, scout};

use super::{
    body::{Bodies, Body},
    coding::Coding,
};

/// What a snapshot is written as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Json,
    Metrics(Format),
}

/// One source, and the bodies of the last snapshot that it returned.
pub(super) struct Target {
    source: Arc<dyn MetricsSource>,
    bodies: Mutex<Bodies<Snapshot, Kind>>,
}

impl Target {
    pub(super) fn new(source: Arc<dyn MetricsSource>) -> Self {
        Self {
            source,
            bodies: Mutex::default(),
        }
    }

    /// Scrapes the source and returns the snapshot with its body, encoded anew only if the snapshot is another one.
    pub(super) async fn body(&self, kind: Kind, coding: Coding) -> Result<(Snapshot, Body)> {
        let snapshot = self.source.scrape().await?;
        // Held while encoding, so that many readers of a new snapshot wait for one encoding instead of doing it each.
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let body = bodies.get(&snapshot, Snapshot::is_same, kind, coding, |snapshot| {
            encode(snapshot, kind)
        });
        Ok((snapshot, body))
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
        let body = async |kind, coding| target.body(kind, coding).await.unwrap().1.into_bytes();

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
