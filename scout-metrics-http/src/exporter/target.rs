//! A source together with what was last encoded of it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use scout_metrics_core::{MetricsSource, Result, Snapshot};
use scout_metrics_openmetrics::{Exposition, Format, scout};

/// One source, and the expositions of the last snapshot that it returned.
pub(super) struct Target {
    source: Arc<dyn MetricsSource>,
    encoded: Mutex<Vec<(Snapshot, Exposition)>>,
}

impl Target {
    pub(super) fn new(source: Arc<dyn MetricsSource>) -> Self {
        Self {
            source,
            encoded: Mutex::default(),
        }
    }

    /// Scrapes the source and returns the exposition, encoded anew only if the snapshot is another one.
    pub(super) async fn exposition(&self, format: Format) -> Result<Exposition> {
        let snapshot = self.source.scrape().await?;
        Ok(self.encode(&snapshot, format))
    }

    fn encode(&self, snapshot: &Snapshot, format: Format) -> Exposition {
        // Held while encoding, so that many readers of a new snapshot wait for one encoding instead of doing it each.
        let mut encoded = self.encoded.lock().unwrap_or_else(PoisonError::into_inner);
        encoded.retain(|(of, _)| of.is_same(snapshot));
        let known = encoded.iter().find(|(_, known)| known.format() == format);
        if let Some((_, exposition)) = known {
            return exposition.clone();
        }
        let exposition = scout::encode(snapshot, format);
        encoded.push((snapshot.clone(), exposition.clone()));
        exposition
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

    fn snapshot(stream: &str) -> Snapshot {
        Snapshot::new(
            Organization::new("acme").unwrap(),
            [Stream::new(stream).with_vulnerabilities("1C".parse().unwrap())],
        )
        .unwrap()
    }

    fn is_same_memory(a: &Exposition, b: &Exposition) -> bool {
        std::ptr::eq(a.body().as_ptr(), b.body().as_ptr())
    }

    #[tokio::test]
    async fn the_body_is_encoded_once_for_each_snapshot_and_format() {
        let source = MemorySource::new(snapshot("production"));
        let target = Target::new(Arc::new(source.clone()));

        let first = target.exposition(Format::Prometheus).await.unwrap();
        let other_format = target.exposition(Format::OpenMetrics).await.unwrap();
        let again = target.exposition(Format::Prometheus).await.unwrap();
        assert!(is_same_memory(&first, &again));
        assert_eq!(other_format.format(), Format::OpenMetrics);

        source.set(Ok(snapshot("staging")));
        let later = target.exposition(Format::Prometheus).await.unwrap();
        assert_ne!(first.body(), later.body());
        assert_eq!(target.encoded.lock().unwrap().len(), 1);
    }
}
