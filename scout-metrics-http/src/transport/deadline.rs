//! The time by which a fetch must be complete.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::error::HttpError;

/// The end of a fetch with all its attempts and pauses. Monotonic: changes of the wall clock do not matter.
pub(crate) struct Deadline {
    at: Instant,
    timeout: Duration,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        // `Instant` cannot hold now plus `Duration::MAX`.
        const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
        Self {
            at: Instant::now() + timeout.min(THIRTY_YEARS),
            timeout,
        }
    }

    /// Waits for a future until the deadline. The error ends in `stage`, such as "waiting for an answer".
    pub(crate) async fn bound<F: Future>(
        &self,
        future: F,
        stage: impl FnOnce() -> String,
    ) -> Result<F::Output, HttpError> {
        timeout_at(self.at, future)
            .await
            .map_err(|_| HttpError::Timeout {
                timeout: self.timeout,
                stage: stage(),
            })
    }

    /// Returns whether there is more time than `delay`.
    pub(crate) fn leaves(&self, delay: Duration) -> bool {
        self.at.saturating_duration_since(Instant::now()) > delay
    }
}
