//! Numbers over time.

use std::time::{Duration, SystemTime};

use super::{History, range_times};
use crate::{Error, ErrorKind, Organization, PolicyResult, Result, Severity, Snapshot};

/// The numbers of an organization at times of the same distance, for charts.
///
/// A time has the last snapshot after the time before it. A time without one is a gap, for which the series have `None`.
/// They also have `None` where a stream, severity or policy was not reported.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    points: Vec<(SystemTime, Option<Snapshot>)>,
}

impl Trend {
    /// Returns the times, from the earliest to the latest, and their snapshots.
    pub fn points(&self) -> impl Iterator<Item = (SystemTime, Option<&Snapshot>)> {
        self.points
            .iter()
            .map(|(time, snapshot)| (*time, snapshot.as_ref()))
    }

    /// Returns the counts of a severity in a stream.
    pub fn vulnerabilities(
        &self,
        stream: &str,
        severity: Severity,
    ) -> impl Iterator<Item = (SystemTime, Option<u64>)> {
        self.points().map(move |(time, snapshot)| {
            let stream = snapshot.and_then(|snapshot| snapshot.stream(stream));
            let count = stream.and_then(|stream| stream.vulnerabilities().get(severity));
            (time, count)
        })
    }

    /// Returns the results of the policy with an identifier in a stream.
    pub fn policy(
        &self,
        stream: &str,
        id: &str,
    ) -> impl Iterator<Item = (SystemTime, Option<&PolicyResult>)> {
        self.points().map(move |(time, snapshot)| {
            let stream = snapshot.and_then(|snapshot| snapshot.stream(stream));
            (time, stream.and_then(|stream| stream.policy(id)))
        })
    }
}

pub(super) async fn trend<H: History + ?Sized>(
    history: &H,
    organization: &Organization,
    start: SystemTime,
    end: SystemTime,
    points: usize,
) -> Result<Trend> {
    let step = step(start, end, points)?;
    // The last time is exactly the end, so that the latest snapshot is in the trend.
    let steps = u32::try_from(points - 1).unwrap_or(u32::MAX);
    let first = end - step * steps;
    let times = range_times(first, end, step)?;
    let snapshots = history.range(organization, first, end, step).await?;
    let mut snapshots = snapshots.into_iter().peekable();
    let at = |time: SystemTime| {
        let snapshot = snapshots.next_if(|snapshot| snapshot.scraped_at() <= time);
        (time, snapshot)
    };
    Ok(Trend {
        points: times.into_iter().map(at).collect(),
    })
}

/// Returns the distance between the points.
fn step(start: SystemTime, end: SystemTime, points: usize) -> Result<Duration> {
    let invalid = |message| Err(Error::new(ErrorKind::Invalid, message));
    let Some(gaps) = points.checked_sub(1).filter(|gaps| *gaps > 0) else {
        return invalid("a trend needs at least two points");
    };
    let Ok(length) = end.duration_since(start) else {
        return invalid("the end of a trend is before its start");
    };
    let gaps = u32::try_from(gaps).unwrap_or(u32::MAX);
    // A history has a resolution of a millisecond.
    Ok((length / gaps).max(Duration::from_millis(1)))
}
