//! A small HTTP/1.1 server around a router.

use std::{
    fmt, future::Future, io, iter, net::TcpListener as StdTcpListener, pin::pin, sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderValue, header::CONNECTION},
    middleware,
    response::Response,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;

#[cfg(feature = "exporter-tls")]
use {super::tls, std::path::PathBuf, tokio_rustls::TlsAcceptor};

use scout_metrics_core::{Error, ErrorKind, Result};

/// The largest head of a request. Prometheus sends less than 1 KiB.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// How long to wait when the process has no file descriptor left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection without a request is kept at shutdown: long enough for one that was sent before.
const LINGER: Duration = Duration::from_millis(100);

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
    head_timeout: Duration,
    write_timeout: Duration,
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
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_connections: 1024,
            shutdown_timeout: Duration::from_secs(8),
            #[cfg(feature = "exporter-tls")]
            tls: None,
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
        let shutdown_timeout = self.shutdown_timeout;
        let mut connections = Connections::new(self);
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_) = connections.tasks.join_next() => {}
                (stream, slot) = accept(&listener, &slots) => connections.serve(stream, Some(slot)),
            }
        }
        for stream in queued(listener) {
            connections.serve(stream, None);
        }
        if timeout(shutdown_timeout, connections.finish())
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
            .field("head_timeout", &self.head_timeout)
            .field("write_timeout", &self.write_timeout)
            .field("max_connections", &self.max_connections)
            .field("shutdown_timeout", &self.shutdown_timeout)
            .finish_non_exhaustive()
    }
}

/// The connections that are served, each in a task of its own.
struct Connections {
    server: Server,
    router: Router,
    protocol: http1::Builder,
    /// Dropped to tell the tasks that it is time to stop.
    running: watch::Sender<()>,
    tasks: JoinSet<()>,
}

impl Connections {
    fn new(server: Server) -> Self {
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(server.head_timeout)
            .max_buf_size(MAX_HEAD_BYTES);
        let (running, still_running) = watch::channel(());
        let last = middleware::map_response(move |response| {
            let is_last = still_running.has_changed().is_err();
            async move { if is_last { closing(response) } else { response } }
        });
        Self {
            router: server.router.clone().layer(last),
            server,
            protocol,
            running,
            tasks: JoinSet::new(),
        }
    }

    /// Serves a connection, which holds its slot until it ends.
    fn serve(&mut self, stream: TcpStream, slot: Option<OwnedSemaphorePermit>) {
        let mut stream = Box::pin(TimeoutStream::new(stream));
        stream
            .as_mut()
            .set_write_timeout_pinned(Some(self.server.write_timeout));
        let connection = Connection {
            protocol: self.protocol.clone(),
            router: self.router.clone(),
            running: self.running.subscribe(),
        };
        #[cfg(feature = "exporter-tls")]
        if let Some(tls) = self.server.tls.clone() {
            let limit = self.server.head_timeout;
            self.tasks.spawn(async move {
                let _slot = slot;
                connection.serve_tls(tls, stream, limit).await;
            });
            return;
        }
        self.tasks.spawn(async move {
            let _slot = slot;
            connection.serve(stream).await;
        });
    }

    /// Lets each connection finish the request that it is in.
    async fn finish(mut self) {
        drop(self.running);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// What one connection is served with.
struct Connection {
    protocol: http1::Builder,
    router: Router,
    running: watch::Receiver<()>,
}

impl Connection {
    async fn serve<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = TowerToHyperService::new(self.router);
        let connection = self
            .protocol
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = until_stopped(connection, self.running).await {
            tracing::debug!(%error, "connection failed");
        }
    }

    #[cfg(feature = "exporter-tls")]
    async fn serve_tls<S>(self, tls: TlsAcceptor, stream: S, limit: Duration)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let handshake = tokio::select! {
            handshake = timeout(limit, tls.accept(stream)) => handshake,
            () = stopped(self.running.clone()) => return,
        };
        match handshake {
            Ok(Ok(stream)) => self.serve(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        }
    }
}

/// Serves requests until the end of the connection or, after the server stopped, of the request that it is in.
async fn until_stopped<C>(connection: C, running: watch::Receiver<()>) -> C::Output
where
    C: GracefulConnection,
{
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        result = connection.as_mut() => return result,
        () = stopped(running) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Completes some time after the server stopped.
async fn stopped(mut running: watch::Receiver<()>) {
    // Nothing is ever sent: this ends when the sender is dropped.
    let _ = running.changed().await;
    sleep(LINGER).await;
}

/// Tells a client that the connection is closed after this response.
fn closing(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
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
