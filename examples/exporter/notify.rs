//! Messages to the service manager, in the protocol of systemd (`sd_notify(3)`).
//!
//! Nothing is sent if the environment names no socket, as when the program runs in a container. A message waits while the
//! queue of the socket is full, on a thread of its own and not for long, so that a service manager that hangs does not
//! stop the program from serving.

#[cfg(unix)]
use self::socket::{NotifyState, send};

/// Reports that the program serves, and how it does.
pub(crate) async fn ready(status: &str) {
    #[cfg(unix)]
    send(&[NotifyState::Ready, NotifyState::Status(status)]).await;
    #[cfg(not(unix))]
    let _ = status;
}

/// Reports that the program reads its configuration again. It goes on serving meanwhile.
pub(crate) async fn reloading() {
    #[cfg(unix)]
    match NotifyState::monotonic_usec_now() {
        // systemd requires the time to know that this answers its last signal.
        Ok(now) => send(&[NotifyState::Reloading, now]).await,
        Err(error) => tracing::debug!(%error, "cannot read the clock"),
    }
}

/// Reports that the program ends.
pub(crate) async fn stopping() {
    #[cfg(unix)]
    send(&[NotifyState::Stopping]).await;
}

/// Reports again and again that the program is alive, if the service manager asks for it. Never completes.
///
/// The reports stop when the threads that serve requests are stuck.
pub(crate) async fn keep_watchdog_quiet() {
    #[cfg(unix)]
    if let Some(limit) = sd_notify::watchdog_enabled() {
        // systemd recommends half of the time after which it ends the program.
        let mut ticks = tokio::time::interval((limit / 2).max(std::time::Duration::from_millis(1)));
        loop {
            ticks.tick().await;
            send(&[NotifyState::Watchdog]).await;
        }
    }
    std::future::pending().await
}

#[cfg(unix)]
mod socket {
    use std::{env, ffi::OsStr, fmt::Write, io, os::unix::net::UnixDatagram, time::Duration};

    use tokio::task::spawn_blocking;

    pub(super) use sd_notify::NotifyState;

    /// How long a message waits while the queue of the socket is full. At shutdown, container runtimes and service
    /// managers wait 10 seconds and more, and pending requests need up to 8 of them.
    const MAX_WAIT: Duration = Duration::from_secs(1);

    pub(super) async fn send(messages: &[NotifyState<'_>]) {
        let Some(path) = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()) else {
            return;
        };
        let mut text = String::new();
        for message in messages {
            let _ = writeln!(text, "{message}");
        }
        let sent = spawn_blocking(move || send_to(&path, &text)).await;
        if let Err(error) = sent.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
            tracing::debug!(%error, "cannot notify the service manager");
        }
    }

    /// Sends a datagram. `sd_notify::notify` would wait for ever while the queue is full.
    fn send_to(path: &OsStr, text: &str) -> io::Result<()> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(MAX_WAIT))?;
        connect(&socket, path)?;
        socket.send(text.as_bytes()).map(drop)
    }

    /// Connects to a path, or on Linux to a name in the abstract namespace, which is written with `@` before it.
    fn connect(socket: &UnixDatagram, path: &OsStr) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            use std::os::{
                linux::net::SocketAddrExt,
                unix::{ffi::OsStrExt, net::SocketAddr},
            };

            if let Some(name) = path.as_bytes().strip_prefix(b"@") {
                return socket.connect_addr(&SocketAddr::from_abstract_name(name)?);
            }
        }
        socket.connect(path)
    }
}
