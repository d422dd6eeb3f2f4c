//! Histories and the decorator that records in them.

#![cfg(feature = "conformance")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use scout_metrics_core::{
    Error, ErrorKind, History, HistoryExt, MemoryHistory, MemorySource, MetricsSource,
    MetricsSourceExt, Organization, RecordHistory, Recorded, Result, Snapshot, Stream, conformance,
};
use tokio::{sync::Notify, time::Instant};

const HOUR: Duration = Duration::from_secs(3600);

fn acme() -> Organization {
    Organization::new("acme").unwrap()
}

fn snapshot(stream: &str) -> Snapshot {
    Snapshot::new(acme(), [Stream::new(stream)]).unwrap()
}

fn old(stream: &str, age: Duration) -> Snapshot {
    snapshot(stream).with_scraped_at(SystemTime::now() - age)
}

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "down").with_organization(&acme())
}

#[tokio::test]
async fn memory_conforms_also_in_a_pointer() {
    conformance::history::check(&MemoryHistory::new()).await;
    let shared: Arc<dyn RecordHistory> = Arc::new(MemoryHistory::new());
    conformance::history::check(&shared).await;
    let boxed: Box<dyn RecordHistory> = Box::new(shared);
    conformance::history::check(&boxed).await;
    let readable: Arc<dyn History> = Arc::new(MemoryHistory::new());
    assert!(readable.latest(&acme()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_recorded_source_conforms() {
    let memory = MemorySource::new(snapshot("a"));
    let source = memory.clone().recorded(MemoryHistory::new());
    conformance::check(&source).await;
    conformance::check_wrapper(&source, &memory);
    assert_eq!(source.to_string(), "Recorded(MemoryHistory, Memory(acme))");
    let failing = MemorySource::failing(acme(), down());
    let source = failing.recorded(MemoryHistory::new());
    conformance::check_failing(&source, ErrorKind::Unavailable).await;
}

/// A history that counts, and waits or fails when told to.
#[derive(Clone, Default)]
struct Scripted {
    inner: MemoryHistory,
    order: Arc<Mutex<Vec<Snapshot>>>,
    reads: Arc<AtomicUsize>,
    hangs: Arc<AtomicBool>,
    fails: Arc<AtomicBool>,
    panics: Arc<AtomicBool>,
    resumed: Arc<Notify>,
}

impl Scripted {
    async fn act(&self) -> Result<()> {
        while self.hangs.load(SeqCst) {
            self.resumed.notified().await;
        }
        assert!(!self.panics.load(SeqCst), "by design");
        match self.fails.load(SeqCst) {
            true => Err(Error::new(ErrorKind::Unavailable, "disk full")),
            false => Ok(()),
        }
    }

    fn names(&self) -> Vec<String> {
        let order = self.order.lock().unwrap();
        let name = |snapshot: &Snapshot| snapshot.streams()[0].name().to_string();
        order.iter().map(name).collect()
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

impl fmt::Display for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

#[async_trait]
impl History for Scripted {
    async fn organizations(&self) -> Result<Vec<Organization>> {
        self.inner.organizations().await
    }

    async fn at(
        &self,
        organization: &Organization,
        time: SystemTime,
        tolerance: Duration,
    ) -> Result<Option<Snapshot>> {
        self.reads.fetch_add(1, SeqCst);
        self.act().await?;
        self.inner.at(organization, time, tolerance).await
    }

    async fn range(
        &self,
        organization: &Organization,
        start: SystemTime,
        end: SystemTime,
        step: Duration,
    ) -> Result<Vec<Snapshot>> {
        self.inner.range(organization, start, end, step).await
    }
}

#[async_trait]
impl RecordHistory for Scripted {
    async fn record(&self, snapshot: &Snapshot) -> Result<()> {
        self.act().await?;
        self.order.lock().unwrap().push(snapshot.clone());
        self.inner.record(snapshot).await
    }

    async fn prune(&self, before: SystemTime) -> Result<u64> {
        self.inner.prune(before).await
    }
}

#[tokio::test(start_paused = true)]
async fn each_snapshot_is_recorded_once_and_in_order() {
    let (memory, history) = (MemorySource::new(snapshot("1")), Scripted::default());
    let source = memory.clone().recorded(history.clone());
    for name in ["1", "2", "3"] {
        memory.set(Ok(snapshot(name)));
        source.scrape().await.unwrap();
        source.clone().scrape().await.unwrap();
    }
    source.flush().await.unwrap();
    assert_eq!(history.names(), ["1", "2", "3"]);
    let status = source.status();
    assert_eq!(
        (status.recorded(), status.dropped(), status.waiting()),
        (3, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_hung_disk_holds_no_answer_up_and_costs_bounded_memory() {
    let (memory, history) = (MemorySource::new(snapshot("0")), Scripted::default());
    let source = memory.clone().recorded(history.clone());
    history.hangs.store(true, SeqCst);
    let start = Instant::now();
    for n in 0..100 {
        memory.set(Ok(snapshot(&n.to_string())));
        source.scrape().await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    let status = source.status();
    assert_eq!((status.waiting(), status.dropped()), (17, 83));

    // A failed source is answered nevertheless.
    memory.set(Err(down()));
    assert!(source.scrape().await.unwrap().stream("99").is_some());

    tokio::time::sleep(Duration::from_secs(31)).await;
    let status = source.status();
    assert_eq!(status.failures(), 1);
    assert_eq!(
        status.last_error().unwrap().to_string(),
        "organization `acme`: the history did not answer within 30s"
    );
    history.hangs.store(false, SeqCst);
    history.resumed.notify_one();
    source.flush().await.unwrap();
    assert_eq!(
        history.names(),
        (84..100).map(|n| n.to_string()).collect::<Vec<_>>()
    );
    assert_eq!(source.status().failures(), 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_hung_disk_costs_a_failed_scrape_five_seconds() {
    let history = Scripted::default();
    history.record(&snapshot("before")).await.unwrap();
    history.hangs.store(true, SeqCst);
    let source = MemorySource::failing(acme(), down()).recorded(history.clone());
    let start = Instant::now();
    let error = source.scrape().await.unwrap_err();
    assert_eq!(error.to_string(), "organization `acme`: down");
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    history.hangs.store(false, SeqCst);
    assert!(source.scrape().await.unwrap().stream("before").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_history_that_fails_or_panics_hides_no_error_and_recovers() {
    let (memory, history) = (MemorySource::new(snapshot("1")), Scripted::default());
    let source = memory.clone().recorded(history.clone());
    history.fails.store(true, SeqCst);
    source.scrape().await.unwrap();
    let error = source.flush().await.unwrap_err();
    assert_eq!(error.to_string(), "organization `acme`: disk full");
    history.panics.store(true, SeqCst);
    memory.set(Ok(snapshot("2")));
    source.scrape().await.unwrap();
    let error = source.flush().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "organization `acme`: the history panicked"
    );
    assert_eq!(source.status().failures(), 2);

    let restarted = MemorySource::failing(acme(), down()).recorded(history.clone());
    let error = restarted.scrape().await.unwrap_err();
    assert_eq!(error.to_string(), "organization `acme`: down");

    history.panics.store(false, SeqCst);
    history.fails.store(false, SeqCst);
    memory.set(Ok(snapshot("3")));
    source.scrape().await.unwrap();
    source.flush().await.unwrap();
    assert_eq!(history.names(), ["3"]);
    assert!(restarted.scrape().await.unwrap().stream("3").is_some());
}

#[tokio::test]
async fn only_snapshots_within_the_age_are_served_and_none_of_the_history_from_the_future() {
    for (age, is_served) in [(24 * HOUR, true), (26 * HOUR, false)] {
        let history = MemoryHistory::new();
        history.record(&old("a", age)).await.unwrap();
        let source = MemorySource::failing(acme(), down()).recorded(history.clone());
        assert_eq!(source.scrape().await.is_ok(), is_served, "{age:?}");
        assert!(
            source
                .clone()
                .with_max_age(Duration::ZERO)
                .scrape()
                .await
                .is_err()
        );
        assert!(source.with_max_age(27 * HOUR).scrape().await.is_ok());
    }
    // The clock was an hour ahead, and was set back.
    let ahead = snapshot("ahead").with_scraped_at(SystemTime::now() + HOUR);
    let memory = MemorySource::new(ahead);
    let history = MemoryHistory::new();
    let source = memory.clone().recorded(history.clone());
    source.scrape().await.unwrap();
    source.flush().await.unwrap();
    memory.set(Err(down()));
    // This process knows how long it has had the snapshot, another one does not.
    assert!(source.scrape().await.unwrap().stream("ahead").is_some());
    let restarted = memory.recorded(history.clone());
    assert!(restarted.scrape().await.is_err());
    history.record(&old("before", HOUR)).await.unwrap();
    assert!(restarted.scrape().await.unwrap().stream("before").is_some());
}

#[tokio::test]
async fn a_denied_source_is_covered_only_if_asked_for() {
    let denied = Error::new(ErrorKind::Unauthorized, "no");
    let history = MemoryHistory::new();
    history.record(&snapshot("a")).await.unwrap();
    let source = MemorySource::failing(acme(), denied).recorded(history);
    assert!(source.scrape().await.is_err());
    assert!(
        source
            .clone()
            .with_fallback_if(|_| true)
            .scrape()
            .await
            .is_ok()
    );
    let panics = source.with_fallback_if(|_| panic!("by design"));
    let error = panics.scrape().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_recorded_after_the_last_handle_is_dropped() {
    let (memory, history) = (MemorySource::new(snapshot("1")), Scripted::default());
    let source = memory.clone().recorded(history.clone());
    history.hangs.store(true, SeqCst);
    for name in ["1", "2", "3"] {
        memory.set(Ok(snapshot(name)));
        source.scrape().await.unwrap();
    }
    drop(source);
    tokio::task::yield_now().await;
    let holders = || Arc::strong_count(&history.resumed);
    assert_eq!(holders(), 2);
    history.hangs.store(false, SeqCst);
    history.resumed.notify_one();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(history.names(), ["1", "2", "3"]);
    assert_eq!(holders(), 1);
}

#[test]
fn a_new_runtime_continues_where_the_last_one_ended() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    };
    let (memory, history) = (MemorySource::new(snapshot("1")), Scripted::default());
    let source: Recorded<MemorySource> = memory.clone().recorded(history.clone());
    history.hangs.store(true, SeqCst);
    runtime().block_on(async {
        source.scrape().await.unwrap();
        tokio::task::yield_now().await;
    });
    history.hangs.store(false, SeqCst);
    runtime().block_on(source.flush()).unwrap();
    assert_eq!(history.names(), ["1"]);
}
