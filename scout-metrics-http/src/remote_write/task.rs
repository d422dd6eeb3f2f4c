//! The task that writes what pollers return.
//!
//! One half of it, the collector, makes writes whenever a snapshot changes and at each interval, and puts them into the
//! queue. The other half takes batches out and sends them, one request at a time, so that the samples of a series stay in
//! order. The collector never waits for the receiver.

use std::{
    error::Error as StdError,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use scout_metrics_core::{Error, MetricsSource, Poller, Updates};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    batch::{Batch, Write},
    queue::{Dropped, Queue},
    sender::{Bodies, Outcome, Sender},
    stats::{DropReason, RemoteWriteStats},
    tracker::Tracker,
};

/// The state that the task and its handles share.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Notified when there is something to send, or will never be again.
    ready: Notify,
    pub(super) closing: watch::Sender<bool>,
    pub(super) done: watch::Sender<bool>,
    max_age: Duration,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    /// How many samples are in the batch that is being sent, and when they were queued.
    in_flight: usize,
    in_flight_since: Option<Instant>,
    /// Whether nothing will be queued any more.
    is_closed: bool,
    is_failing: bool,
    is_refused: bool,
    stats: RemoteWriteStats,
}

impl Shared {
    pub(super) fn new(queue: Queue, max_age: Duration) -> Self {
        Self {
            state: Mutex::new(State {
                queue,
                in_flight: 0,
                in_flight_since: None,
                is_closed: false,
                is_failing: false,
                is_refused: false,
                stats: RemoteWriteStats::default(),
            }),
            ready: Notify::new(),
            closing: watch::Sender::new(false),
            done: watch::Sender::new(false),
            max_age,
        }
    }

    pub(super) fn stats(&self) -> RemoteWriteStats {
        let state = self.state();
        let oldest = state.in_flight_since.or(state.queue.oldest());
        RemoteWriteStats {
            queued: (state.queue.samples() + state.in_flight) as u64,
            queue_bytes: state.queue.memory() as u64,
            queue_age: oldest.map(|oldest| oldest.elapsed()),
            ..state.stats.clone()
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, writes: Vec<Write>) {
        let mut state = self.state();
        for write in writes {
            let dropped = state.queue.push(write);
            state.drop_samples(&dropped);
        }
        drop(state);
        self.ready.notify_one();
    }

    fn close(&self) {
        self.state().is_closed = true;
        self.ready.notify_one();
    }

    /// Takes the next batch. Returns `None` at the end.
    async fn next(&self, sender: &Sender) -> Option<Batch> {
        loop {
            {
                let mut state = self.state();
                let (batch, dropped) = state.queue.take(sender.limits, Instant::now());
                state.drop_samples(&dropped);
                if batch.samples() > 0 {
                    state.in_flight = batch.samples();
                    state.in_flight_since = batch.queued();
                    return Some(batch);
                }
                if state.is_closed {
                    return None;
                }
            }
            self.ready.notified().await;
        }
    }

    /// Removes what has become too old from a batch.
    fn expire(&self, batch: &mut Batch) -> bool {
        let Some(oldest) = Instant::now().checked_sub(self.max_age) else {
            return false;
        };
        let expired = batch.expire(oldest);
        let mut state = self.state();
        state.stats.drop_samples(DropReason::TooOld, expired);
        state.in_flight = batch.samples();
        state.in_flight_since = batch.queued();
        expired > 0
    }

    fn settle(&self, batch: &Batch, outcome: Outcome, sender: &Sender) {
        let mut state = self.state();
        let State { stats, .. } = &mut *state;
        stats.sent += outcome.written as u64;
        stats.drop_samples(DropReason::Refused, batch.samples() - outcome.written);
        stats.version = sender.negotiation.known();
        if outcome.written > 0 || outcome.error.is_none() {
            stats.last_success = Some(SystemTime::now());
        }
        stats.last_error.clone_from(&outcome.error);
        (state.in_flight, state.in_flight_since) = (0, None);
        let was_failing = std::mem::take(&mut state.is_failing);
        let was_refused = std::mem::replace(&mut state.is_refused, outcome.error.is_some());
        drop(state);
        match outcome.error {
            Some(error) if !was_refused => {
                log(&error, "the receiver refuses samples, which are dropped")
            }
            None if was_failing || was_refused => tracing::info!("samples are written again"),
            _ => {}
        }
    }

    fn fail(&self, error: Error) {
        let mut state = self.state();
        let was_failing = std::mem::replace(&mut state.is_failing, true);
        state.stats.last_error = Some(error.clone());
        drop(state);
        if !was_failing {
            log(&error, "cannot write samples, which wait in the queue");
        }
    }
}

impl State {
    fn drop_samples(&mut self, dropped: &Dropped) {
        for (reason, samples) in dropped.by_reason() {
            self.stats.drop_samples(reason, samples);
        }
    }
}

/// Logs an error with what the receiver said, which is bounded and has no secrets.
fn log(error: &Error, what: &str) {
    let reason = error.body().map(str::trim);
    let error: &(dyn StdError + 'static) = error;
    tracing::warn!(error, reason, "{what}");
}

/// Makes writes of the snapshots of pollers.
pub(super) struct Collector {
    pub(super) pollers: Vec<Poller>,
    pub(super) trackers: Vec<Tracker>,
    pub(super) interval: Duration,
    pub(super) ends_series: bool,
}

impl Collector {
    async fn run(mut self, shared: &Shared) {
        let mut updates: FuturesUnordered<_> = self
            .pollers
            .iter()
            .map(Poller::updates)
            .enumerate()
            .map(|(place, updates)| next_update(place, updates))
            .collect();
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = closed(shared) => break,
                Some(update) = updates.next() => {
                    let (place, rest) = update;
                    if let Some(rest) = rest {
                        updates.push(next_update(place, rest));
                        self.record(place, shared);
                    }
                }
                _ = ticks.tick() => (0..self.pollers.len()).for_each(|place| self.record(place, shared)),
            }
        }
        self.record_unseen(shared);
        if self.ends_series {
            for tracker in &mut self.trackers {
                if let Ok(writes) = tracker.write(None, SystemTime::now()) {
                    shared.push(writes);
                }
            }
        }
        shared.close();
    }

    /// Queues what has arrived at the same time as the order to stop.
    fn record_unseen(&mut self, shared: &Shared) {
        for place in 0..self.pollers.len() {
            let current = self.pollers[place].current();
            if !self.trackers[place].has_written(current.as_ref()) {
                self.record(place, shared);
            }
        }
    }

    /// Queues the samples of an organization as they are now.
    fn record(&mut self, place: usize, shared: &Shared) {
        let poller = &self.pollers[place];
        match self.trackers[place].write(poller.current(), SystemTime::now()) {
            Ok(writes) => shared.push(writes),
            Err(error) => {
                let organization = poller.organization();
                let error: &(dyn StdError + 'static) = &error;
                tracing::warn!(%organization, error, "a snapshot cannot be written");
            }
        }
    }
}

/// Waits for the next outcome of a poller, and returns the receiver of later ones unless there will be none.
async fn next_update(place: usize, mut updates: Updates) -> (usize, Option<Updates>) {
    let is_running = updates.next().await.is_some();
    (place, is_running.then_some(updates))
}

async fn closed(shared: &Shared) {
    let mut closing = shared.closing.subscribe();
    let closed = closing.wait_for(|is_closing| *is_closing).await;
    debug_assert!(closed.is_ok(), "the sender is borrowed here");
}

/// Runs until everything is sent after a shutdown.
pub(super) async fn run(shared: &Shared, collector: Collector, sender: Sender) {
    let task = StopOnDrop(shared);
    tokio::join!(collector.run(task.0), send(task.0, sender));
}

async fn send(shared: &Shared, mut sender: Sender) {
    while let Some(batch) = shared.next(&sender).await {
        deliver(shared, &mut sender, batch).await;
    }
}

/// Sends a batch until the receiver has dealt with it or it is too old.
async fn deliver(shared: &Shared, sender: &mut Sender, mut batch: Batch) {
    let mut bodies = Bodies::default();
    let mut failures = 0;
    let count = || shared.state().stats.requests += 1;
    while batch.samples() > 0 {
        let error = match sender.attempt(&batch, &mut bodies, &count).await {
            Ok(outcome) => return shared.settle(&batch, outcome, sender),
            Err(error) => error,
        };
        failures += 1;
        let (kind, delay) = (error.kind(), sender.delay(failures, &error));
        shared.fail(error);
        sleep(delay).await;
        if shared.expire(&mut batch) {
            bodies = Bodies::default();
        }
        if batch.samples() > 0 {
            shared.state().stats.retry(kind);
        }
    }
}

/// Held by the task, which may be aborted anywhere.
struct StopOnDrop<'a>(&'a Shared);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        let left = state.queue.clear() + std::mem::take(&mut state.in_flight);
        state.in_flight_since = None;
        state.stats.drop_samples(DropReason::Shutdown, left);
        drop(state);
        self.0.done.send_replace(true);
    }
}
