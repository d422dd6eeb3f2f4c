//! Snapshots by time: the traits that every history implements.

#[cfg(feature = "conformance")]
pub mod conformance;
pub(crate) mod memory;
pub(crate) mod since;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
pub(crate) mod trend;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use self::{since::Since, trend::Trend};
use crate::{
    Error, ErrorKind, Organization, Result, Snapshot,
    change::over_time::{self, Comparison},
};

/// Snapshots of organizations by time.
///
/// [`MemoryHistory`](crate::MemoryHistory) and `SqliteHistory` (feature `sqlite`) implement this trait and
/// [`RecordHistory`]. A history that other programs fill, such as a time-series database, implements this trait
/// only. An `Arc<dyn History>` or `Box<dyn History>` is a history too.
///
/// # Contract
///
/// - **Absent is not zero.** A stream, severity or policy that was not reported at a time is not in the snapshot of
///   that time. An organization without snapshots is not an error: the answers are empty.
/// - **Equal.** A snapshot comes back equal to the one recorded, with streams, policies and anomalies in their order,
///   except that its time may be cut to the millisecond. A history that cannot keep something, such as anomalies,
///   documents it.
/// - **Time.** A snapshot belongs to its [`scraped_at`](Snapshot::scraped_at). The resolution is a millisecond or better.
/// - **Order.** Snapshots may be recorded in any order of their times; a [range](Self::range) is sorted by time.
/// - **Duplicates.** Of two snapshots with the same time, the one recorded last replaces the other.
/// - **Whole or nothing.** An answer is complete or an error. Damaged data is an error, never a wrong snapshot.
/// - **Concurrency.** Any number of calls may run at once. A read sees each snapshot wholly or not at all.
/// - **Cancellation.** Dropping the future of a call leaves the history usable. A dropped write has happened wholly or
///   not at all.
/// - **Bounds.** A call ends: a history bounds the time it waits for a disk or a server, and the memory of an answer.
/// - **Clones** of a history share their data.
/// - **Wrappers** forward every method, pass errors on with their kind, and show in their `Display` what they wrap.
/// - **Errors.** [`Invalid`](ErrorKind::Invalid): an argument is out of its range. [`Limit`](ErrorKind::Limit): the
///   answer would be too large. [`Decode`](ErrorKind::Decode): the data is damaged. [`Timeout`](ErrorKind::Timeout) and
///   [`Unavailable`](ErrorKind::Unavailable): the disk or server does not answer now. No secret is in any text.
///
/// `conformance::history::check` (feature `conformance`) tests the points that can be tested from outside.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use scout_metrics_core::{History, HistoryExt, MemoryHistory, Organization, RecordHistory, Snapshot};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), scout_metrics_core::Error> {
/// let acme = Organization::new("acme")?;
/// let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let hour = Duration::from_secs(3600);
///
/// let history = MemoryHistory::new();
/// history.record(&Snapshot::new(acme.clone(), [])?.with_scraped_at(noon)).await?;
/// assert!(history.at(&acme, noon + hour / 2, hour).await?.is_some());
/// assert!(history.at(&acme, noon + 2 * hour, hour).await?.is_none());
/// assert_eq!(history.latest(&acme).await?.expect("one was recorded").scraped_at(), noon);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait History: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Returns the organizations that have snapshots, sorted by name.
    ///
    /// # Errors
    ///
    /// Fails if the history cannot be read; see the contract for the kinds.
    async fn organizations(&self) -> Result<Vec<Organization>>;

    /// Returns the last snapshot at or before `time`, if it is at most `tolerance` older than `time`.
    ///
    /// # Errors
    ///
    /// Fails if the history cannot be read; see the contract for the kinds.
    async fn at(
        &self,
        organization: &Organization,
        time: SystemTime,
        tolerance: Duration,
    ) -> Result<Option<Snapshot>>;

    /// Returns the snapshots from `start` to `end`, at most one for each `step`.
    ///
    /// For each time `t` of `start`, `start + step`, ... up to `end`, the last snapshot later than `t - step` and not
    /// later than `t` is returned. A step without a snapshot adds nothing, so a gap stays a gap, and no snapshot is
    /// returned twice.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if `step` is zero or `end` is before `start`; [`Limit`](ErrorKind::Limit) if
    /// there are more than [`MAX_STEPS`] steps or the answer would be too large for memory. Otherwise as
    /// [`at`](Self::at).
    async fn range(
        &self,
        organization: &Organization,
        start: SystemTime,
        end: SystemTime,
        step: Duration,
    ) -> Result<Vec<Snapshot>>;
}

/// A [`History`] in which snapshots can be recorded.
#[async_trait]
pub trait RecordHistory: History {
    /// Records a snapshot under its organization and time, replacing an earlier one with the same time.
    ///
    /// # Errors
    ///
    /// Fails if the history cannot be written; see the contract of [`History`] for the kinds.
    async fn record(&self, snapshot: &Snapshot) -> Result<()>;

    /// Removes the snapshots of all organizations that were scraped before a time, and returns how many were removed.
    ///
    /// Later snapshots stay as they were recorded.
    ///
    /// # Errors
    ///
    /// Fails if the history cannot be written; see the contract of [`History`] for the kinds.
    async fn prune(&self, before: SystemTime) -> Result<u64>;
}

/// Convenience methods of every [`History`].
#[async_trait]
pub trait HistoryExt: History {
    /// Returns the snapshot with the latest time, however old it is.
    ///
    /// # Errors
    ///
    /// As [`History::at`].
    async fn latest(&self, organization: &Organization) -> Result<Option<Snapshot>> {
        /// The last second of the year 9999, the last year that a snapshot's time can have.
        const LAST: Duration = Duration::from_secs(253_402_300_799);
        let end = SystemTime::UNIX_EPOCH + LAST + Duration::from_secs(1);
        self.at(organization, end, Duration::MAX).await
    }

    /// Compares the latest snapshot with the one that is older by a duration, such as a day, a week or 30 days.
    ///
    /// The earlier snapshot may be older by the same duration again, but at most by a day. Without such a snapshot the
    /// answer is `None`.
    ///
    /// # Errors
    ///
    /// As [`History::at`].
    async fn compare(
        &self,
        organization: &Organization,
        ago: Duration,
    ) -> Result<Option<Comparison>> {
        over_time::compare(self, organization, ago).await
    }

    /// Returns since when the streams of the latest snapshot have had what they have: vulnerabilities of a severity, and
    /// images that violate a policy.
    ///
    /// The streams are in the order of the snapshot; for each, severities come first, from the worst, followed by
    /// policies. What the latest snapshot does not have is left out.
    ///
    /// Searches back from the latest snapshot for the duration `lookback`, and looks at the last snapshot of each hour,
    /// because Docker Scout computes its metrics once an hour.
    ///
    /// # Errors
    ///
    /// As [`History::range`].
    async fn since(&self, organization: &Organization, lookback: Duration) -> Result<Vec<Since>> {
        since::since(self, organization, lookback).await
    }

    /// Returns the numbers of an organization at this many times, of which the last is `end`.
    ///
    /// The times have the same distance, a millisecond or more. The first one is `start`, or later by less than a
    /// nanosecond for each point.
    ///
    /// # Errors
    ///
    /// [`Invalid`](ErrorKind::Invalid) if there are less than two points or `end` is before `start`;
    /// [`Limit`](ErrorKind::Limit) if there are more than [`MAX_STEPS`] points. Otherwise as [`History::range`].
    async fn trend(
        &self,
        organization: &Organization,
        start: SystemTime,
        end: SystemTime,
        points: usize,
    ) -> Result<Trend> {
        trend::trend(self, organization, start, end, points).await
    }
}

impl<T: History + ?Sized> HistoryExt for T {}

macro_rules! forward_to_inner {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: History + ?Sized> History for $pointer<T> {
            async fn organizations(&self) -> Result<Vec<Organization>> {
                (**self).organizations().await
            }

            async fn at(
                &self,
                organization: &Organization,
                time: SystemTime,
                tolerance: Duration,
            ) -> Result<Option<Snapshot>> {
                (**self).at(organization, time, tolerance).await
            }

            async fn range(
                &self,
                organization: &Organization,
                start: SystemTime,
                end: SystemTime,
                step: Duration,
            ) -> Result<Vec<Snapshot>> {
                (**self).range(organization, start, end, step).await
            }
        }

        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: RecordHistory + ?Sized> RecordHistory for $pointer<T> {
            async fn record(&self, snapshot: &Snapshot) -> Result<()> {
                (**self).record(snapshot).await
            }

            async fn prune(&self, before: SystemTime) -> Result<u64> {
                (**self).prune(before).await
            }
        }
    };
}

forward_to_inner!(Arc);
forward_to_inner!(Box);

/// The maximum number of steps of a [range](History::range): what Prometheus allows for a range query.
pub const MAX_STEPS: usize = 11_000;

/// Returns the times of a [range](History::range), for implementations of [`History`].
///
/// # Errors
///
/// [`Invalid`](ErrorKind::Invalid) if `step` is zero or `end` is before `start`; [`Limit`](ErrorKind::Limit) if there are
/// more than [`MAX_STEPS`] times.
pub fn range_times(start: SystemTime, end: SystemTime, step: Duration) -> Result<Vec<SystemTime>> {
    let invalid = |message| Err(Error::new(ErrorKind::Invalid, message));
    if step.is_zero() {
        return invalid("the step of a range is zero");
    }
    let Ok(length) = end.duration_since(start) else {
        return invalid("the end of a range is before its start");
    };
    let steps = length.as_nanos() / step.as_nanos() + 1;
    if steps > MAX_STEPS as u128 {
        let message = format!("the range has {steps} steps, more than the limit of {MAX_STEPS}");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let times = std::iter::successors(Some(start), |time| time.checked_add(step));
    Ok(times.take_while(|time| *time <= end).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_range_has_its_start_and_all_steps_up_to_its_end() {
        let times = |end, step| range_times(at(10), at(end), Duration::from_secs(step)).unwrap();
        assert_eq!(times(10, 5), [at(10)]);
        assert_eq!(times(14, 5), [at(10)]);
        assert_eq!(times(20, 5), [at(10), at(15), at(20)]);
        assert_eq!(times(20, u64::MAX), [at(10)]);
        assert_eq!(times(10 + 10_999, 1).len(), MAX_STEPS);
    }

    #[test]
    fn a_range_without_sense_or_bound_is_refused() {
        let error = |end, step| range_times(at(10), at(end), step).unwrap_err();
        let nothing = error(20, Duration::ZERO);
        assert_eq!(nothing.kind(), ErrorKind::Invalid);
        assert_eq!(nothing.to_string(), "the step of a range is zero");
        let backwards = error(9, Duration::from_secs(1));
        assert_eq!(backwards.kind(), ErrorKind::Invalid);
        assert_eq!(
            backwards.to_string(),
            "the end of a range is before its start"
        );
        let long = error(10 + 11_000, Duration::from_secs(1));
        assert_eq!(long.kind(), ErrorKind::Limit);
        assert_eq!(
            long.to_string(),
            "the range has 11001 steps, more than the limit of 11000"
        );
        assert_eq!(
            error(1 << 40, Duration::from_nanos(1)).kind(),
            ErrorKind::Limit
        );
    }
}
