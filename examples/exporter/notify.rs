//! Messages to the service manager, in the protocol of systemd (`sd_notify(3)`).
//!
//! Nothing is sent if the environment names no socket, as when the program runs in a container.

#[cfg(unix)]
use sd_notify::NotifyState;

/// Reports that the program serves, and how it does.
pub(crate) fn ready(status: &str) {
    #[cfg(unix)]
    send(&[NotifyState::Ready, NotifyState::Status(status)]);
    #[cfg(not(unix))]
    let _ = status;
}

/// Reports that the program reads its configuration again. It goes on serving meanwhile.
pub(crate) fn reloading() {
    #[cfg(unix)]
    match NotifyState::monotonic_usec_now() {
        // systemd requires the time to know that this answers its last signal.
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "cannot read the clock"),
    }
}

/// Reports that the program ends.
pub(crate) fn stopping() {
    #[cfg(unix)]
    send(&[NotifyState::Stopping]);
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
            send(&[NotifyState::Watchdog]);
        }
    }
    std::future::pending().await
}

#[cfg(unix)]
fn send(messages: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(messages) {
        tracing::debug!(%error, "cannot notify the service manager");
    }
}
