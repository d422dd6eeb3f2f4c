//! A small HTTP/1.1 server around a router.

use std::{
    fmt, future::Future, io, iter, net::TcpListener as StdTcpListener, pin::pin, sync::Arc,
    time::Duration,
};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use scout_metrics_core::{Error, ErrorKind, Result};

use super::connection::{Connections, Timeouts};
#[cfg(feature = "exporter-tls")]
use {super::tls, std::path::PathBuf, tokio_rustls::TlsAcceptor};

/// How long to wait when the process has no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves a router over HTTP/1.1 on a TCP listener, with bounds on what a client can use up.
///
/// A request's head may have 32 KiB and 100 headers; the time it takes, the time a response waits for its reader, and
/// the number of connections are options. With the feature `exporter-tls` it speaks TLS. For HTTP/2 or other listeners use
/// a server of your own, or a proxy in front of this one: the router is independent of it.
///
/// ```
/// use std::net::TcpListener;
///
/// use scout_metrics_http::exporter::{Exporter, Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// println!("listening on http://{}", listener.local_addr()?);
///
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let server = Server::new(Exporter::new().into_router()?);
/// let running = tokio::spawn(server.serve(listener, async move { drop(stopped.await) }));
///
/// stop.send(()).expect("the server waits for it");
/// running.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Server {
    router: Router,
    timeouts: Timeouts,
    max_connections: usize,
    shutdown_timeout: Duration,
    #[cfg(feature = "exporter-tls")]
    tls: Option<TlsAcceptor>,
}

impl Server {
    /// Creates a server of a router.
    pub fn new(router: Router) -> Self {
        Self {
            router,
            timeouts: Timeouts {
                head: Duration::from_secs(30),
                write: Duration::from_secs(30),
            },
            max_connections: 1024,
            shutdown_timeout: Duration::from_secs(8),
            #[cfg(feature = "exporter-tls")]
            tls: None,
        }
    }

    /// Sets how long a client may take for the head of a request, idle time before it included; 30 seconds by default.
    #[must_use]
    pub fn with_head_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.head = timeout;
        self
    }

    /// Sets how long a client may leave a response unread before it is disconnected; 30 seconds by default.
    #[must_use]
    pub fn with_write_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.write = timeout;
        self
    }

    /// Sets how many connections are served at once, at least 1; 1024 by default. Further ones wait to be accepted.
    #[must_use]
    pub fn with_max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// Sets how long requests that are under way at shutdown may take to finish.
    ///
    /// 8 seconds by default: container runtimes kill what has not ended 10 seconds after it was asked to.
    #[must_use]
    pub fn with_shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// Serves over TLS 1.2 and 1.3, with the certificate chain and the private key of these PEM files.
    ///
    /// The files are looked at for each connection and read again when they changed, so that a certificate can be
    /// renewed without a restart. While they cannot be used, for example because only one of them is new, the last
    /// ones stay in use. The time for a handshake is that for the [head](Self::with_head_timeout) of a request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a file cannot be read or holds no certificate or key, or if they do not belong
    /// together.
    #[cfg(feature = "exporter-tls")]
    pub fn with_tls(
        mut self,
        certificates: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self> {
        self.tls = Some(tls::acceptor(certificates.into(), key.into())?);
        Ok(self)
    }

    /// Serves until `shutdown` completes, then lets the requests under way finish, those included whose connection
    /// still waits to be accepted.
    ///
    /// Has to run in a Tokio runtime. Dropping the future closes the listener and all connections.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the listener cannot be used. A connection that fails concerns that connection alone.
    pub async fn serve(
        self,
        listener: StdTcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<()> {
        let listener = into_async(listener).map_err(|cause| {
            Error::new(ErrorKind::Config, "cannot use the listener").with_source(cause)
        })?;
        let slots = Arc::new(Semaphore::new(self.max_connections));
        let mut connections = Connections::new(
            self.router,
            self.timeouts,
            #[cfg(feature = "exporter-tls")]
            self.tls,
        );
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                () = connections.ended() => {}
                (stream, slot) = accept(&listener, &slots) => connections.serve(stream, Some(slot)),
            }
        }
        for stream in queued(listener) {
            connections.serve(stream, None);
        }
        if timeout(self.shutdown_timeout, connections.finish())
            .await
            .is_err()
        {
            tracing::warn!("connections were still busy at the end of the shutdown timeout");
        }
        Ok(())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("timeouts", &self.timeouts)
            .field("max_connections", &self.max_connections)
            .field("shutdown_timeout", &self.shutdown_timeout)
            .finish_non_exhaustive()
    }
}

fn into_async(listener: StdTcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Returns the connections that wait in the listener's queue, whose clients have long been told that they are
/// connected, and closes it. The system bounds how many there can be.
fn queued(listener: TcpListener) -> Vec<TcpStream> {
    let Ok(listener) = listener.into_std() else {
        return Vec::new();
    };
    iter::from_fn(|| listener.accept().ok())
        .filter_map(|(stream, _)| {
            stream.set_nonblocking(true).ok()?;
            TcpStream::from_std(stream).ok()
        })
        .collect()
}

/// Waits for a free slot first, so that connections beyond the limit stay in the listener's queue.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) if is_gone(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Returns whether an error is about the connection that was to be accepted, which left before.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}
