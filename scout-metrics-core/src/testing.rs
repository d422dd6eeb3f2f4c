//! A source that counts how many scrapes run at the same time, and seeded random numbers, for unit tests.

use std::{
    cell::Cell,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use fastrand::Rng;

use crate::{Error, ErrorKind, MetricsSource, Organization, Result, Snapshot, Stream};

pub(crate) fn acme() -> Organization {
    Organization::new("acme").unwrap()
}

/// A snapshot with a single stream, by whose name the tests recognize it.
pub(crate) fn snapshot(stream: &str) -> Snapshot {
    Snapshot::new(acme(), [Stream::new(stream)]).unwrap()
}

pub(crate) fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "down").with_organization(&acme())
}

pub(crate) const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A source that, after a delay, calls a closure with the number of the scrape, counted from 1.
///
/// Unlike [`MemorySource`](crate::MemorySource) it can panic, and it counts the scrapes that run.
#[derive(Clone)]
pub(crate) struct Scripted {
    organization: Organization,
    delay: Duration,
    script: Arc<dyn Fn(usize) -> Result<Snapshot> + Send + Sync>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    calls: AtomicUsize,
    running: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Scripted {
    pub(crate) fn new(
        delay: Duration,
        script: impl Fn(usize) -> Result<Snapshot> + Send + Sync + 'static,
    ) -> Self {
        Self {
            organization: acme(),
            delay,
            script: Arc::new(script),
            counts: Arc::default(),
        }
    }

    /// Answers with a snapshot whose stream is named after the call: `1`, `2`, ...
    pub(crate) fn counting(delay: Duration) -> Self {
        Self::new(delay, |call| Ok(snapshot(&call.to_string())))
    }

    pub(crate) fn with_organization(mut self, organization: Organization) -> Self {
        self.organization = organization;
        self
    }

    pub(crate) fn calls(&self) -> usize {
        self.counts.calls.load(SeqCst)
    }

    pub(crate) fn running(&self) -> usize {
        self.counts.running.load(SeqCst)
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.counts.most_at_once.load(SeqCst)
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

impl fmt::Display for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scripted({})", self.organization)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MetricsSource for Scripted {
    fn organization(&self) -> &Organization {
        &self.organization
    }

    async fn scrape(&self) -> Result<Snapshot> {
        let call = self.counts.calls.fetch_add(1, SeqCst) + 1;
        let _running = Running::start(&self.counts);
        tokio::time::sleep(self.delay).await;
        (self.script)(call)
    }
}

/// Counts a scrape as running until it is dropped, whether it ends, panics or is cancelled.
struct Running<'a>(&'a Counts);

impl<'a> Running<'a> {
    fn start(counts: &'a Counts) -> Self {
        let running = counts.running.fetch_add(1, SeqCst) + 1;
        counts.most_at_once.fetch_max(running, SeqCst);
        Self(counts)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, SeqCst);
    }
}

/// Random numbers from a seed, which is printed if the test panics.
#[derive(Clone)]
pub(crate) struct Random(Arc<Seeded>);

struct Seeded {
    seed: u64,
    numbers: Mutex<Rng>,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let numbers = Mutex::new(Rng::with_seed(seed));
        Self(Arc::new(Seeded { seed, numbers }))
    }

    /// Returns a number below the bound.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        let mut numbers = self
            .0
            .numbers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        numbers.u64(..bound)
    }

    pub(crate) fn millis(&self, bound: u64) -> Duration {
        Duration::from_millis(self.below(bound))
    }
}

impl Drop for Seeded {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed was {}", self.seed);
        }
    }
}

thread_local! {
    static WALL_CLOCK_STEPS: Cell<i64> = const { Cell::new(0) };
}

/// The wall clock of this thread, for code that accepts one.
pub(crate) fn wall_clock() -> SystemTime {
    let ahead = seconds(WALL_CLOCK_STEPS.get().unsigned_abs());
    match WALL_CLOCK_STEPS.get() {
        0.. => SystemTime::now() + ahead,
        _ => SystemTime::now() - ahead,
    }
}

/// Sets the wall clock of this thread ahead, or back.
pub(crate) fn step_wall_clock(seconds: i64) {
    WALL_CLOCK_STEPS.set(WALL_CLOCK_STEPS.get() + seconds);
}
