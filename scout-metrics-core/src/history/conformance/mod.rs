//! Checks that every [`History`] must pass, for the tests of histories.
//!
//! The contract is in the documentation of [`History`]. [`check`] checks the parts of a [`RecordHistory`] that are visible
//! from outside, and panics with a sentence that starts with the history's `Display`. [`check_comes_back`] checks any
//! snapshots, for property tests. [`check_filled`] checks a history that other programs fill.
//!
//! ```
//! use scout_metrics_core::{MemoryHistory, conformance};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conformance::history::check(&MemoryHistory::new()).await;
//! # }
//! ```

mod filled;

use std::{
    future::{Future, poll_fn},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::join_all;

pub use self::filled::{check_filled, snapshots};
use crate::{
    Anomaly, AnomalyKind, Error, ErrorKind, History, HistoryExt, Organization, Policy,
    PolicyResult, RawSample, RecordHistory, Result, Severity, Snapshot, Stream,
    VulnerabilityCounts,
};

const HOUR: Duration = Duration::from_secs(3600);

/// Checks an empty history, which is empty again afterwards.
///
/// # Panics
///
/// If the history breaks the contract, fails, or is not empty.
pub async fn check(history: &dyn RecordHistory) {
    display_is_one_line(history);
    is_empty(history).await;
    snapshots_come_back_equal(history).await;
    at_returns_the_last_within_the_tolerance(history).await;
    ranges_have_one_snapshot_a_step(history).await;
    ranges_without_sense_are_refused(history).await;
    any_order_gives_the_same(history).await;
    the_last_recorded_replaces_the_first(history).await;
    organizations_do_not_mix(history).await;
    pruning_leaves_later_snapshots(history).await;
    concurrent_calls_agree(history).await;
    dropped_calls_leave_the_history_usable(history).await;
    comes_back_filled(history).await;
    is_empty(history).await;
}

/// Checks that any snapshots come back equal when they are recorded in this order, and removes them.
///
/// # Panics
///
/// If one does not, or if the history fails or is not empty. The times must be whole milliseconds and all differ.
pub async fn check_comes_back(history: &dyn RecordHistory, snapshots: &[Snapshot]) {
    is_empty(history).await;
    record_all(history, snapshots).await;
    come_back(history, snapshots).await;
    let mut by_time = snapshots.to_vec();
    by_time.sort_by_key(Snapshot::scraped_at);
    let (earlier, later) = by_time.split_at(by_time.len() / 2);
    if let Some(first) = later.first() {
        pruned(history, first.scraped_at(), earlier.len()).await;
        come_back(history, later).await;
    }
    remove_all(history).await;
}

fn hour(n: u32) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000) + n * HOUR
}

fn organization(name: &str) -> Organization {
    Organization::new(name).expect("the name is valid")
}

/// A snapshot of `acme` with a count by which it is recognized.
fn counted(at: SystemTime, count: u64) -> Snapshot {
    let counts = VulnerabilityCounts::new()
        .with(Severity::High, count)
        .expect("the count is small");
    of("acme", at, [Stream::new("a").with_vulnerabilities(counts)])
}

fn of(name: &str, at: SystemTime, streams: impl IntoIterator<Item = Stream>) -> Snapshot {
    Snapshot::new(organization(name), streams)
        .expect("the streams are valid")
        .with_scraped_at(at)
}

fn unwrap<T>(history: &dyn RecordHistory, what: &str, result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{history}: {what} failed: {}", error.chain()))
}

async fn record_all(history: &dyn RecordHistory, snapshots: &[Snapshot]) {
    for snapshot in snapshots {
        unwrap(history, "a record", history.record(snapshot).await);
    }
}

async fn at(
    history: &dyn RecordHistory,
    name: &str,
    time: SystemTime,
    tolerance: Duration,
) -> Option<Snapshot> {
    let found = history.at(&organization(name), time, tolerance).await;
    unwrap(history, "a search by time", found)
}

async fn range(
    history: &dyn RecordHistory,
    start: SystemTime,
    end: SystemTime,
    step: Duration,
) -> Vec<Snapshot> {
    let found = history.range(&organization("acme"), start, end, step).await;
    unwrap(history, "a range", found)
}

async fn pruned(history: &dyn RecordHistory, before: SystemTime, expected: usize) {
    let removed = unwrap(history, "pruning", history.prune(before).await);
    assert!(
        removed == expected as u64,
        "{history}: pruning returned {removed} and should have removed {expected} snapshots"
    );
}

async fn remove_all(history: &dyn RecordHistory) {
    let end = UNIX_EPOCH + Duration::from_secs(253_402_300_800);
    unwrap(history, "pruning", history.prune(end).await);
}

async fn come_back(history: &dyn RecordHistory, snapshots: &[Snapshot]) {
    for recorded in snapshots {
        let name = recorded.organization().as_str();
        let found = at(history, name, recorded.scraped_at(), Duration::ZERO).await;
        let Some(found) = found else {
            panic!("{history}: a recorded snapshot of `{name}` is not found at its time");
        };
        assert!(
            found == *recorded,
            "{history}: a snapshot does not come back equal: recorded {recorded:?}, found {found:?}"
        );
    }
}

/// Checks that the `Display` of a history, which is for logs, is one line and not empty.
///
/// # Panics
///
/// If it is not.
pub fn display_is_one_line(history: &dyn History) {
    let shown = history.to_string();
    assert!(
        !shown.trim().is_empty() && !shown.contains(char::is_control),
        "{shown:?}: the Display is not one line of text"
    );
}

async fn is_empty(history: &dyn RecordHistory) {
    let names = unwrap(history, "a list", history.organizations().await);
    assert!(
        names.is_empty(),
        "{history}: an empty history has {names:?}"
    );
    let latest = history.latest(&organization("acme")).await;
    let latest = unwrap(history, "a search", latest);
    assert!(
        latest.is_none(),
        "{history}: an empty history has a snapshot"
    );
    let found = range(history, hour(0), hour(9), HOUR).await;
    assert!(
        found.is_empty(),
        "{history}: an empty history has snapshots"
    );
    pruned(history, hour(9), 0).await;
}

/// A snapshot with every kind of data, some of which changes with the number.
fn everything(number: u32) -> Snapshot {
    let build = || -> Result<Snapshot, Error> {
        let n = u64::from(number);
        let some = VulnerabilityCounts::new()
            .with(Severity::Critical, 0)?
            .with(Severity::Low, n / 3)?
            .with(Severity::Medium, Snapshot::MAX_COUNT)?
            .with_unrecognized("BLOCKER", n / 2)?;
        let policy =
            |id: &str, name: &str| PolicyResult::new(Policy::new(id, name), n % 2, 7 - n % 3);
        let mut streams = vec![
            Stream::new("empty"),
            Stream::new("it's \"quoted\"; DROP TABLE scrape; --\n\0é")
                .with_vulnerabilities(some)
                .with_policy(policy("'; DELETE FROM value; --", "")?)
                .with_policy(policy("b", &format!("renamed {}", n / 4))?),
            Stream::new("z").with_policy(policy("b", "b")?),
            Stream::new("a").with_policy(policy("b", "b")?),
        ];
        // Order, and what is reported at all, belong to the data.
        if number.is_multiple_of(3) {
            streams.reverse();
        }
        if number % 4 == 1 {
            streams.remove(1);
        }
        let labels = vec![("l".to_owned(), "v\n".to_owned()), Default::default()];
        let anomalies = [f64::NAN, f64::NEG_INFINITY, -0.0, n as f64].map(|value| {
            Anomaly::new(AnomalyKind::UnknownFamily, "odd")
                .with_line(n)
                .with_sample(RawSample::new("x", labels.clone(), value))
        });
        let bare = Anomaly::new(AnomalyKind::Empty, "");
        let anomalies = anomalies
            .into_iter()
            .chain([bare])
            .skip(number as usize % 6);
        Ok(of("acme", hour(number) + Duration::from_millis(n), streams)
            .with_anomalies(anomalies.collect()))
    };
    build().expect("the data is valid")
}

async fn snapshots_come_back_equal(history: &dyn RecordHistory) {
    let mut snapshots: Vec<Snapshot> = (0..24).map(everything).collect();
    snapshots.push(of("acme", hour(24), []));
    snapshots.push(of("acme", UNIX_EPOCH, [Stream::new("first")]));
    record_all(history, &snapshots).await;
    come_back(history, &snapshots).await;
    record_all(history, &snapshots).await;
    come_back(history, &snapshots).await;
    pruned(history, hour(30), snapshots.len()).await;
}

async fn at_returns_the_last_within_the_tolerance(history: &dyn RecordHistory) {
    let (first, second) = (counted(hour(0), 1), counted(hour(2), 2));
    record_all(history, &[first.clone(), second.clone()]).await;
    let ms = Duration::from_millis(1);
    let cases = [
        (hour(0) - ms, Duration::MAX, None),
        (hour(0), Duration::ZERO, Some(&first)),
        (hour(1), HOUR, Some(&first)),
        (hour(1), HOUR - ms, None),
        (hour(2) - ms, Duration::MAX, Some(&first)),
        (hour(2), Duration::MAX, Some(&second)),
        (hour(9), Duration::MAX, Some(&second)),
        (hour(9), 6 * HOUR, None),
    ];
    for (time, tolerance, expected) in cases {
        let found = at(history, "acme", time, tolerance).await;
        assert!(
            found.as_ref() == expected,
            "{history}: the wrong snapshot at {time:?} with a tolerance of {tolerance:?}: \
             expected {expected:?}, found {found:?}"
        );
    }
    let latest = history.latest(&organization("acme")).await;
    assert!(
        unwrap(history, "a search", latest) == Some(second),
        "{history}: the latest snapshot is not the last"
    );
    remove_all(history).await;
}

async fn ranges_have_one_snapshot_a_step(history: &dyn RecordHistory) {
    // Two in one step, then a gap, then one at the very end of a step.
    let minutes = |n: u64| hour(0) + Duration::from_secs(60 * n);
    let times = [0, 70, 110, 240, 241];
    let snapshots: Vec<Snapshot> = times.iter().map(|n| counted(minutes(*n), *n)).collect();
    record_all(history, &snapshots).await;
    let expect = |indexes: &[usize]| -> Vec<Snapshot> {
        indexes.iter().map(|i| snapshots[*i].clone()).collect()
    };
    let cases = [
        (minutes(0), minutes(300), HOUR, expect(&[0, 2, 3, 4])),
        (minutes(0), minutes(299), HOUR, expect(&[0, 2, 3])),
        (minutes(60), minutes(60), HOUR, expect(&[])),
        (minutes(59), minutes(59), HOUR, expect(&[0])),
        (minutes(300), minutes(300), 9 * HOUR, expect(&[4])),
    ];
    for (start, end, step, expected) in cases {
        let found = range(history, start, end, step).await;
        assert!(
            found == expected,
            "{history}: a range from {start:?} to {end:?} has the wrong snapshots: \
             expected {expected:?}, found {found:?}"
        );
    }
    remove_all(history).await;
}

async fn ranges_without_sense_are_refused(history: &dyn History) {
    let cases = [
        (hour(1), Duration::ZERO, ErrorKind::Invalid),
        (hour(0) - HOUR, HOUR, ErrorKind::Invalid),
        (hour(1), Duration::from_millis(1), ErrorKind::Limit),
    ];
    for (end, step, kind) in cases {
        let acme = organization("acme");
        let found = history.range(&acme, hour(0), end, step).await;
        let found = found.map_err(|error| error.kind());
        assert!(
            found == Err(kind),
            "{history}: a range with a step of {step:?} should be refused with {kind}"
        );
    }
}

async fn any_order_gives_the_same(history: &dyn RecordHistory) {
    let in_order: Vec<Snapshot> = (0..12).map(everything).collect();
    for stride in [5, 7, 11] {
        let shuffled = (0..12).map(|n| in_order[n * stride % 12].clone());
        record_all(history, &shuffled.collect::<Vec<_>>()).await;
        come_back(history, &in_order).await;
        let found = range(history, hour(0), hour(13), HOUR).await;
        assert!(
            found == in_order,
            "{history}: a range is not sorted by time or not complete"
        );
        remove_all(history).await;
    }
}

async fn the_last_recorded_replaces_the_first(history: &dyn RecordHistory) {
    let others = [everything(0), everything(1), everything(3), everything(4)];
    record_all(history, &others).await;
    for number in [7, 2, 8] {
        let second = everything(number).with_scraped_at(hour(2));
        record_all(history, std::slice::from_ref(&second)).await;
        come_back(history, &[second]).await;
        come_back(history, &others).await;
    }
    pruned(history, hour(9), others.len() + 1).await;
}

async fn organizations_do_not_mix(history: &dyn RecordHistory) {
    let ours = counted(hour(1), 1);
    let theirs = of("zenith", hour(1), [Stream::new("a"), Stream::new("b")]);
    let older = of("zenith", hour(0), [Stream::new("a")]);
    record_all(history, &[theirs.clone(), ours.clone(), older.clone()]).await;
    come_back(history, &[ours, theirs, older]).await;
    let names = unwrap(history, "a list", history.organizations().await);
    assert!(
        names == [organization("acme"), organization("zenith")],
        "{history}: has organizations {names:?} and should have `acme` and `zenith`"
    );
    assert!(
        at(history, "acme", hour(0), Duration::MAX).await.is_none(),
        "{history}: returns a snapshot of another organization"
    );
    pruned(history, hour(2), 3).await;
}

async fn pruning_leaves_later_snapshots(history: &dyn RecordHistory) {
    let snapshots: Vec<Snapshot> = (0..10).map(everything).collect();
    record_all(history, &snapshots).await;
    for (kept, removed) in [(0, 0), (4, 4), (9, 5)] {
        pruned(history, snapshots[kept].scraped_at(), removed).await;
        come_back(history, &snapshots[kept..]).await;
        let found = at(history, "acme", hour(kept as u32), Duration::MAX).await;
        assert!(
            found.is_none_or(|found| found == snapshots[0]),
            "{history}: a pruned snapshot is still found"
        );
    }
    record_all(history, &snapshots[..9]).await;
    come_back(history, &snapshots).await;
    pruned(history, hour(20), 10).await;
}

async fn concurrent_calls_agree(history: &dyn RecordHistory) {
    let snapshots: Vec<Snapshot> = (0..16).map(everything).collect();
    let calls = snapshots.iter().map(|snapshot| async move {
        record_all(history, std::slice::from_ref(snapshot)).await;
        come_back(history, std::slice::from_ref(snapshot)).await;
    });
    join_all(calls).await;
    come_back(history, &snapshots).await;
    pruned(history, hour(20), 16).await;
}

async fn dropped_calls_leave_the_history_usable(history: &dyn RecordHistory) {
    let snapshot = everything(1);
    poll_once(history.record(&snapshot)).await;
    poll_once(history.prune(hour(0))).await;
    record_all(history, std::slice::from_ref(&snapshot)).await;
    poll_once(history.latest(snapshot.organization())).await;
    come_back(history, std::slice::from_ref(&snapshot)).await;
    remove_all(history).await;
}

async fn comes_back_filled(history: &dyn RecordHistory) {
    let snapshots = snapshots();
    record_all(history, &snapshots).await;
    check_filled(history, &snapshots).await;
    remove_all(history).await;
}

/// Polls a future once and drops it.
async fn poll_once(future: impl Future) {
    let mut future = Box::pin(future);
    poll_fn(|context| {
        let _ = future.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
}
