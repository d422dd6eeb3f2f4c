//! An HTTP/1.1 server for a router, with limits on the resources that clients can use.
//!
//! `axum::serve` is not used because it has no limits, and at shutdown drops connections that still wait in the
//! listener's queue.

mod certificate;
mod client_certificates;
mod connection;
mod connections;

use std::{
    fmt, future::Future, io, net::TcpListener as StdTcpListener, path::PathBuf, sync::Arc,
    time::Duration,
};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use scout_metrics_core::{Error, ErrorKind, Result};

use self::{certificate::Certificate, connections::Connections};

/// How long to wait after the system failed to accept a connection, for example because it is out of memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The maximum number of connections, unless the system's limit is lower. A connection uses about 30 KiB of memory.
const MAX_CONNECTIONS: usize = 1024;

/// The number of file descriptors reserved for the program itself. About 20 are always open (standard streams, event
/// queues, listeners), 8 concurrent fetches need up to 3 each (a socket, and files or sockets to resolve the name), and
/// the rest is for token and certificate files, which are read while requests are served.
const RESERVED_DESCRIPTORS: usize = 64;

/// An acceptor that always has the newest certificate.
type NewestTls = watch::Receiver<TlsAcceptor>;

/// The PEM files for TLS, and how they are used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TlsFiles {
    pub(crate) certificates: PathBuf,
    pub(crate) key: PathBuf,
    /// Without it, clients need no certificate.
    pub(crate) clients: Option<ClientCertificates>,
    pub(crate) min_version: TlsVersion,
}

/// Which client certificates are accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ClientCertificates {
    /// The PEM file with the authorities that sign them.
    pub(crate) authorities: PathBuf,
    /// The subject alternative names of which a certificate must have one; any name without it.
    pub(crate) allowed_names: Option<Vec<String>>,
    /// Whether a client without a certificate is refused.
    pub(crate) are_required: bool,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum TlsVersion {
    #[default]
    Tls12,
    Tls13,
}

/// Returns the files for TLS each time they are read. They may be others then.
#[derive(Clone)]
pub(crate) struct TlsSource(Arc<dyn Fn() -> TlsFiles + Send + Sync>);

impl TlsSource {
    pub(crate) fn new(files: impl Fn() -> TlsFiles + Send + Sync + 'static) -> Self {
        Self(Arc::new(files))
    }

    fn files(&self) -> TlsFiles {
        self.0()
    }
}

impl fmt::Debug for TlsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsSource").field(&self.files()).finish()
    }
}

impl From<TlsFiles> for TlsSource {
    fn from(files: TlsFiles) -> Self {
        Self::new(move || files.clone())
    }
}

/// Limits on the resources that clients can use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The maximum number of connections of all listeners. At the limit the connection that has been idle longest is
    /// closed.
    pub(crate) connections: usize,
    /// The maximum time for a TLS handshake, and for the head of a request including the idle time before it.
    pub(crate) head: Duration,
    /// The maximum time that a response may wait for the client to read.
    pub(crate) write: Duration,
    /// The maximum time for pending requests at shutdown.
    pub(crate) shutdown: Duration,
}

impl Limits {
    /// Returns limits that keep the program within its limit of file descriptors.
    pub(crate) fn of_this_process() -> Self {
        Self {
            connections: max_connections(descriptors()),
            head: Duration::from_secs(30),
            write: Duration::from_secs(30),
            // Container runtimes kill a program 10 seconds after SIGTERM.
            shutdown: Duration::from_secs(8),
        }
    }
}

fn max_connections(descriptors: Option<usize>) -> usize {
    let available = descriptors.map_or(MAX_CONNECTIONS, |all| {
        all - RESERVED_DESCRIPTORS.min(all / 2)
    });
    available.clamp(1, MAX_CONNECTIONS)
}

/// Returns the maximum number of files and sockets that the process may have open (`ulimit -n`).
#[cfg(unix)]
fn descriptors() -> Option<usize> {
    use rustix::process::{Resource, getrlimit};

    getrlimit(Resource::Nofile).current?.try_into().ok()
}

#[cfg(not(unix))]
fn descriptors() -> Option<usize> {
    None
}

/// Serves a router on TCP listeners.
#[derive(Debug)]
pub(crate) struct Server {
    router: Router,
    limits: Limits,
    tls: Option<Certificate>,
}

impl Server {
    /// Creates a server, which uses TLS if there are files for it.
    ///
    /// To the extensions of each request it adds the address of the client as [`ConnectInfo`](axum::extract::ConnectInfo)
    /// and the [`Scheme`](axum::http::uri::Scheme).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a file cannot be read, or the key does not match the certificate.
    pub(crate) fn new(router: Router, limits: Limits, tls: Option<TlsSource>) -> Result<Self> {
        let tls = tls.map(Certificate::read).transpose()?;
        Ok(Self {
            router,
            limits,
            tls,
        })
    }

    /// Serves until `shutdown` completes, then answers the pending requests, including those on connections that are
    /// not accepted yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a listener cannot be used.
    pub(crate) async fn serve(
        self,
        listeners: Vec<StdTcpListener>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        let listeners: io::Result<Vec<_>> = listeners.into_iter().map(into_async).collect();
        let listeners = listeners.map_err(|cause| {
            Error::new(ErrorKind::Config, "cannot use the listener").with_source(cause)
        })?;
        let mut background = JoinSet::new();
        let tls = self.tls.map(|certificate| {
            let (acceptor, follow) = certificate.follow();
            background.spawn(follow);
            acceptor
        });
        let connections = Connections::new(self.router, self.limits, tls);
        let (running, stopped) = watch::channel(());
        let mut accepting = JoinSet::new();
        for listener in listeners {
            accepting.spawn(accept_until(stopped.clone(), listener, connections.clone()));
        }
        shutdown.await;
        drop(running);
        accepting.join_all().await;
        let finished = timeout(self.limits.shutdown, connections.finish()).await;
        if finished.is_err() {
            tracing::warn!("connections were still busy at the end of the shutdown timeout");
        }
        Ok(())
    }
}

fn into_async(listener: StdTcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Serves the connections of a listener, and at shutdown also those that wait in its queue, because their clients are
/// already connected.
async fn accept_until(
    mut stopped: watch::Receiver<()>,
    listener: TcpListener,
    connections: Connections,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stopped.changed() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let slot = tokio::select! {
                    slot = connections.slot() => Some(slot),
                    _ = stopped.changed() => None,
                };
                connections.serve(stream, slot);
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => {
                connections.cannot_accept(&error);
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // If the listener were closed before its queue is served, it would reset the connections in the queue.
    let Ok(listener) = listener.into_std() else {
        return;
    };
    while let Ok((stream, _)) = listener.accept() {
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| TcpStream::from_std(stream));
        if let Ok(stream) = stream {
            connections.serve(stream, None);
        }
    }
}

/// Returns whether the client left before its connection was accepted.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_kept_for_the_program_itself() {
        assert_eq!(max_connections(None), 1024);
        assert_eq!(max_connections(Some(1 << 20)), 1024);
        assert_eq!(max_connections(Some(1024)), 960);
        assert_eq!(max_connections(Some(128)), 64);
        assert_eq!(max_connections(Some(20)), 10);
        assert_eq!(max_connections(Some(0)), 1);
    }
}
