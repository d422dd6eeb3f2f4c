//! The task that writes snapshots into a history, and the queue in front of it.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::timeout,
};
use tracing::{info, warn};

use crate::{Error, ErrorKind, RecordHistory, Result, Snapshot};

/// The maximum number of snapshots that wait for a slow disk.
pub(super) const MAX_WAITING: usize = 16;

/// How long one write may take.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// The state of the recording of snapshots; see [`Recorded::status`](crate::Recorded::status).
#[derive(Clone, Debug, Default)]
pub struct RecordingStatus {
    recorded: u64,
    dropped: u64,
    failures: u32,
    last_error: Option<Error>,
    waiting: usize,
}

impl RecordingStatus {
    /// Returns the number of snapshots recorded since the start.
    pub fn recorded(&self) -> u64 {
        self.recorded
    }

    /// Returns the number of snapshots that were not recorded since the start, because a write failed or because too
    /// many were waiting.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns the number of writes that failed since the last one that succeeded.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns the error of the last write, or `None` if it succeeded.
    pub fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    /// Returns the number of snapshots that are waiting or being written.
    pub fn waiting(&self) -> usize {
        self.waiting
    }
}

/// The handle of the task, which ends when this is dropped and all waiting snapshots are written.
#[derive(Debug)]
pub(super) struct Recorder {
    queue: Arc<Queue>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    pub(super) fn new(history: Arc<dyn RecordHistory>) -> Self {
        let queue = Queue {
            history,
            state: Mutex::default(),
            changed: Notify::new(),
            settled: watch::Sender::new(0),
        };
        Self {
            queue: Arc::new(queue),
            task: Mutex::default(),
        }
    }

    pub(super) fn history(&self) -> &Arc<dyn RecordHistory> {
        &self.queue.history
    }

    /// Hands a snapshot to the task without waiting.
    pub(super) fn offer(&self, snapshot: Snapshot) {
        self.queue.push(snapshot);
        self.run();
    }

    /// Waits until everything offered before is recorded or has failed.
    pub(super) async fn flush(&self) -> Result<()> {
        let offered = self.queue.lock().offered;
        self.run();
        let mut settled = self.queue.settled.subscribe();
        // The sender is in `self`, so it is not dropped.
        let _ = settled.wait_for(|settled| *settled >= offered).await;
        match self.status().last_error {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    pub(super) fn status(&self) -> RecordingStatus {
        let state = self.queue.lock();
        let waiting = state.waiting.len() + usize::from(state.writing.is_some());
        RecordingStatus {
            waiting,
            ..state.status.clone()
        }
    }

    /// Starts the task if it does not run: at first, or after the runtime that it ran on was shut down.
    fn run(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            *task = Some(tokio::spawn(Arc::clone(&self.queue).write_all()));
        }
        drop(task);
        self.queue.changed.notify_one();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.queue.lock().is_closed = true;
        self.queue.changed.notify_one();
    }
}

#[derive(Debug)]
struct Queue {
    history: Arc<dyn RecordHistory>,
    state: Mutex<State>,
    changed: Notify,
    /// How many of the offered snapshots are recorded or dropped.
    settled: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Snapshot>,
    /// Kept until it is written, so that a task that follows one that was aborted writes it again.
    writing: Option<Snapshot>,
    offered: u64,
    is_closed: bool,
    is_full: bool,
    status: RecordingStatus,
}

enum Next {
    Ended,
    Nothing,
    Write(Snapshot),
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, snapshot: Snapshot) {
        let mut state = self.lock();
        state.offered += 1;
        state.waiting.push_back(snapshot);
        if state.waiting.len() <= MAX_WAITING {
            return;
        }
        let dropped = state.waiting.pop_front();
        state.status.dropped += 1;
        let is_first = !std::mem::replace(&mut state.is_full, true);
        drop(state);
        self.settled.send_modify(|settled| *settled += 1);
        if let Some(dropped) = dropped.filter(|_| is_first) {
            warn!(
                organization = %dropped.organization(),
                "{} is too slow, dropping the oldest of {MAX_WAITING} waiting snapshots",
                self.history
            );
        }
    }

    fn next(&self) -> Next {
        let mut state = self.lock();
        if state.writing.is_none() {
            state.writing = state.waiting.pop_front();
        }
        match &state.writing {
            Some(snapshot) => Next::Write(snapshot.clone()),
            None if state.is_closed => Next::Ended,
            None => Next::Nothing,
        }
    }

    async fn write_all(self: Arc<Self>) {
        loop {
            match self.next() {
                Next::Ended => return,
                Next::Nothing => self.changed.notified().await,
                Next::Write(snapshot) => {
                    let result = write(&*self.history, &snapshot).await;
                    let is_lost = result.is_err() && self.lock().is_closed;
                    self.settle(&snapshot, result);
                    if is_lost {
                        return;
                    }
                }
            }
        }
    }

    fn settle(&self, snapshot: &Snapshot, result: Result<()>) {
        let mut state = self.lock();
        state.writing = None;
        let status = &mut state.status;
        let failures = status.failures;
        match &result {
            Ok(()) => {
                status.recorded += 1;
                status.failures = 0;
            }
            Err(_) => {
                status.dropped += 1;
                status.failures = failures.saturating_add(1);
            }
        }
        status.last_error = result.as_ref().err().cloned();
        state.is_full &= result.is_err();
        drop(state);
        self.settled.send_modify(|settled| *settled += 1);
        self.log(snapshot, &result, failures);
    }

    /// Logs the start and the end of an outage.
    fn log(&self, snapshot: &Snapshot, result: &Result<()>, failures_before: u32) {
        let organization = snapshot.organization();
        match result {
            Err(error) if failures_before == 0 => warn!(
                %organization,
                kind = %error.kind(),
                error = error as &dyn std::error::Error,
                "cannot record in {}",
                self.history
            ),
            Ok(()) if failures_before > 0 => info!(
                %organization,
                failures = failures_before,
                "{} records again",
                self.history
            ),
            _ => {}
        }
    }
}

async fn write(history: &dyn RecordHistory, snapshot: &Snapshot) -> Result<()> {
    let record = within(WRITE_TIMEOUT, history.record(snapshot));
    record
        .await
        .map_err(|error| error.with_organization(snapshot.organization()))
}

/// Bounds a call of a history that other people may have written, in time and in its panics.
pub(super) async fn within<T>(limit: Duration, call: impl Future<Output = Result<T>>) -> Result<T> {
    match timeout(limit, AssertUnwindSafe(call).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Error::new(ErrorKind::Other, "the history panicked")),
        Err(_) => {
            let message = format!("the history did not answer within {limit:?}");
            Err(Error::new(ErrorKind::Timeout, message))
        }
    }
}
