//! The pasts of all organizations, read in the background and kept until there is a newer snapshot.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout, timeout_at},
};

use scout_metrics_core::{Error, ErrorKind, History, Organization, Result, Snapshot};

use super::{super::error_response, past::Past};

/// How long the past of an organization may take to read.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// How long a page waits for pasts that are being read. After that, it shows what there is.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a history that failed is left alone.
const PAUSE: Duration = Duration::from_secs(60);

/// How long a past is used for newer snapshots, too. A source may be fetched every second, and days do not change that soon.
const VALIDITY: Duration = Duration::from_secs(300);

/// How many pasts are read at once.
const READS: usize = 2;

/// The pasts of all organizations. Each is read once for each snapshot, however many pages are requested, and a request
/// never waits long for it.
#[derive(Debug)]
pub(in crate::exporter) struct Pasts {
    history: Option<Arc<dyn History>>,
    entries: Mutex<BTreeMap<Organization, Arc<watch::Sender<Entry>>>>,
    turns: Arc<Semaphore>,
}

/// The known past of an organization.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// The past, perhaps of the snapshot before the current one.
    pub(super) past: Option<Arc<Past>>,
    /// Why the past could not be read.
    pub(super) failure: Option<String>,
    /// The time of the snapshot whose past was read last, or is being read.
    of: Option<SystemTime>,
    failed_at: Option<Instant>,
    read_at: Option<Instant>,
    is_reading: bool,
}

impl Pasts {
    pub(in crate::exporter) fn new(history: Option<Arc<dyn History>>) -> Self {
        Self {
            history,
            entries: Mutex::default(),
            turns: Arc::new(Semaphore::new(READS)),
        }
    }

    /// Returns whether there is a history to read.
    pub(super) fn has_history(&self) -> bool {
        self.history.is_some()
    }

    /// Returns what is known about the pasts of snapshots. Starts to read those that are missing, and waits a moment for
    /// the first ones.
    pub(super) async fn of(
        &self,
        snapshots: impl Iterator<Item = &Snapshot>,
    ) -> BTreeMap<Organization, Entry> {
        let Some(history) = &self.history else {
            return BTreeMap::new();
        };
        let entries: Vec<_> = snapshots
            .map(|snapshot| {
                let entry = self.entry(snapshot.organization());
                self.read_if_due(history, &entry, snapshot);
                (snapshot.organization().clone(), entry)
            })
            .collect();
        let deadline = Instant::now() + PATIENCE;
        let mut found = BTreeMap::new();
        for (organization, entry) in entries {
            let mut states = entry.subscribe();
            let is_settled = |entry: &Entry| entry.past.is_some() || !entry.is_reading;
            // A past that takes longer is missing on this page.
            let _ = timeout_at(deadline, states.wait_for(is_settled)).await;
            found.insert(organization, states.borrow().clone());
        }
        found
    }

    fn entry(&self, organization: &Organization) -> Arc<watch::Sender<Entry>> {
        let mut entries = self.lock();
        if let Some(entry) = entries.get(organization) {
            return Arc::clone(entry);
        }
        let entry = Arc::new(watch::Sender::new(Entry::default()));
        entries.insert(organization.clone(), Arc::clone(&entry));
        entry
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Organization, Arc<watch::Sender<Entry>>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a task that reads the past of a snapshot, unless it is known, is being read, or could not be read a moment
    /// ago.
    fn read_if_due(
        &self,
        history: &Arc<dyn History>,
        entry: &Arc<watch::Sender<Entry>>,
        snapshot: &Snapshot,
    ) {
        let is_due = entry.send_if_modified(|entry| {
            let is_due = entry.is_due(snapshot.scraped_at());
            if is_due {
                entry.is_reading = true;
                entry.of = Some(snapshot.scraped_at());
            }
            is_due
        });
        if is_due {
            let turns = Arc::clone(&self.turns);
            let read = read(Arc::clone(history), snapshot.clone(), turns);
            let entry = Arc::clone(entry);
            tokio::spawn(async move {
                // A panic of the history ends its own task only, so that the entry never stays in reading.
                let past = tokio::spawn(read).await.unwrap_or_else(|error| {
                    let message = "the history panicked";
                    Err(Error::new(ErrorKind::Other, message).with_source(error))
                });
                entry.send_modify(|entry| entry.finish(past));
            });
        }
    }
}

impl Entry {
    fn is_due(&self, time: SystemTime) -> bool {
        let is_within = |at: Option<Instant>, limit| at.is_some_and(|at| at.elapsed() < limit);
        let is_known = self.of == Some(time) && self.failed_at.is_none();
        let is_recent = is_within(self.read_at, VALIDITY) || is_within(self.failed_at, PAUSE);
        !self.is_reading && !is_known && !is_recent
    }

    fn finish(&mut self, past: Result<Past>) {
        self.is_reading = false;
        match past {
            Ok(past) => {
                self.past = Some(Arc::new(past));
                self.failure = None;
                self.failed_at = None;
                self.read_at = Some(Instant::now());
            }
            Err(error) => {
                tracing::warn!(error = %error.chain(), "cannot read the history for the page");
                self.failure = Some(error_response::reason_alone(&error));
                self.failed_at = Some(Instant::now());
            }
        }
    }

    /// Returns whether the past is being read for the first time.
    pub(super) fn is_loading(&self) -> bool {
        self.is_reading && self.past.is_none()
    }
}

async fn read(
    history: Arc<dyn History>,
    snapshot: Snapshot,
    turns: Arc<Semaphore>,
) -> Result<Past> {
    let _turn = turns.acquire_owned().await;
    let read = timeout(READ_LIMIT, Past::read(&history, &snapshot)).await;
    read.unwrap_or_else(|_| {
        let message = format!("the history did not answer within {READ_LIMIT:?}");
        Err(Error::new(ErrorKind::Timeout, message).with_organization(snapshot.organization()))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use scout_metrics_core::{MemoryHistory, Stream};

    use super::{super::past::DAYS, *};

    /// The ways in which a read of a history ends.
    #[derive(Clone, Copy, Debug)]
    enum Fault {
        Error,
        Hang,
        None,
        Panic,
    }

    #[derive(Debug)]
    struct Scripted {
        fault: Mutex<Fault>,
        reads: AtomicUsize,
    }

    impl std::fmt::Display for Scripted {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Scripted")
        }
    }

    #[async_trait]
    impl History for Scripted {
        async fn organizations(&self) -> Result<Vec<Organization>> {
            Ok(Vec::new())
        }

        async fn at(
            &self,
            _: &Organization,
            _: SystemTime,
            _: Duration,
        ) -> Result<Option<Snapshot>> {
            Ok(None)
        }

        async fn range(
            &self,
            organization: &Organization,
            start: SystemTime,
            end: SystemTime,
            step: Duration,
        ) -> Result<Vec<Snapshot>> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            let fault = *self.fault.lock().unwrap();
            match fault {
                Fault::Error => Err(Error::new(ErrorKind::Unavailable, "the disk is away")),
                Fault::Hang => std::future::pending().await,
                Fault::None => {
                    MemoryHistory::new()
                        .range(organization, start, end, step)
                        .await
                }
                Fault::Panic => panic!("scripted"),
            }
        }
    }

    fn scripted(fault: Fault) -> (Pasts, Arc<Scripted>) {
        let history = Arc::new(Scripted {
            fault: Mutex::new(fault),
            reads: AtomicUsize::new(0),
        });
        (Pasts::new(Some(Arc::<Scripted>::clone(&history))), history)
    }

    fn snapshot() -> Snapshot {
        Snapshot::new(Organization::new("acme").unwrap(), [Stream::new("a")]).unwrap()
    }

    async fn of(pasts: &Pasts, snapshot: &Snapshot) -> Entry {
        let found = pasts.of([snapshot].into_iter()).await;
        found.into_values().next().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_past_is_read_once_for_each_snapshot_and_at_most_every_five_minutes() {
        let (pasts, history) = scripted(Fault::None);
        let first = snapshot();
        for _ in 0..3 {
            let (a, b) = tokio::join!(of(&pasts, &first), of(&pasts, &first));
            assert!(a.past.is_some() && b.past.is_some());
        }
        let once = history.reads.load(Ordering::SeqCst);
        tokio::time::advance(VALIDITY).await;
        let later = first
            .clone()
            .with_scraped_at(first.scraped_at() + Duration::from_secs(1));
        assert!(of(&pasts, &later).await.past.is_some());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(
            of(&pasts, &later).await.past.unwrap().time(DAYS - 1),
            later.scraped_at()
        );
        assert_eq!(history.reads.load(Ordering::SeqCst), 2 * once);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_history_delays_a_page_by_half_a_second_and_is_given_up_after_a_minute() {
        let (pasts, _) = scripted(Fault::Hang);
        let (snapshot, begin) = (snapshot(), Instant::now());
        let entry = of(&pasts, &snapshot).await;
        assert!(entry.is_loading() && entry.failure.is_none());
        assert_eq!(begin.elapsed(), PATIENCE);
        tokio::time::sleep(READ_LIMIT).await;
        let failure = of(&pasts, &snapshot).await.failure;
        assert_eq!(
            failure.as_deref(),
            Some("the history did not answer within 60s")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_history_that_fails_or_panics_is_tried_again_after_a_minute() {
        for (fault, reason) in [
            (Fault::Error, "the disk is away"),
            (Fault::Panic, "the history panicked"),
        ] {
            let (pasts, history) = scripted(fault);
            let snapshot = snapshot();
            for _ in 0..3 {
                let entry = of(&pasts, &snapshot).await;
                assert_eq!(entry.failure.as_deref(), Some(reason));
            }
            assert_eq!(history.reads.load(Ordering::SeqCst), 1);
            *history.fault.lock().unwrap() = Fault::None;
            tokio::time::advance(PAUSE).await;
            let entry = of(&pasts, &snapshot).await;
            tokio::task::yield_now().await;
            assert!(entry.past.is_some() && entry.failure.is_none());
        }
    }

    #[tokio::test]
    async fn without_a_history_there_is_nothing() {
        assert!(
            Pasts::new(None)
                .of([&snapshot()].into_iter())
                .await
                .is_empty()
        );
    }
}
