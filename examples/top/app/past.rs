//! The last 90 days of an organization, by day.

use std::collections::HashMap;

use scout_metrics_core::{PolicyId, Severity, StreamName, Trend};

/// The number of days that are shown.
pub(crate) const DAYS: usize = 90;

/// The last days of the streams of an organization.
#[derive(Debug, Default)]
pub(crate) struct Past(HashMap<StreamName, StreamPast>);

/// The last days of a stream.
#[derive(Debug)]
pub(crate) struct StreamPast {
    /// The counts of each day, from the earliest to today, by severity.
    days: Vec<[Option<u64>; Severity::ALL.len()]>,
    /// The first day of those on which a policy has failed without a break.
    failing: HashMap<PolicyId, usize>,
}

impl Past {
    /// Takes the last day from the last point of a trend, the day before from the point before, and so on.
    pub(crate) fn new(trend: &Trend) -> Self {
        let points = trend.points().count();
        let mut streams = HashMap::new();
        for (day, (_, snapshot)) in trend.points().enumerate() {
            for stream in snapshot.into_iter().flatten() {
                let past = streams
                    .entry(stream.name().clone())
                    .or_insert_with(|| StreamPast::new(points));
                past.days[day] =
                    Severity::ALL.map(|severity| stream.vulnerabilities().get(severity));
                for result in stream {
                    let policy = result.policy().id();
                    if result.is_compliant() {
                        past.failing.remove(policy);
                    } else {
                        past.failing.entry(policy.clone()).or_insert(day);
                    }
                }
            }
        }
        Self(streams)
    }

    /// Returns whether nothing is known, because there is no history or because it has not been read yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn stream(&self, name: &StreamName) -> Option<&StreamPast> {
        self.0.get(name)
    }

    /// Returns the sum of critical and high vulnerabilities of some streams on each day.
    pub(crate) fn sums<'a>(
        &self,
        streams: impl Iterator<Item = &'a StreamName>,
    ) -> Vec<Option<u64>> {
        let mut sums = vec![None; DAYS];
        for past in streams.filter_map(|name| self.stream(name)) {
            for (sum, count) in sums.iter_mut().zip(past.worst()) {
                if let Some(count) = count {
                    *sum = Some(sum.unwrap_or(0) + count);
                }
            }
        }
        sums
    }
}

impl StreamPast {
    fn new(points: usize) -> Self {
        Self {
            days: vec![[None; Severity::ALL.len()]; points],
            failing: HashMap::new(),
        }
    }

    /// Returns the count of a severity on each day.
    pub(crate) fn severity(&self, severity: Severity) -> impl Iterator<Item = Option<u64>> {
        let place = Severity::ALL.iter().position(|other| *other == severity);
        self.days.iter().map(move |day| day[place?])
    }

    /// Returns the critical and high vulnerabilities of each day.
    pub(crate) fn worst(&self) -> impl Iterator<Item = Option<u64>> {
        let critical = self.severity(Severity::Critical);
        let both = critical.zip(self.severity(Severity::High));
        both.map(|counts| match counts {
            (None, None) => None,
            (critical, high) => Some(critical.unwrap_or(0) + high.unwrap_or(0)),
        })
    }

    /// Returns the count of a severity some days before today.
    pub(crate) fn ago(&self, severity: Severity, days: usize) -> Option<u64> {
        let day = self.days.len().checked_sub(days + 1)?;
        self.severity(severity).nth(day)?
    }

    /// Returns the critical and high vulnerabilities of yesterday.
    pub(crate) fn worst_yesterday(&self) -> Option<u64> {
        self.worst().nth(self.days.len().checked_sub(2)?)?
    }

    /// Returns for how many days a policy has failed.
    pub(crate) fn failing_days(&self, policy: &PolicyId) -> Option<usize> {
        let first = self.failing.get(policy)?;
        Some(self.days.len() - 1 - first)
    }
}
