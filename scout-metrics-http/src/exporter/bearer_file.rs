//! A bearer token in a file, checked without blocking a thread that serves requests.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Mutex as AsyncMutex,
    time::{Instant, timeout},
};

use scout_metrics_core::Result;

use crate::token::{Token, TokenFile};

/// How long a token that was read is accepted before the file is read again.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long a request waits for the file. A disk or network share that hangs must not hang the exporter.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// A file that holds a bearer token.
///
/// A replaced token is refused after [`READ_AGAIN_AFTER`] at most, and a new one is accepted at once, because a token
/// that does not match makes the file be read again.
#[derive(Clone, Debug)]
pub(super) struct BearerFile {
    file: Arc<TokenFile>,
    last_read: Arc<Mutex<Instant>>,
    /// Held while the file is read, so that at most one thread waits for a disk that hangs.
    reading: Arc<AsyncMutex<()>>,
}

impl BearerFile {
    /// Opens a file. Blocks this thread.
    ///
    /// # Errors
    ///
    /// [`Config`](scout_metrics_core::ErrorKind::Config) if it holds no token that can be used.
    pub(super) fn open(file: TokenFile) -> Result<Self> {
        file.token_blocking()?;
        Ok(Self {
            file: Arc::new(file),
            last_read: Arc::new(Mutex::new(Instant::now())),
            reading: Arc::default(),
        })
    }

    /// Returns the token of the file, not older than [`READ_AGAIN_AFTER`].
    pub(super) async fn token(&self) -> Option<Token> {
        if self.last_read().elapsed() >= READ_AGAIN_AFTER {
            self.read_after(Instant::now()).await;
        }
        self.file.last_good()
    }

    /// Returns the token of the file as it is now.
    pub(super) async fn token_now(&self) -> Option<Token> {
        self.read_after(Instant::now()).await;
        self.file.last_good()
    }

    /// Reads the file, unless another request has started reading it after this time.
    async fn read_after(&self, earliest: Instant) {
        let read = async {
            let reading = Arc::clone(&self.reading).lock_owned().await;
            if self.last_read() > earliest {
                return;
            }
            let this = self.clone();
            // A separate task, so that a read that has started completes even if the client disconnects.
            let read = tokio::spawn(async move {
                let begin = Instant::now();
                // The token file keeps the last good token and logs the error.
                let _ = this.file.token().await;
                *this
                    .last_read
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = begin;
                drop(reading);
            });
            let _ = read.await;
        };
        let _ = timeout(MAX_WAIT, read).await;
    }

    fn last_read(&self) -> Instant {
        *self
            .last_read
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
