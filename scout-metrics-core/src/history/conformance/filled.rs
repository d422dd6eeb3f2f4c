//! Checks of histories that other programs fill.

use std::time::{Duration, SystemTime};

use futures_util::future::join_all;

use super::{HOUR, hour, of, organization, poll_once};
use crate::{
    History, HistoryExt, MemoryHistory, Organization, Policy, PolicyResult, RecordHistory, Result,
    Severity, Snapshot, Stream, VulnerabilityCounts,
};

const MILLISECOND: Duration = Duration::from_millis(1);

/// Returns snapshots for [`check_filled`], which any store of samples can keep: none is empty, and streams and policies
/// are in the order of their names and identifiers.
///
/// They are of November 2023, of the organizations `acme` and `zenith`. Streams, severities and policies appear and vanish;
/// some snapshots are equal, some are missing, and some have the same hour.
#[must_use]
pub fn snapshots() -> Vec<Snapshot> {
    let hours = (0..40).filter(|number| !(20..24).contains(number));
    let hourly = hours.map(|number| acme(number, Duration::from_millis(u64::from(number))));
    let close = [
        acme(7, HOUR / 3),
        acme(8, HOUR / 2),
        acme(8, HOUR / 2 + MILLISECOND),
    ];
    let others = (0..6).map(|number| {
        let stream = Stream::new("a").with_vulnerabilities(counts(number / 2));
        of("zenith", hour(number) + HOUR / 8, [stream])
    });
    let mut all: Vec<Snapshot> = hourly.chain(close).chain(others).collect();
    all.sort_by_key(Snapshot::scraped_at);
    all
}

/// Checks a history that has exactly these snapshots, such as [`snapshots`], which it cannot record itself.
///
/// Snapshots come back with equal streams, in the order in which they are given; anomalies are not compared.
///
/// # Panics
///
/// If the history breaks the contract or fails, or if the snapshots are fewer than two.
pub async fn check_filled(history: &dyn History, snapshots: &[Snapshot]) {
    let expected = MemoryHistory::with_capacity(snapshots.len());
    for snapshot in snapshots {
        unwrap(
            history,
            "the expected history",
            expected.record(snapshot).await,
        );
    }
    let names = unwrap(history, "a list", expected.organizations().await);
    let found = unwrap(history, "a list", history.organizations().await);
    assert!(
        found == names,
        "{history}: has organizations {found:?} and should have {names:?}"
    );
    let unknown = organization("nobody");
    let found = unwrap(history, "a search", history.latest(&unknown).await);
    assert!(
        found.is_none(),
        "{history}: returns a snapshot of another organization"
    );
    for name in &names {
        let times: Vec<SystemTime> = snapshots
            .iter()
            .filter(|snapshot| snapshot.organization() == name)
            .map(Snapshot::scraped_at)
            .collect();
        searches_agree(history, &expected, name, &times).await;
        ranges_agree(history, &expected, name, &times).await;
        questions_agree(history, &expected, name, &times).await;
    }
    super::display_is_one_line(history);
    super::ranges_without_sense_are_refused(history).await;
    concurrent_reads_agree(history, &names).await;
}

fn unwrap<T>(history: &dyn History, what: &str, result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{history}: {what} failed: {}", error.chain()))
}

fn acme(number: u32, later: Duration) -> Snapshot {
    let mut streams = vec![Stream::new("a \"b\" {c=\\d}\n,é").with_vulnerabilities(counts(number))];
    if number % 5 != 3 {
        let name = format!("renamed {}", number / 9);
        let stream = Stream::new("b")
            .with_policy(policy("one", "one", number))
            .with_policy(policy("two", &name, number + 1));
        streams.push(match number % 4 {
            1 => stream,
            _ => stream.with_vulnerabilities(counts(number / 3)),
        });
    }
    if number.is_multiple_of(3) {
        streams.push(Stream::new("empty"));
    }
    if number >= 12 {
        streams.push(Stream::new("late").with_policy(policy("one", "one", 0)));
    }
    of("acme", hour(number) + later, streams)
}

fn counts(number: u32) -> VulnerabilityCounts {
    let build = || -> Result<VulnerabilityCounts> {
        let counts = VulnerabilityCounts::new()
            .with(Severity::Critical, u64::from(number % 6).saturating_sub(2))?
            .with(Severity::Medium, Snapshot::MAX_COUNT)?;
        if number.is_multiple_of(7) {
            return Ok(counts);
        }
        counts.with(Severity::Low, u64::from(number))
    };
    build().expect("the counts are valid")
}

fn policy(id: &str, name: &str, number: u32) -> PolicyResult {
    PolicyResult::new(Policy::new(id, name), u64::from(number % 3), 3).expect("counts are small")
}

/// Returns what is compared of a snapshot.
fn data(snapshot: &Snapshot) -> (SystemTime, &[Stream]) {
    (snapshot.scraped_at(), snapshot.streams())
}

async fn searches_agree(
    history: &dyn History,
    expected: &MemoryHistory,
    name: &Organization,
    times: &[SystemTime],
) {
    let around = |time: &SystemTime| [*time - MILLISECOND, *time, *time + HOUR / 4];
    let times = times.iter().flat_map(around);
    let tolerances = [Duration::ZERO, HOUR / 4, HOUR, 3 * HOUR];
    let cases = times.zip(tolerances.into_iter().cycle());
    let rare = [
        (hour(23), 3 * HOUR),
        (hour(23), 9 * HOUR),
        (hour(9999), Duration::MAX),
        (hour(0) - HOUR, Duration::MAX),
    ];
    for (time, tolerance) in cases.chain(rare) {
        let wanted = unwrap(
            history,
            "a search",
            expected.at(name, time, tolerance).await,
        );
        let found = unwrap(history, "a search", history.at(name, time, tolerance).await);
        assert!(
            found.as_ref().map(data) == wanted.as_ref().map(data),
            "{history}: the wrong snapshot of `{name}` at {time:?} with a tolerance of {tolerance:?}: \
             expected {wanted:?}, found {found:?}"
        );
    }
}

async fn ranges_agree(
    history: &dyn History,
    expected: &MemoryHistory,
    name: &Organization,
    times: &[SystemTime],
) {
    let ([first, ..], [.., last]) = (times, times) else {
        panic!("{history}: no snapshots are expected");
    };
    let steps = [
        HOUR,
        HOUR / 2,
        5 * HOUR,
        30 * HOUR,
        HOUR + Duration::from_nanos(333),
        Duration::MAX,
    ];
    let starts = [*first - 2 * HOUR, *first, *first + Duration::from_micros(1)];
    for (start, step) in starts
        .into_iter()
        .flat_map(|start| steps.map(|step| (start, step)))
    {
        for end in [*last, *last + 3 * HOUR] {
            let wanted = expected.range(name, start, end, step).await;
            let wanted = unwrap(history, "a range", wanted);
            let found = unwrap(
                history,
                "a range",
                history.range(name, start, end, step).await,
            );
            assert!(
                found.iter().map(data).eq(wanted.iter().map(data)),
                "{history}: a range of `{name}` from {start:?} to {end:?} with a step of {step:?} has the wrong \
                 snapshots: expected {wanted:?}, found {found:?}"
            );
        }
    }
}

/// Compares the answers of [`HistoryExt`].
async fn questions_agree(
    history: &dyn History,
    expected: &MemoryHistory,
    name: &Organization,
    times: &[SystemTime],
) {
    let week = 7 * 24 * HOUR;
    let wanted = unwrap(history, "since", expected.since(name, week).await);
    let found = unwrap(history, "since", history.since(name, week).await);
    assert!(
        found == wanted,
        "{history}: since differs: expected {wanted:?}, found {found:?}"
    );
    for ago in [HOUR, 3 * HOUR, week] {
        let wanted = unwrap(history, "a comparison", expected.compare(name, ago).await);
        let found = unwrap(history, "a comparison", history.compare(name, ago).await);
        let changes = [&found, &wanted].map(|found| found.as_ref().map(|found| found.changes()));
        assert!(
            changes[0] == changes[1],
            "{history}: a comparison differs: {changes:?}"
        );
    }
    let (start, end) = (times[0], times[times.len() - 1]);
    for points in [2, 7, 50] {
        let wanted = unwrap(
            history,
            "a trend",
            expected.trend(name, start, end, points).await,
        );
        let found = unwrap(
            history,
            "a trend",
            history.trend(name, start, end, points).await,
        );
        let [found, wanted] = [&found, &wanted].map(|trend| {
            let points = trend.points();
            points
                .map(|(time, snapshot)| (time, snapshot.map(data)))
                .collect::<Vec<_>>()
        });
        assert!(
            found == wanted,
            "{history}: a trend of {points} points differs: expected {wanted:?}, found {found:?}"
        );
    }
}

async fn concurrent_reads_agree(history: &dyn History, names: &[Organization]) {
    let calls = (0..16).map(|call| async move {
        let name = &names[call % names.len()];
        unwrap(history, "a search", history.latest(name).await)
    });
    poll_once(history.organizations()).await;
    poll_once(history.latest(&names[0])).await;
    let answers = join_all(calls).await;
    for (call, answer) in answers.iter().enumerate() {
        assert!(
            answer == &answers[call % names.len()],
            "{history}: concurrent searches disagree"
        );
    }
}
