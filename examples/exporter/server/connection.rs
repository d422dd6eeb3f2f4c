//! One connection, from its first byte to its end.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{
        HeaderValue, StatusCode, Version,
        header::{CONNECTION, HOST},
        uri::Scheme,
    },
    response::{IntoResponse, Response},
};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::{Limits, connections::Activity};

/// The maximum size of the head of a request. Prometheus sends less than 1 KiB.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// How long a connection without a request is kept open at shutdown: long enough to read a request that was already sent.
const LINGER: Duration = Duration::from_millis(100);

pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) activity: Arc<Activity>,
    /// The address of the client, if the connection was still open when it was asked for.
    pub(super) peer: Option<SocketAddr>,
    /// Changes when the server stops.
    pub(super) stopped: watch::Receiver<()>,
}

impl Connection {
    pub(super) async fn serve_tcp(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // A response may be written in parts. Without this, a small last part waits 40 ms if the client delays its
        // acknowledgement of the part before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write));
        let stream = Box::pin(stream);
        match tls {
            None => self.serve(stream, Scheme::HTTP).await,
            Some(tls) => self.serve_tls(stream, tls).await,
        }
    }

    async fn serve_tls<S>(self, stream: S, tls: TlsAcceptor)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let handshake = tokio::select! {
            handshake = timeout(self.limits.head, tls.accept(stream)) => handshake,
            () = self.activity.evicted() => return,
            () = lingered(self.stopped.clone()) => return,
        };
        match handshake {
            Ok(Ok(stream)) => self.serve(stream, Scheme::HTTPS).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake timed out"),
        }
    }

    /// Serves requests until the client closes the connection. If the server stops, or closes this connection to make
    /// room, the current response is still written.
    async fn serve<S>(self, stream: S, scheme: Scheme)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = service_fn(|request| self.answer(request, scheme.clone()));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let result = tokio::select! {
            biased;
            result = connection.as_mut() => result,
            () = lingered(self.stopped.clone()) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = self.activity.evicted() => {
                // If a part of the first request has been received, hyper would wait for the rest.
                if !self.activity.has_had_request() {
                    return;
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "connection failed");
        }
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        scheme: Scheme,
    ) -> Result<Response, Infallible> {
        if head_bytes(&request) > MAX_HEAD_BYTES {
            let close = [(CONNECTION, HeaderValue::from_static("close"))];
            return Ok((StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, close).into_response());
        }
        if !names_one_host(&request) {
            return Ok(StatusCode::BAD_REQUEST.into_response());
        }
        let extensions = request.extensions_mut();
        extensions.insert(scheme);
        if let Some(peer) = self.peer {
            extensions.insert(ConnectInfo(peer));
        }
        self.activity.begin_request();
        let router = self.router.clone();
        let mut response = router.oneshot(request.map(Body::new)).await?;
        self.activity.end_request();
        if self.stopped.has_changed().unwrap_or(true) {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        Ok(response)
    }
}

/// Completes some time after the server stopped.
async fn lingered(mut stopped: watch::Receiver<()>) {
    let _ = stopped.changed().await;
    sleep(LINGER).await;
}

/// Returns the size of the head of a request, without optional white space. hyper checks its limit before it reads from
/// the socket once more, so it accepts heads of up to one and a half times the limit.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let target = request.uri().to_string().len();
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    request.method().as_str().len() + target + "  HTTP/1.1\r\n\r\n".len() + headers.sum::<usize>()
}

/// Returns whether every proxy in front of this server must understand the request as one for the same host (RFC 9112,
/// section 3.2).
fn names_one_host(request: &Request<Incoming>) -> bool {
    let hosts = request.headers().get_all(HOST).iter().count();
    hosts == 1 || hosts == 0 && request.version() < Version::HTTP_11
}
