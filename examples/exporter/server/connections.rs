//! All connections of the server: how many there may be, and which one to close when there are too many.

use std::{
    collections::BTreeMap,
    io, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::Router;
use tokio::{
    net::TcpStream,
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{Limits, NewestTls, connection::Connection};

/// How long to wait for a closed connection to end before the next one is closed.
const CLOSING_TIME: Duration = Duration::from_millis(100);

/// How often the log may repeat a line.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(super) struct Connections {
    router: Router,
    limits: Limits,
    tls: Option<NewestTls>,
    slots: Arc<Semaphore>,
    idle: Arc<Mutex<Idle>>,
    tasks: Arc<Mutex<JoinSet<()>>>,
    stop: watch::Sender<()>,
}

impl Connections {
    pub(super) fn new(router: Router, limits: Limits, tls: Option<NewestTls>) -> Self {
        Self {
            router,
            limits,
            tls,
            slots: Arc::new(Semaphore::new(limits.connections)),
            idle: Arc::default(),
            tasks: Arc::default(),
            stop: watch::Sender::new(()),
        }
    }

    /// Returns a slot for one connection. While all are taken, closes the connections that have been idle longest.
    pub(super) async fn slot(&self) -> OwnedSemaphorePermit {
        loop {
            if self.slots.available_permits() == 0 {
                lock(&self.idle).evict(self.limits.connections);
            }
            let slot = Arc::clone(&self.slots).acquire_owned();
            if let Ok(slot) = timeout(CLOSING_TIME, slot).await {
                return slot.expect("the semaphore is never closed");
            }
        }
    }

    /// Serves a connection, which keeps its slot until it ends.
    pub(super) fn serve(&self, stream: TcpStream, slot: Option<OwnedSemaphorePermit>) {
        let connection = Connection {
            router: self.router.clone(),
            limits: self.limits,
            activity: Arc::new(Activity::new(Arc::clone(&self.idle))),
            peer: stream.peer_addr().ok(),
            stopped: self.stop.subscribe(),
        };
        let tls = self.tls.as_ref().map(|newest| newest.borrow().clone());
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let _slot = slot;
            connection.serve_tcp(stream, tls).await;
        });
    }

    pub(super) fn cannot_accept(&self, error: &io::Error) {
        if lock(&self.idle).refusals.is_due() {
            tracing::warn!(%error, "cannot accept a connection");
        }
    }

    /// Waits until each connection has finished its current request.
    pub(super) async fn finish(&self) {
        self.stop.send_replace(());
        let mut tasks = mem::take(&mut *lock(&self.tasks));
        while tasks.join_next().await.is_some() {}
    }
}

/// The connections without a current request.
#[derive(Debug, Default)]
struct Idle {
    /// In the order in which they became idle.
    connections: BTreeMap<u64, Arc<Notify>>,
    next: u64,
    /// The number of connections closed since the last log line about them.
    evicted: usize,
    evictions: LogLimit,
    refusals: LogLimit,
}

impl Idle {
    fn add(&mut self, evict: Arc<Notify>) -> u64 {
        self.next += 1;
        self.connections.insert(self.next, evict);
        self.next
    }

    /// Closes the connection that has been idle longest, if any is idle.
    fn evict(&mut self, limit: usize) {
        let Some((_, evict)) = self.connections.pop_first() else {
            return;
        };
        evict.notify_one();
        self.evicted += 1;
        if self.evictions.is_due() {
            tracing::warn!(
                closed = mem::take(&mut self.evicted),
                limit,
                "too many connections: closing those that have been idle longest"
            );
        }
    }
}

/// Tracks whether one connection has a current request.
#[derive(Debug)]
pub(super) struct Activity {
    idle: Arc<Mutex<Idle>>,
    evict: Arc<Notify>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    idle_number: u64,
    has_had_request: bool,
}

impl Activity {
    fn new(idle: Arc<Mutex<Idle>>) -> Self {
        let evict = Arc::default();
        let idle_number = lock(&idle).add(Arc::clone(&evict));
        Self {
            idle,
            evict,
            state: Mutex::new(State {
                idle_number,
                has_had_request: false,
            }),
        }
    }

    pub(super) fn begin_request(&self) {
        let mut state = lock(&self.state);
        state.has_had_request = true;
        lock(&self.idle).connections.remove(&state.idle_number);
    }

    pub(super) fn end_request(&self) {
        let idle_number = lock(&self.idle).add(Arc::clone(&self.evict));
        lock(&self.state).idle_number = idle_number;
    }

    pub(super) fn has_had_request(&self) -> bool {
        lock(&self.state).has_had_request
    }

    /// Completes when the connection must be closed.
    pub(super) async fn evicted(&self) {
        self.evict.notified().await;
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        let number = lock(&self.state).idle_number;
        lock(&self.idle).connections.remove(&number);
    }
}

/// The time of the last log line, to limit how often it repeats.
#[derive(Debug, Default)]
struct LogLimit(Option<Instant>);

impl LogLimit {
    fn is_due(&mut self) -> bool {
        let is_due = self.0.is_none_or(|last| last.elapsed() >= LOG_INTERVAL);
        if is_due {
            self.0 = Some(Instant::now());
        }
        is_due
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
