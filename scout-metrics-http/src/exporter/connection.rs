//! The connections of a server, from the first byte of each to its end.

use std::{future::pending, pin::pin, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{
        HeaderValue, StatusCode, Version,
        header::{CONNECTION, HOST},
    },
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
    net::TcpStream,
    sync::{OwnedSemaphorePermit, watch},
    task::JoinSet,
    time::sleep,
};
use tokio_io_timeout::TimeoutStream;

#[cfg(feature = "exporter-tls")]
use {tokio::time::timeout, tokio_rustls::TlsAcceptor};

/// The largest head of a request. Prometheus sends less than 1 KiB.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// How long a connection without a request is kept at shutdown: long enough for one that was sent before.
const LINGER: Duration = Duration::from_millis(100);

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For the head of a request, and for a TLS handshake.
    pub(super) head: Duration,
    /// For reading on in a response.
    pub(super) write: Duration,
}

/// The connections that are served, each in a task of its own.
pub(super) struct Connections {
    router: Router,
    timeouts: Timeouts,
    #[cfg(feature = "exporter-tls")]
    tls: Option<TlsAcceptor>,
    protocol: http1::Builder,
    /// Dropped to tell the tasks that it is time to stop.
    running: watch::Sender<()>,
    tasks: JoinSet<()>,
}

impl Connections {
    pub(super) fn new(
        router: Router,
        timeouts: Timeouts,
        #[cfg(feature = "exporter-tls")] tls: Option<TlsAcceptor>,
    ) -> Self {
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(timeouts.head)
            .max_buf_size(MAX_HEAD_BYTES);
        let (running, still_running) = watch::channel(());
        let last = middleware::map_response(move |response| {
            let is_last = still_running.has_changed().is_err();
            async move { if is_last { closing(response) } else { response } }
        });
        Self {
            router: router
                .layer(last)
                .layer(middleware::map_request(of_one_host)),
            timeouts,
            #[cfg(feature = "exporter-tls")]
            tls,
            protocol,
            running,
            tasks: JoinSet::new(),
        }
    }

    /// Serves a connection, which holds its slot until it ends.
    pub(super) fn serve(&mut self, stream: TcpStream, slot: Option<OwnedSemaphorePermit>) {
        // A response may be written in parts. Without this, a small last one waits for a client that delays its answer to
        // the one before, for 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot turn off the delay of small packets");
        }
        let mut stream = Box::pin(TimeoutStream::new(stream));
        stream
            .as_mut()
            .set_write_timeout_pinned(Some(self.timeouts.write));
        let connection = Connection {
            protocol: self.protocol.clone(),
            router: self.router.clone(),
            running: self.running.subscribe(),
        };
        #[cfg(feature = "exporter-tls")]
        if let Some(tls) = self.tls.clone() {
            let limit = self.timeouts.head;
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

    /// Waits for the next connection to end; for ever while there is none.
    pub(super) async fn ended(&mut self) {
        if self.tasks.join_next().await.is_none() {
            pending().await
        }
    }

    /// Lets each connection finish the request that it is in.
    pub(super) async fn finish(mut self) {
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

/// Refuses a request that a proxy before this server may have taken for one to another host: RFC 9112, section 3.2.
async fn of_one_host(request: Request) -> Result<Request, StatusCode> {
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts == 1 || hosts == 0 && request.version() < Version::HTTP_11 {
        Ok(request)
    } else {
        Err(StatusCode::BAD_REQUEST)
    }
}

/// Tells a client that the connection is closed after this response.
fn closing(mut response: Response) -> Response {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}
