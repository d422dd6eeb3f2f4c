//! The history in a SQLite file: what is in the file, and what happens to it.

#![cfg(all(feature = "conformance", feature = "sqlite"))]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::{
    env,
    error::Error as _,
    fs,
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use proptest::prelude::*;
use rusqlite::Connection;
use scout_metrics_core::{
    Anomaly, AnomalyKind, Error, ErrorKind, History, HistoryExt, MemoryHistory, Organization,
    Policy, PolicyResult, RawSample, RecordHistory, Severity, Snapshot, SqliteHistory, Stream,
    VulnerabilityCounts, conformance,
};
use tempfile::TempDir;

const HOUR: Duration = Duration::from_secs(3600);

fn acme() -> Organization {
    Organization::new("acme").unwrap()
}

fn hour(n: u32) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000) + n * HOUR
}

/// A snapshot that differs from that of every other number.
fn numbered(n: u32) -> Snapshot {
    let counts = |count| {
        let counts = VulnerabilityCounts::new().with(Severity::Critical, count);
        counts.unwrap().with(Severity::Low, 7).unwrap()
    };
    let policy = Policy::new("no-copyleft", "No copyleft licenses");
    let result = PolicyResult::new(policy, (n % 3).into(), 3).unwrap();
    let streams = [
        Stream::new("production")
            .with_vulnerabilities(counts(n.into()))
            .with_policy(result),
        Stream::new("staging").with_vulnerabilities(counts(1)),
        Stream::new("empty"),
    ];
    Snapshot::new(acme(), streams)
        .unwrap()
        .with_scraped_at(hour(n))
}

struct File {
    directory: TempDir,
}

impl File {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("scout.db")
    }

    async fn open(&self) -> SqliteHistory {
        SqliteHistory::open(self.path()).await.unwrap()
    }

    async fn error(&self) -> Error {
        SqliteHistory::open(self.path()).await.unwrap_err()
    }

    /// A file with snapshots, which no process has open.
    async fn with(snapshots: u32) -> Self {
        let file = Self::new();
        let history = file.open().await;
        for n in 0..snapshots {
            history.record(&numbered(n)).await.unwrap();
        }
        file
    }

    fn sql(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

#[tokio::test]
async fn conforms_also_in_a_pointer_and_when_reopened() {
    let file = File::new();
    conformance::history::check(&file.open().await).await;
    let shared: Arc<dyn RecordHistory> = Arc::new(file.open().await);
    conformance::history::check(&shared).await;
}

#[tokio::test]
async fn other_programs_read_the_views_while_we_write() {
    let file = File::new();
    let history = file.open().await;
    let sql = file.sql();
    let rows = |query: &str| -> Vec<String> {
        let mut statement = sql.prepare(query).unwrap();
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            let text = |column| match row.get_ref(column).unwrap() {
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                text => text.as_str().unwrap().to_owned(),
            };
            Ok((0..columns).map(text).collect::<Vec<_>>().join("|"))
        };
        let rows = statement.query_map([], row).unwrap();
        rows.map(Result::unwrap).collect()
    };
    for n in 0..5 {
        history.record(&numbered(n)).await.unwrap();
        let count = rows("SELECT count(*) FROM vulnerabilities");
        assert_eq!(count, [(4 * (n + 1)).to_string()]);
    }
    assert_eq!(
        rows("SELECT * FROM vulnerabilities WHERE time LIKE '2023-11-15T00:%'"),
        [
            "acme|2023-11-15T00:13:20.000Z|production|CRITICAL|2",
            "acme|2023-11-15T00:13:20.000Z|production|LOW|7",
            "acme|2023-11-15T00:13:20.000Z|staging|CRITICAL|1",
            "acme|2023-11-15T00:13:20.000Z|staging|LOW|7",
        ]
    );
    // The two queries of the documentation.
    assert_eq!(
        rows(
            "SELECT time, count FROM vulnerabilities
             WHERE organization = 'acme' AND stream = 'production' AND severity = 'CRITICAL' ORDER BY time"
        )
        .len(),
        5
    );
    assert_eq!(
        rows(
            "SELECT stream, display_name, evaluated - compliant AS violating FROM policies
             WHERE time = (SELECT max(time) FROM policies) AND compliant < evaluated ORDER BY violating DESC"
        ),
        ["production|No copyleft licenses|2"]
    );
    let policies = "SELECT * FROM policies ORDER BY time LIMIT 1";
    assert_eq!(
        rows(policies),
        ["acme|2023-11-14T22:13:20.000Z|production|no-copyleft|No copyleft licenses|0|3"]
    );
    // Written when they changed: 3 heads of streams and 3 counts once, 2 values five times.
    assert_eq!(rows("SELECT count(*) FROM value"), ["16"]);
    assert_eq!(rows("SELECT count(*) FROM layout"), ["1"]);
}

#[tokio::test]
async fn times_are_kept_to_the_millisecond() {
    let file = File::new();
    let history = file.open().await;
    let time = hour(0) + Duration::from_nanos(1_999_999);
    history
        .record(&numbered(1).with_scraped_at(time))
        .await
        .unwrap();
    let found = history
        .at(&acme(), time, Duration::ZERO)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        found,
        numbered(1).with_scraped_at(hour(0) + Duration::from_millis(1))
    );
}

#[tokio::test]
async fn paths_that_cannot_be_opened_are_named() {
    let file = File::new();
    let missing = file.directory.path().join("missing").join("scout.db");
    let error = SqliteHistory::open(&missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        format!("the history {missing:?} cannot be opened")
    );
    let directory = file.directory.path();
    let error = SqliteHistory::open(directory).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        error.to_string(),
        format!("the history {directory:?} cannot be opened")
    );
    assert!(error.source().is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_what_is_created() {
    use std::os::unix::fs::PermissionsExt;
    let file = File::new();
    let history = file.open().await;
    history.record(&numbered(0)).await.unwrap();
    for entry in fs::read_dir(file.directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn files_of_newer_versions_and_other_programs_are_refused_and_not_changed() {
    let file = File::with(1).await;
    file.sql().pragma_update(None, "user_version", 2).unwrap();
    let before = fs::read(file.path()).unwrap();
    let error = file.error().await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.message().ends_with(
            "was written by a newer version: its schema is 2, the latest known one is 1"
        ),
        "{error}"
    );
    assert_eq!(fs::read(file.path()).unwrap(), before);

    let file = File::new();
    file.sql()
        .execute_batch("CREATE TABLE mine (id INTEGER)")
        .unwrap();
    let before = fs::read(file.path()).unwrap();
    let error = file.error().await;
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error
            .message()
            .ends_with("is a SQLite database of another program"),
        "{error}"
    );
    assert_eq!(fs::read(file.path()).unwrap(), before);
}

fn is_damage(error: &Error) -> bool {
    error.kind() == ErrorKind::Decode && error.message().contains("is damaged")
}

#[tokio::test]
async fn a_file_cut_anywhere_is_an_error() {
    let whole = fs::read(File::with(200).await.path()).unwrap();
    for length in (1..whole.len()).step_by(1777) {
        let file = File::new();
        fs::write(file.path(), &whole[..length]).unwrap();
        let Err(error) = SqliteHistory::open(file.path()).await else {
            panic!("cut at {length} of {}", whole.len());
        };
        assert!(is_damage(&error), "cut at {length}: {}", error.chain());
    }
}

#[tokio::test]
async fn an_overwritten_file_never_gives_wrong_data() {
    let pristine = File::with(60).await;
    let whole = fs::read(pristine.path()).unwrap();
    let (mut refused, mut unread) = (0, 0);
    for at in (0..whole.len()).step_by(397) {
        let file = File::new();
        fs::write(file.path(), &whole).unwrap();
        let mut writer = fs::OpenOptions::new()
            .write(true)
            .open(file.path())
            .unwrap();
        writer.seek(SeekFrom::Start(at as u64)).unwrap();
        writer.write_all(&[whole[at] ^ 0x15]).unwrap();
        drop(writer);
        let Ok(history) = SqliteHistory::open(file.path()).await else {
            refused += 1;
            continue;
        };
        for n in [0, 7, 30, 59] {
            match history.at(&acme(), hour(n), Duration::ZERO).await {
                Ok(Some(found)) => assert_eq!(found, numbered(n), "byte {at}"),
                Ok(None) => unread += 1,
                Err(error) => {
                    assert!(is_damage(&error), "byte {at}: {}", error.chain());
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 5, "{refused} refused");
    // A damaged time or name of an organization: the snapshot is elsewhere, not wrong.
    assert!(unread < 20, "{unread} not found");
}

#[tokio::test]
async fn garbage_is_an_error() {
    let file = File::new();
    fs::write(file.path(), "not a database\n".repeat(1000)).unwrap();
    let error = file.error().await;
    assert!(is_damage(&error));
    assert!(
        error
            .message()
            .ends_with("is damaged, or not a SQLite database"),
        "{error}"
    );
}

#[tokio::test]
async fn a_locked_file_is_unavailable_and_bounded() {
    let file = File::with(1).await;
    let history = file.open().await.with_timeout(Duration::from_millis(50));
    let lock = file.sql();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = history.record(&numbered(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    // Readers do not wait for writers.
    assert!(history.latest(&acme()).await.unwrap().is_some());
    lock.execute_batch("COMMIT").unwrap();
}

/// The code of the process that is killed; does nothing without the variable.
#[tokio::test]
async fn child_that_records_until_it_is_killed() {
    let Ok(path) = env::var("SCOUT_METRICS_TEST_HISTORY") else {
        return;
    };
    let history = SqliteHistory::open(Path::new(&path)).await.unwrap();
    for n in 0..u32::MAX {
        history.record(&numbered(n)).await.unwrap();
        println!("recorded {n}");
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_recorded() {
    let file = File::new();
    let mut recorded = 0;
    for round in 1..=3 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "child_that_records_until_it_is_killed",
                "--nocapture",
            ])
            .env("SCOUT_METRICS_TEST_HISTORY", file.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut numbers = lines.map_while(Result::ok).filter_map(|line| {
            let (_, number) = line.rsplit_once("recorded ")?;
            number.parse::<u32>().ok()
        });
        recorded = numbers.by_ref().nth(round * 41).unwrap().max(recorded);
        child.kill().unwrap();
        child.wait().unwrap();
        let history = file.open().await;
        for n in 0..=recorded {
            let found = history.at(&acme(), hour(n), Duration::ZERO).await.unwrap();
            assert_eq!(found, Some(numbered(n)));
        }
    }
}

/// The code of another process, which opens the file, records one snapshot and ends; does nothing without the variable.
#[tokio::test]
async fn child_that_records_once() {
    let Ok(path) = env::var("SCOUT_METRICS_TEST_SHARED_HISTORY") else {
        return;
    };
    let history = SqliteHistory::open(Path::new(&path)).await.unwrap();
    history.record(&numbered(1)).await.unwrap();
}

/// Closing a descriptor of the file releases the locks that the process has on it. Another process would then delete
/// the log of SQLite although it is in use.
#[tokio::test]
async fn opening_a_file_twice_keeps_its_locks() {
    let file = File::new();
    let first = file.open().await;
    first.record(&numbered(0)).await.unwrap();
    let _second = file.open().await;
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child_that_records_once"])
        .env("SCOUT_METRICS_TEST_SHARED_HISTORY", file.path())
        .status()
        .unwrap();
    assert!(child.success());
    first.record(&numbered(2)).await.unwrap();
    let log = file.directory.path().join("scout.db-wal");
    assert!(log.exists(), "the log that is in use was deleted");
    for n in 0..3 {
        let found = first.at(&acme(), hour(n), Duration::ZERO).await.unwrap();
        assert_eq!(found, Some(numbered(n)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_file_may_be_opened_by_many_at_once() {
    let file = File::new();
    let openings: tokio::task::JoinSet<_> = (0..8)
        .map(|n| {
            let path = file.path();
            async move {
                let history = SqliteHistory::open(path).await?;
                history.record(&numbered(n)).await
            }
        })
        .collect();
    for opened in openings.join_all().await {
        opened.unwrap();
    }
    let history = file.open().await;
    for n in 0..8 {
        let found = history.at(&acme(), hour(n), Duration::ZERO).await.unwrap();
        assert_eq!(found, Some(numbered(n)));
    }
}

#[tokio::test]
async fn no_time_and_no_tolerance_overflow() {
    let file = File::with(1).await;
    let history = file.open().await;
    let before_1970 = UNIX_EPOCH - HOUR;
    for tolerance in [Duration::ZERO, Duration::MAX] {
        let found = history.at(&acme(), before_1970, tolerance).await.unwrap();
        assert!(found.is_none());
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{1,2}",
        any::<String>().prop_filter("not empty", |text| !text.is_empty())
    ]
}

fn any_stream() -> impl Strategy<Value = Stream> {
    let count = || prop_oneof![0..3u64, 0..=Snapshot::MAX_COUNT];
    let counts = prop::collection::btree_map(0..5usize, count(), 0..5);
    let others = prop::collection::btree_map("[A-Z]{9,12}", count(), 0..2);
    let policies = prop::collection::btree_map(any_text(), (any_text(), count(), count()), 0..4);
    (any_text(), counts, others, policies).prop_map(|(name, counts, others, policies)| {
        let mut all = VulnerabilityCounts::new();
        for (index, count) in counts {
            all = all.with(Severity::ALL[index], count).unwrap();
        }
        for (name, count) in others {
            all = all.with_unrecognized(&name, count).unwrap_or_default();
        }
        let mut stream = Stream::new(name).with_vulnerabilities(all);
        for (id, (display_name, compliant, evaluated)) in policies {
            let policy = Policy::new(id, display_name);
            let result = PolicyResult::new(policy, compliant, evaluated).unwrap();
            stream = stream.with_policy(result);
        }
        stream
    })
}

fn any_anomaly() -> impl Strategy<Value = Anomaly> {
    (any_text(), any::<f64>(), any::<bool>()).prop_map(|(text, value, is_placed)| {
        let labels = vec![(text.clone(), text.clone())];
        let sample = RawSample::new("x", labels, value);
        let anomaly = Anomaly::new(AnomalyKind::UnknownLabel, text);
        match is_placed {
            true => anomaly.with_sample(sample),
            false => anomaly.with_unplaced(sample),
        }
    })
}

fn any_snapshots() -> impl Strategy<Value = Vec<Snapshot>> {
    let streams = prop::collection::vec(any_stream(), 0..4);
    let anomalies = prop::collection::vec(any_anomaly(), 0..3);
    let one = (any::<bool>(), streams, anomalies);
    let by_time = prop::collection::btree_map(0..253_402_300_799_999u64, one, 0..8);
    let snapshots = by_time.prop_map(|by_time| {
        let build = |(millis, (is_ours, mut streams, anomalies)): (u64, (bool, Vec<Stream>, _))| {
            streams.sort_by(|a, b| a.name().cmp(b.name()));
            streams.dedup_by(|a, b| a.name() == b.name());
            let name = if is_ours { "acme" } else { "zenith" };
            let organization = Organization::new(name).unwrap();
            Snapshot::new(organization, streams)
                .unwrap()
                .with_scraped_at(UNIX_EPOCH + Duration::from_millis(millis))
                .with_anomalies(anomalies)
        };
        by_time.into_iter().map(build).collect::<Vec<_>>()
    });
    snapshots.prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_snapshots_come_back_equal(snapshots in any_snapshots()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            conformance::history::check_comes_back(&MemoryHistory::new(), &snapshots).await;
            let file = File::new();
            conformance::history::check_comes_back(&file.open().await, &snapshots).await;
        });
    }
}
