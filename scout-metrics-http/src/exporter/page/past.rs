//! The past of the streams of a snapshot: the numbers of each day, and since when policies have failed.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use scout_metrics_core::{
    History, HistoryExt, PolicyId, PolicyResult, Result, Severity, Snapshot, Stream, StreamName,
    VulnerabilityCounts,
};

use crate::html::Totals;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The number of days, of which the last ends with the snapshot.
pub(super) const DAYS: usize = 7 * WEEKS;

/// Thirteen weeks are the 90 days that the exporter program keeps, and one.
const WEEKS: usize = 13;

/// The days before the last whose snapshots are kept.
const EARLIER: [usize; 2] = [1, 7];

/// The maximum number of streams whose numbers are kept, which bounds the memory to 40 MB for an organization.
const MAX_STREAMS: usize = 10_000;

/// The counts of a stream by severity, in the order of [`Severity::ALL`]. `None` was not reported.
pub(super) type Counts = [Option<u32>; Severity::ALL.len()];

/// The past of the streams of an organization, day by day.
///
/// A day has the last snapshot of the 24 hours before its end, so the last two are those that
/// [`HistoryExt::compare`] compares for a day.
#[derive(Debug)]
pub(super) struct Past {
    /// The time of the snapshot with which the last day ends.
    end: SystemTime,
    /// The sums of each day that has a snapshot.
    totals: [Option<VulnerabilityCounts>; DAYS],
    /// The snapshots of one day and seven days before the last.
    earlier: [Option<Snapshot>; 2],
    streams: HashMap<StreamName, StreamPast>,
}

/// The past of one stream.
#[derive(Debug)]
pub(super) struct StreamPast {
    /// The counts of each day. `None` if the day has no snapshot, or the snapshot has no such stream.
    pub(super) days: [Option<Counts>; DAYS],
    failing: Vec<(PolicyId, Failing)>,
}

/// Since when a policy has failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Failing {
    /// The time of the first daily snapshot in which it fails, after the last one in which it did not.
    pub(super) since: SystemTime,
    /// Whether it failed as far back as the history goes, so that it may have failed before.
    pub(super) is_at_least: bool,
}

impl Past {
    /// Reads the past of a snapshot. A week is read at a time, which bounds the memory.
    pub(super) async fn read(history: &dyn History, snapshot: &Snapshot) -> Result<Self> {
        let mut reader = Reader::new(snapshot);
        for week in (0..WEEKS).rev() {
            let last = 7 * week + 6;
            let (Some(start), Some(end)) = (reader.time(7 * week), reader.time(last)) else {
                break;
            };
            let trend = history
                .trend(snapshot.organization(), start, end, 7)
                .await?;
            let days: Vec<_> = trend.points().map(|(_, snapshot)| snapshot).collect();
            for (day, of_day) in days.into_iter().enumerate().rev() {
                // The history may not have the snapshot yet, with which the last day ends.
                if let Some(of_day) = of_day.filter(|_| 7 * week + day < DAYS - 1) {
                    reader.visit(7 * week + day, of_day);
                }
            }
        }
        Ok(reader.past)
    }

    /// Returns the end of a day.
    pub(super) fn time(&self, day: usize) -> SystemTime {
        time_of(self.end, day).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// Returns the sums of each day, of the streams that it had.
    pub(super) fn totals(&self) -> &[Option<VulnerabilityCounts>; DAYS] {
        &self.totals
    }

    /// Returns the snapshot of a day before the last, if there was one.
    pub(super) fn yesterday(&self) -> Option<&Snapshot> {
        self.earlier[0].as_ref()
    }

    /// Returns the snapshot of seven days before the last, if there was one.
    pub(super) fn last_week(&self) -> Option<&Snapshot> {
        self.earlier[1].as_ref()
    }

    /// Returns the past of a stream of the snapshot.
    pub(super) fn stream(&self, name: &StreamName) -> Option<&StreamPast> {
        self.streams.get(name)
    }
}

impl StreamPast {
    /// Returns since when a policy has failed, if it fails.
    pub(super) fn failing(&self, policy: &PolicyId) -> Option<Failing> {
        let mut failing = self.failing.iter();
        failing
            .find(|(id, _)| id == policy)
            .map(|(_, failing)| *failing)
    }
}

/// Collects the past while it is read from the last day to the first.
struct Reader {
    past: Past,
    /// The policies of each stream that have failed on all days so far.
    open: HashMap<StreamName, Vec<PolicyId>>,
}

impl Reader {
    fn new(snapshot: &Snapshot) -> Self {
        let mut reader = Self {
            past: Past {
                end: snapshot.scraped_at(),
                totals: [const { None }; DAYS],
                earlier: [None, None],
                streams: HashMap::new(),
            },
            open: HashMap::new(),
        };
        for stream in snapshot.streams().iter().take(MAX_STREAMS) {
            reader.add(stream);
        }
        reader.visit(DAYS - 1, snapshot);
        reader
    }

    fn add(&mut self, stream: &Stream) {
        let failing = stream.policies().iter().filter(|result| fails(result));
        let ids: Vec<PolicyId> = failing.map(|result| result.policy().id().clone()).collect();
        let now = Failing {
            since: self.past.end,
            is_at_least: true,
        };
        let past = StreamPast {
            days: [None; DAYS],
            failing: ids.iter().map(|id| (id.clone(), now)).collect(),
        };
        let name = stream.name().clone();
        self.past.streams.insert(name.clone(), past);
        if !ids.is_empty() {
            self.open.insert(name, ids);
        }
    }

    fn time(&self, day: usize) -> Option<SystemTime> {
        time_of(self.past.end, day)
    }

    /// Adds a day.
    fn visit(&mut self, day: usize, snapshot: &Snapshot) {
        self.past.totals[day] = Some(Totals::new(snapshot).counts);
        let mut kept = EARLIER.into_iter().zip(&mut self.past.earlier);
        if let Some((_, earlier)) = kept.find(|(days, _)| DAYS - 1 - days == day) {
            *earlier = Some(snapshot.clone());
        }
        for stream in snapshot {
            let Some(past) = self.past.streams.get_mut(stream.name()) else {
                continue;
            };
            past.days[day] = Some(counts_of(stream));
            if let Some(open) = self.open.get_mut(stream.name()) {
                open.retain(|id| visit_policy(stream, id, snapshot.scraped_at(), past));
            }
        }
    }
}

/// Takes an earlier result of a failing policy into account, and returns whether still earlier ones matter.
fn visit_policy(stream: &Stream, id: &PolicyId, time: SystemTime, past: &mut StreamPast) -> bool {
    let Some(result) = stream.policy(id.as_str()).filter(|r| r.evaluated() > 0) else {
        return true;
    };
    let entry = past.failing.iter_mut().find(|(known, _)| known == id);
    let Some((_, failing)) = entry else {
        return false;
    };
    if fails(result) {
        failing.since = time;
        return true;
    }
    failing.is_at_least = false;
    false
}

/// Returns whether images violate a policy. Contradictory counts are no failure.
fn fails(result: &PolicyResult) -> bool {
    !result.is_compliant()
}

fn time_of(end: SystemTime, day: usize) -> Option<SystemTime> {
    let days = u32::try_from(DAYS - 1 - day).ok()?;
    end.checked_sub(DAY * days)
        .filter(|time| *time >= SystemTime::UNIX_EPOCH)
}

/// Returns the counts of a stream, cut to what 32 bits hold.
fn counts_of(stream: &Stream) -> Counts {
    Severity::ALL.map(|severity| {
        let count = stream.vulnerabilities().get(severity)?;
        Some(u32::try_from(count).unwrap_or(u32::MAX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use scout_metrics_core::{MemoryHistory, Organization, Policy, RecordHistory};

    fn snapshot(days: u32, counts: &str, compliant: u64) -> Snapshot {
        let end = SystemTime::UNIX_EPOCH + 20_000 * DAY;
        let result = PolicyResult::new(Policy::new("p", "P"), compliant, 4).unwrap();
        let stream = Stream::new("a")
            .with_vulnerabilities(counts.parse().unwrap())
            .with_policy(result);
        Snapshot::new(Organization::new("acme").unwrap(), [stream])
            .unwrap()
            .with_scraped_at(end - days * DAY)
    }

    async fn past(snapshots: &[Snapshot]) -> Past {
        let history = MemoryHistory::new();
        for snapshot in snapshots {
            history.record(snapshot).await.unwrap();
        }
        let latest = snapshots.last().unwrap();
        Past::read(&history, latest).await.unwrap()
    }

    fn criticals(past: &Past) -> Vec<Option<u32>> {
        let stream = past.stream(&StreamName::new("a")).unwrap();
        let days = stream.days.iter();
        days.map(|day| day.as_ref()?[0]).collect()
    }

    #[tokio::test]
    async fn each_day_has_its_last_snapshot_and_a_gap_stays_a_gap() {
        let past = past(&[
            snapshot(95, "9C", 4),
            snapshot(90, "5C", 4),
            snapshot(7, "2C", 3),
            snapshot(1, "3C", 4),
            snapshot(0, "4C", 2),
        ])
        .await;
        let found = criticals(&past);
        assert_eq!(found.len(), DAYS);
        assert_eq!(found[0], Some(5));
        assert_eq!(found[DAYS - 8], Some(2));
        assert_eq!(found[DAYS - 2..], [Some(3), Some(4)]);
        assert_eq!(found.iter().flatten().count(), 4);
        let critical = |snapshot: Option<&Snapshot>| {
            let stream = snapshot?.stream("a")?.clone();
            stream.vulnerabilities().get(Severity::Critical)
        };
        assert_eq!(critical(past.yesterday()), Some(3));
        assert_eq!(critical(past.last_week()), Some(2));
        assert!(past.totals()[DAYS - 3].is_none());
    }

    #[tokio::test]
    async fn a_failure_begins_after_the_last_day_without_it() {
        let a = StreamName::new("a");
        let id = PolicyId::new("p");
        let began = past(&[
            snapshot(9, "1C", 3),
            snapshot(8, "1C", 4),
            snapshot(5, "1C", 3),
            snapshot(0, "1C", 3),
        ])
        .await;
        let failing = began.stream(&a).unwrap().failing(&id).unwrap();
        assert_eq!(failing.since, snapshot(5, "1C", 3).scraped_at());
        assert!(!failing.is_at_least);

        let always = past(&[snapshot(80, "1C", 3), snapshot(0, "1C", 3)]).await;
        let failing = always.stream(&a).unwrap().failing(&id).unwrap();
        assert_eq!(failing.since, snapshot(80, "1C", 3).scraped_at());
        assert!(failing.is_at_least);

        let good = past(&[snapshot(1, "1C", 3), snapshot(0, "1C", 4)]).await;
        assert_eq!(good.stream(&a).unwrap().failing(&id), None);
    }

    #[tokio::test]
    async fn a_history_without_the_snapshot_or_before_1970_is_no_problem() {
        let history = MemoryHistory::new();
        let now = snapshot(0, "4C", 2);
        let alone = Past::read(&history, &now).await.unwrap();
        assert_eq!(criticals(&alone).iter().flatten().count(), 1);
        let early = now.with_scraped_at(SystemTime::UNIX_EPOCH + DAY);
        assert!(Past::read(&history, &early).await.is_ok());
    }
}
