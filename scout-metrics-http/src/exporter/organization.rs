//! One organization: its source, and the encodings of its snapshots.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::time::timeout;

use scout_metrics_core::{Error, ErrorKind, MetricsSource, Result, Snapshot};

use super::encodings::Encodings;

/// An organization that is served.
#[derive(Debug)]
pub(super) struct ServedOrganization {
    source: Arc<dyn MetricsSource>,
    pub(super) encodings: Encodings,
}

impl ServedOrganization {
    pub(super) fn new(source: Arc<dyn MetricsSource>, encodings: Encodings) -> Self {
        Self { source, encodings }
    }

    /// Scrapes the source.
    ///
    /// # Errors
    ///
    /// Those of the source; [`ErrorKind::Unavailable`] if it does not answer within a limit, and [`ErrorKind::Other`]
    /// if it panics.
    pub(super) async fn scrape(&self, limit: Duration) -> Result<Snapshot> {
        let scrape = AssertUnwindSafe(self.source.scrape()).catch_unwind();
        let error = match timeout(limit, scrape).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(_panic)) => Error::new(ErrorKind::Other, "the source panicked"),
            Err(_elapsed) => {
                let message = format!("the source has not answered within {limit:?}");
                Error::new(ErrorKind::Unavailable, message)
            }
        };
        Err(error.with_organization(self.source.organization()))
    }
}
