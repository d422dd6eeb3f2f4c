//! A small HTTP/1.1 server around a router.

use std::{
    future::Future, io, net::TcpListener as StdTcpListener, pin::pin, sync::Arc, time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;

use scout_metrics_core::{Error, ErrorKind, Result};

/// The largest head of a request. Prometheus sends less than 1 KiB.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// How long to wait when the process has no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves a router over HTTP/1.1 on a TCP listener, with bounds on what a client can use up.
///
/// A request's head may have 32 KiB and 100 headers; the time it takes, the time a response waits for its reader, and
/// the number of connections are options. For TLS, HTTP/2 or other listeners use a server of your own, or a proxy in
/// front of this one: the router is independent of it.
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
#[derive(Clone, Debug)]
pub struct Server {
    router: Router,
    head_timeout: Duration,
    write_timeout: Duration,
    max_connections: usize,
    shutdown_timeout: Duration,
}

impl Server {
    /// Creates a server of a router.
    pub fn new(router: Router) -> Self {
        Self {
            router,
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_connections: 1024,
            shutdown_timeout: Duration::from_secs(8),
        }
    }

    /// Sets how long a client may take for the head of a request, idle time before it included; 30 seconds by default.
    #[must_use]
    pub fn with_head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = timeout;
        self
    }

    /// Sets how long a client may leave a response unread before it is disconnected; 30 seconds by default.
    #[must_use]
    pub fn with_write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
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

    /// Serves until `shutdown` completes, then lets the requests under way finish.
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
        let protocol = self.protocol();
        let service = TowerToHyperService::new(self.router);
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let (stream, slot) = tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => continue,
                accepted = accept(&listener, &slots) => accepted,
            };
            let mut stream = Box::pin(TimeoutStream::new(stream));
            stream
                .as_mut()
                .set_write_timeout_pinned(Some(self.write_timeout));
            let connection = protocol.serve_connection(TokioIo::new(stream), service.clone());
            let connection = graceful.watch(connection);
            connections.spawn(async move {
                let _slot = slot;
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "connection failed");
                }
            });
        }
        drop(listener);
        if timeout(self.shutdown_timeout, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("connections were still busy at the end of the shutdown timeout");
        }
        Ok(())
    }

    fn protocol(&self) -> http1::Builder {
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_timeout)
            .max_buf_size(MAX_HEAD_BYTES);
        protocol
    }
}

fn into_async(listener: StdTcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
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
