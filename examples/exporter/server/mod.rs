//! An HTTP/1.1 server around a router, with bounds on what clients can use up.
//!
//! It is not `axum::serve` because that has no limits and at shutdown drops connections that still wait in the
//! listener's queue.

mod certificate;
mod connection;
mod connections;

use std::{future::Future, io, net::TcpListener as StdTcpListener, path::PathBuf, time::Duration};

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

/// How long to wait after the system refused to accept a connection, for example for want of memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The limit where the system has none: the memory of a connection is about 30 KiB.
const MAX_CONNECTIONS: usize = 1024;

/// Descriptors that are kept free for the program itself: about 20 are always open (standard streams, event queues,
/// listeners), 8 fetches at once need up to 3 each (a socket, and files or sockets to resolve the name), and the rest
/// is for token and certificate files, which are read while requests are served.
const RESERVED_DESCRIPTORS: usize = 64;

/// What accepts connections with the newest certificate.
type NewestTls = watch::Receiver<TlsAcceptor>;

/// PEM files to serve TLS with.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    pub(crate) certificates: PathBuf,
    pub(crate) key: PathBuf,
}

/// What clients can use up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once, of all listeners. At the limit the connection that was idle longest is closed.
    pub(crate) connections: usize,
    /// Time for a TLS handshake, and for the head of a request, with the idle time before it.
    pub(crate) head: Duration,
    /// Time that a response may wait for its reader.
    pub(crate) write: Duration,
    /// Time for the requests under way at shutdown.
    pub(crate) shutdown: Duration,
}

impl Limits {
    /// Returns limits that keep the program within the number of descriptors that the system allows it.
    pub(crate) fn of_this_process() -> Self {
        Self {
            connections: max_connections(descriptors()),
            head: Duration::from_secs(30),
            write: Duration::from_secs(30),
            // Container runtimes kill a program 10 seconds after they asked it to end.
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

/// Returns how many files and sockets the process may have open (`ulimit -n`).
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
    /// Creates a server, of TLS if there are files for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a file cannot be read, or the key does not match the certificate.
    pub(crate) fn new(router: Router, limits: Limits, tls: Option<TlsFiles>) -> Result<Self> {
        let tls = tls.map(Certificate::read).transpose()?;
        Ok(Self {
            router,
            limits,
            tls,
        })
    }

    /// Serves until `shutdown` completes, then answers the requests under way, also those on connections that were
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

/// Serves the connections of a listener, and at the end those that wait in its queue: their clients have long been told
/// that they are connected.
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
    // Closed before the queue is served, the listener would reset the connections in it.
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
