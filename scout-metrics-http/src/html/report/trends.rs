//! Charts of a trend.

use std::time::SystemTime;

use scout_metrics_core::{
    Severity, Snapshot, Stream, StreamName, Trend,
    chart::{LineChart, Series, Sparkline},
};

use super::{
    DAY,
    facts::{ByName, by_name},
};
use crate::html::{Totals, plain, serious};

/// A trend whose streams are found by name.
pub(super) struct Trends<'a>(Vec<Point<'a>>);

struct Point<'a> {
    time: SystemTime,
    /// `None` in a gap.
    known: Option<(&'a Snapshot, ByName<'a>)>,
}

impl<'a> Trends<'a> {
    pub(super) fn new(trend: &'a Trend) -> Self {
        let points = trend.points().map(|(time, snapshot)| Point {
            time,
            known: snapshot.map(|snapshot| (snapshot, by_name(snapshot))),
        });
        Self(points.collect())
    }

    /// Returns the number of days from the first time to the last.
    pub(super) fn days(&self) -> u64 {
        let ends = self.0.first().zip(self.0.last());
        let length = ends.and_then(|(first, last)| last.time.duration_since(first.time).ok());
        length.unwrap_or_default().as_secs().div_ceil(DAY.as_secs())
    }

    /// Returns a small line of the critical and high vulnerabilities of a stream.
    pub(super) fn spark(&self, name: &StreamName) -> Sparkline {
        Sparkline::new("critical and high", self.values(name, serious))
    }

    /// Returns the lines of the critical and the high vulnerabilities of a stream.
    pub(super) fn chart(&self, name: &StreamName) -> LineChart {
        let count = |severity| move |stream: &Stream| stream.vulnerabilities().get(severity);
        self.lines(plain(name.as_str()), |severity| {
            self.values(name, count(severity))
        })
    }

    /// Returns the chart of the sums over the environments.
    pub(super) fn total(&self) -> LineChart {
        let snapshots = self.0.iter().map(|point| point.known.as_ref());
        let counts: Vec<_> = snapshots
            .map(|known| known.map(|(snapshot, _)| Totals::new(snapshot).counts))
            .collect();
        self.lines("All environments".to_owned(), |severity| {
            let counts = counts.iter().map(|counts| counts.as_ref()?.get(severity));
            counts.collect()
        })
    }

    fn lines(&self, title: String, values: impl Fn(Severity) -> Vec<Option<u64>>) -> LineChart {
        let chart = LineChart::new(title, self.0.iter().map(|point| point.time));
        let severities = [Severity::Critical, Severity::High].into_iter();
        let series = severities.map(|severity| Series::of_severity(severity, values(severity)));
        series.fold(chart, LineChart::with_series)
    }

    /// Returns a value of a stream at each time.
    fn values(
        &self,
        name: &StreamName,
        value: impl Fn(&Stream) -> Option<u64>,
    ) -> Vec<Option<u64>> {
        let value = |point: &Point<'_>| value(point.known.as_ref()?.1.get(name)?);
        self.0.iter().map(value).collect()
    }
}
