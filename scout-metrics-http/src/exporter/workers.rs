//! Threads for long-running work, such as compression.

use std::{num::NonZero, sync::Arc, thread::available_parallelism};

use tokio::{sync::Semaphore, task::spawn_blocking};

use scout_metrics_core::{Error, ErrorKind, Result};

/// Runs work away from the threads that serve, as many tasks at a time as there are processors.
#[derive(Clone, Debug)]
pub(super) struct Workers(Arc<Semaphore>);

impl Workers {
    /// Runs work and returns its result.
    ///
    /// Work that waits for its turn is dropped with the future. Work that has begun is completed.
    ///
    /// # Errors
    ///
    /// Those of the work; [`ErrorKind::Other`] if it panics.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        let work = move || {
            let _permit = permit;
            work()
        };
        spawn_blocking(work).await.unwrap_or_else(|error| {
            let message = "the answer could not be encoded, which is a bug";
            Err(Error::new(ErrorKind::Other, message).with_source(error))
        })
    }
}

impl Default for Workers {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Semaphore::new(processors)))
    }
}
