//! A command that gets messages.

use std::{io, process::Stdio, time::Duration};

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time::timeout,
};

use super::{Failure, message::Message};

/// How long the command may run.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct ShellCommand(String);

impl ShellCommand {
    pub(super) fn new(command: &str) -> Self {
        Self(command.to_owned())
    }

    pub(super) async fn run(&self, message: &Message<'_>) -> Result<(), Failure> {
        match timeout(TIMEOUT, self.try_run(&message.json())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::transient(format!("the command {error}"))),
            Err(_) => {
                let reason = format!("the command did not end within {TIMEOUT:?}");
                Err(Failure::transient(reason))
            }
        }
    }

    async fn try_run(&self, input: &str) -> Result<(), String> {
        let failed = |error: io::Error| format!("cannot be run: {error}");
        let mut running = Running(self.shell().spawn().map_err(failed)?);
        if let Some(mut stdin) = running.0.stdin.take() {
            // A command that does not read its input may end before it is written.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let status = running.0.wait().await.map_err(failed)?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("failed: {status}"))
        }
    }

    fn shell(&self) -> Command {
        let (shell, option) = if cfg!(windows) {
            ("cmd", "/C")
        } else {
            ("sh", "-c")
        };
        let mut command = Command::new(shell);
        command
            .args([option, &self.0])
            .stdin(Stdio::piped())
            // Standard output is for the changes.
            .stdout(io::stderr())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

/// A command that is ended, with what it started, if nobody waits for it any more.
struct Running(Child);

#[cfg(unix)]
impl Drop for Running {
    fn drop(&mut self) {
        // A command that has ended has no number, and what it left running on purpose stays.
        let number = self
            .0
            .id()
            .and_then(|id| Pid::from_raw(id.try_into().ok()?));
        if let Some(number) = number {
            // Nothing is left to be ended, or it belongs to another user by now.
            let _ = kill_process_group(number, Signal::KILL);
        }
    }
}
