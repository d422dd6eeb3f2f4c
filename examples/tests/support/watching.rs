//! A running `watch`.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use scout_metrics_core::{Organization, Snapshot, Stream};

use crate::program::{TOKEN, example};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program. Every wait for it is limited.
pub(crate) struct Watch {
    process: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Watch {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = example("watch")
            .args(arguments)
            .env("DOCKER_SCOUT_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            stdout: lines(process.stdout.take().unwrap()),
            stderr: lines(process.stderr.take().unwrap()),
            process,
        }
    }

    /// Reads standard error up to a line that contains the text, and returns what was read.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let mut read = String::new();
        while !read.lines().last().unwrap_or_default().contains(text) {
            let line = self.stderr.recv_timeout(PATIENCE);
            read.push_str(&line.unwrap_or_else(|error| panic!("{error} after {read:?}")));
        }
        read
    }

    pub(crate) fn line(&mut self) -> String {
        self.stdout.recv_timeout(PATIENCE).unwrap()
    }

    #[cfg(unix)]
    pub(crate) fn interrupt(mut self) {
        let id = self.process.id().to_string();
        let interrupted = Command::new("kill").args(["-INT", &id]).status();
        assert!(interrupted.unwrap().success());
        // The end of its output is the end of the program.
        let end = loop {
            if let Err(end) = self.stdout.recv_timeout(PATIENCE) {
                break end;
            }
        };
        assert_eq!(end, RecvTimeoutError::Disconnected);
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads lines on another thread.
fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|length| length > 0) {
            if sender.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    lines
}

/// Returns a snapshot with these counts of streams.
pub(crate) fn organization(name: &str, streams: &[(&str, &str)]) -> Snapshot {
    let streams = streams
        .iter()
        .map(|(stream, counts)| Stream::new(*stream).with_vulnerabilities(counts.parse().unwrap()));
    Snapshot::new(Organization::new(name).unwrap(), streams).unwrap()
}
