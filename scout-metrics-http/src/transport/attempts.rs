//! The attempts of one call, and the pauses between them.

use std::{error::Error as StdError, time::Duration};

use scout_metrics_core::{Error, ErrorKind, Result};
use tokio::time::sleep;

use super::{deadline::Deadline, retry::RetryPolicy};

/// Counts the attempts of one call.
pub(crate) struct Attempts<'a> {
    retry: &'a RetryPolicy,
    deadline: &'a Deadline,
    number: u32,
    previous: Option<Error>,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(retry: &'a RetryPolicy, deadline: &'a Deadline) -> Self {
        Self {
            retry,
            deadline,
            number: 1,
            previous: None,
        }
    }

    /// Returns the number of the current attempt, counted from 1.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Waits until it is time for another attempt.
    ///
    /// # Errors
    ///
    /// Returns the error of the current attempt if another cannot help, or if there is no time for one.
    pub(crate) async fn wait_after(&mut self, error: Error) -> Result<()> {
        let delay = self.retry.delay(self.number, &error);
        let Some(delay) = delay.filter(|delay| self.deadline.leaves(*delay)) else {
            return Err(with_previous(error, self.previous.take()));
        };
        log_failure(self.number, delay, &error);
        sleep(delay).await;
        self.number += 1;
        self.previous = Some(error);
        Ok(())
    }
}

fn log_failure(attempt: u32, delay: Duration, error: &(dyn StdError + 'static)) {
    tracing::warn!(attempt, ?delay, error, "the attempt failed");
}

/// Adds the error of the previous attempt to a timeout that has no cause of its own.
fn with_previous(error: Error, previous: Option<Error>) -> Error {
    match previous {
        Some(previous) if error.kind() == ErrorKind::Timeout && error.source().is_none() => {
            error.with_source(previous)
        }
        _ => error,
    }
}
