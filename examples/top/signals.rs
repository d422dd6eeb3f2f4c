//! The signals that end and continue the program.

use std::io;

/// The request of a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signal {
    Continue,
    End,
}

#[cfg(unix)]
pub(crate) use self::unix::Signals;

#[cfg(unix)]
mod unix {
    use std::time::Duration;

    use rustix::process::{Signal as Number, kill_current_process_group};
    use tokio::{
        signal::unix::{Signal as Stream, SignalKind, signal},
        time::timeout,
    };

    use super::{Signal, io};

    /// Long enough for the system to stop the program. Without a shell that could continue it, the system does not stop it.
    const UNTIL_STOPPED: Duration = Duration::from_millis(500);

    /// The signals that have arrived since this was created.
    #[derive(Debug)]
    pub(crate) struct Signals {
        hangup: Stream,
        interrupt: Stream,
        terminate: Stream,
        continued: Stream,
    }

    impl Signals {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self {
                hangup: signal(SignalKind::hangup())?,
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                continued: signal(SignalKind::from_raw(Number::CONT.as_raw()))?,
            })
        }

        pub(crate) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.hangup.recv() => Signal::End,
                _ = self.interrupt.recv() => Signal::End,
                _ = self.terminate.recv() => Signal::End,
                _ = self.continued.recv() => Signal::Continue,
            }
        }

        /// Stops the whole job, such as `cargo run` and this program, and returns when it is continued or ended.
        pub(crate) async fn suspend(&mut self) -> Signal {
            // A failure is as if the system did not stop the program.
            let _ = kill_current_process_group(Number::TSTP);
            let next = timeout(UNTIL_STOPPED, self.next()).await;
            next.unwrap_or(Signal::Continue)
        }
    }
}

#[cfg(not(unix))]
pub(crate) use self::other::Signals;

#[cfg(not(unix))]
mod other {
    use super::{Signal, io};

    /// Only Ctrl-C, where there are no other signals.
    #[derive(Debug)]
    pub(crate) struct Signals;

    impl Signals {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) async fn next(&mut self) -> Signal {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            Signal::End
        }

        /// Goes on: no shell could continue the program.
        pub(crate) async fn suspend(&mut self) -> Signal {
            Signal::Continue
        }
    }
}
