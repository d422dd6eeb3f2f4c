//! The time by which a fetch must be over.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::error::HttpError;

/// The end of a fetch, with all its attempts and waiting. Monotonic: changes of the wall clock do not matter.
pub(crate) struct Deadline {
    at: Instant,
    timeout: Duration,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        // Thirty years stand for ever: a timeout of `Duration::MAX` is no time of the clock.
        const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
        Self {
            at: Instant::now() + timeout.min(FOREVER),
            timeout,
        }
    }

    /// Waits for a future until the deadline. `waited_for` begins the message of the error: "no answer came".
    pub(crate) async fn bound<F: Future>(
        &self,
        future: F,
        waited_for: impl FnOnce() -> String,
    ) -> Result<F::Output, HttpError> {
        timeout_at(self.at, future)
            .await
            .map_err(|_| HttpError::Timeout {
                waited_for: waited_for(),
                timeout: self.timeout,
            })
    }

    /// Returns whether there is more time than `delay`.
    pub(crate) fn leaves(&self, delay: Duration) -> bool {
        self.at.saturating_duration_since(Instant::now()) > delay
    }
}
