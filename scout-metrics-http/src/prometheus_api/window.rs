//! The times that are searched for a snapshot, in whole milliseconds as the server keeps them.

use std::{
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The start of 2012, the year of the first commit of Prometheus.
pub(super) const EARLIEST: i64 = 1_325_376_000_000;

/// The maximum number of times of evaluation of a query. Prometheus allows 11,000 for each series; a tenth of it keeps
/// answers small enough to be read whole.
const MAX_POINTS: usize = 1000;

/// The time after `after` and up to `until`, in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Window {
    pub(super) after: i64,
    pub(super) until: i64,
}

impl Window {
    /// Returns the window of the times that are at most `tolerance` before `time`, or `None` if the server cannot have
    /// samples in it.
    pub(super) fn before(time: SystemTime, tolerance: Duration, settled: i64) -> Option<Self> {
        let first = time.checked_sub(tolerance).unwrap_or(UNIX_EPOCH);
        let is_whole = from_millis(millis(first)) == first;
        Self {
            after: millis(first) - i64::from(is_whole),
            until: millis(time),
        }
        .clipped(settled)
    }

    fn clipped(self, settled: i64) -> Option<Self> {
        let clipped = Self {
            after: self.after.max(EARLIEST),
            until: self.until.min(settled),
        };
        (clipped.after < clipped.until).then_some(clipped)
    }

    pub(super) fn has(&self, time: i64) -> bool {
        self.after < time && time <= self.until
    }

    pub(super) fn length(&self) -> i64 {
        self.until - self.after
    }

    /// Returns the last part of the window, of at most this length.
    pub(super) fn last(&self, length: i64) -> Self {
        Self {
            after: self.after.max(self.until - length),
            ..*self
        }
    }

    /// Returns the last part of the window that has all samples of a count over this length. Before Prometheus 3.0, a count
    /// includes a sample at the start of its range.
    pub(super) fn counted(&self, length: i64) -> Self {
        self.last(length.saturating_add(1))
    }
}

/// Windows of the same length, one after another, and the times of evaluation that a query for them needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Part {
    /// The places of the windows.
    pub(super) places: Range<usize>,
    /// The first time of evaluation.
    pub(super) start: i64,
    /// The time between two times of evaluation. It is rounded up, so none is before the end of its window.
    pub(super) step: i64,
}

impl Part {
    pub(super) fn new(places: Range<usize>, windows: &[Window], step: i64) -> Self {
        Self {
            start: windows[places.start].until,
            step,
            places,
        }
    }

    /// Returns the time of evaluation of the window at a place.
    pub(super) fn time(&self, place: usize) -> i64 {
        self.start + self.step * (place - self.places.start) as i64
    }

    pub(super) fn end(&self) -> i64 {
        self.time(self.places.end - 1)
    }

    /// Returns the place of the window that has a time of evaluation.
    pub(super) fn place(&self, time: i64) -> Option<usize> {
        let place = self.places.start + usize::try_from((time - self.start) / self.step).ok()?;
        (self.places.contains(&place) && self.time(place) == time).then_some(place)
    }

    /// Returns the windows that can be covered from a time of evaluation: the longest one, and by how much it may be late.
    pub(super) fn reach(&self, windows: &[Window]) -> i64 {
        let windows = &windows[self.places.clone()];
        let longest = windows.iter().map(Window::length).max().unwrap_or(0);
        longest + windows.len() as i64
    }

    /// Returns the two halves, or `None` if there is only one window.
    pub(super) fn halves(&self, windows: &[Window]) -> Option<[Self; 2]> {
        let middle = self.places.start + self.places.len() / 2;
        if middle == self.places.start {
            return None;
        }
        let halves = [self.places.start..middle, middle..self.places.end];
        Some(halves.map(|places| Self::new(places, windows, self.step)))
    }
}

/// Returns the windows of a range, and the parts in which they are asked for.
pub(super) fn windows(
    times: &[SystemTime],
    step: Duration,
    settled: i64,
) -> (Vec<Window>, Vec<Part>) {
    let unclipped = times.iter().map(|time| Window {
        after: time.checked_sub(step).map_or(-1, millis),
        until: millis(*time),
    });
    let windows: Vec<Window> = unclipped
        .filter_map(|window| window.clipped(settled))
        .collect();
    // Where the last window was clipped, its end is at another distance than those of the others.
    let clipped = windows.last().is_some_and(|window| window.until == settled);
    let regular = windows.len() - usize::from(clipped);
    let step = step_millis(step);
    let starts = (0..regular).step_by(MAX_POINTS);
    let mut parts: Vec<Part> = starts
        .map(|start| Part::new(start..regular.min(start + MAX_POINTS), &windows, step))
        .collect();
    if clipped {
        parts.push(Part::new(regular..windows.len(), &windows, step));
    }
    (windows, parts)
}

/// Rounds a step up. One longer than the time from 1970 to 9999 has no second time, so its length does not matter.
fn step_millis(step: Duration) -> i64 {
    let millis = step.as_nanos().div_ceil(1_000_000);
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// Rounds a time down.
pub(super) fn millis(time: SystemTime) -> i64 {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn from_millis(millis: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// Writes milliseconds as the seconds of a parameter.
pub(super) fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// Writes milliseconds as a duration.
pub(super) fn duration(millis: i64) -> String {
    format!("{millis}ms")
}

/// Writes milliseconds as the seconds of a step, with a part of a millisecond more. Prometheus and VictoriaMetrics read a
/// float, multiply it, and cut it to milliseconds: they make 514.285 of 514.286.
pub(super) fn step_parameter(millis: i64) -> String {
    format!("{}4", seconds(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: i64 = 1_700_000_000_000;

    fn time(millis: i64, nanos: u64) -> SystemTime {
        from_millis(FIRST + millis) + Duration::from_nanos(nanos)
    }

    fn before(time: SystemTime, tolerance: Duration) -> Option<(i64, i64)> {
        let window = Window::before(time, tolerance, FIRST + 10_000)?;
        Some((window.after - FIRST, window.until - FIRST))
    }

    #[test]
    fn a_tolerance_includes_its_end() {
        let millisecond = Duration::from_millis(1);
        assert_eq!(before(time(5, 0), Duration::ZERO), Some((4, 5)));
        assert_eq!(before(time(5, 0), 2 * millisecond), Some((2, 5)));
        // Nothing of whole milliseconds is within half a one.
        assert_eq!(before(time(5, 500_000), millisecond / 4), None);
        assert_eq!(before(time(5, 500_000), millisecond / 2), Some((4, 5)));
        assert_eq!(before(time(5, 500_000), millisecond), Some((4, 5)));
    }

    #[test]
    fn what_is_not_settled_or_too_old_is_cut_off() {
        let year_9999 = UNIX_EPOCH + Duration::from_secs(253_402_300_800);
        assert_eq!(
            before(year_9999, Duration::MAX),
            Some((EARLIEST - FIRST, 10_000))
        );
        assert_eq!(before(year_9999, Duration::from_secs(1)), None);
        assert_eq!(before(UNIX_EPOCH, Duration::MAX), None);
    }

    #[test]
    fn no_time_of_evaluation_is_before_the_end_of_its_window() {
        let step = Duration::from_nanos(3_600_000_333_333);
        let times: Vec<SystemTime> = (0..2500).map(|n| time(0, 999_999) + n * step).collect();
        let (windows, parts) = windows(&times, step, i64::MAX);
        assert_eq!(parts.len(), 3);
        for part in parts {
            for place in part.places.clone() {
                let late = part.time(place) - windows[place].until;
                assert!((0..=1000).contains(&late), "{late}");
                assert_eq!(part.place(part.time(place)), Some(place));
                assert_eq!(part.place(part.time(place) + 1), None);
            }
            let [first, second] = part.halves(&windows).unwrap();
            assert_eq!(first.places.end, second.places.start);
            assert_eq!(
                second.time(second.places.start),
                windows[second.places.start].until
            );
        }
        for pair in windows.windows(2) {
            assert_eq!(pair[0].until, pair[1].after);
        }
    }

    #[test]
    fn a_window_that_is_cut_off_is_asked_for_alone() {
        let step = Duration::from_millis(10);
        let times: Vec<SystemTime> = (0..5).map(|n| time(0, 0) + n * step).collect();
        let (windows, parts) = windows(&times, step, FIRST + 25);
        let ends: Vec<i64> = windows.iter().map(|window| window.until - FIRST).collect();
        assert_eq!(ends, [0, 10, 20, 25]);
        let places: Vec<_> = parts.into_iter().map(|part| part.places).collect();
        assert_eq!(places, [0..3, 3..4]);
    }

    #[test]
    fn the_longest_step_has_one_window() {
        let (windows, parts) = windows(&[time(0, 0)], Duration::MAX, i64::MAX);
        assert_eq!(windows[0].after, EARLIEST);
        assert_eq!((parts[0].start, parts[0].end()), (FIRST, FIRST));
        assert_eq!(parts[0].halves(&windows), None);
    }

    #[test]
    fn parameters_have_milliseconds() {
        assert_eq!(seconds(1_700_000_000_007), "1700000000.007");
        assert_eq!(step_parameter(514_286), "514.2864");
        assert_eq!(duration(60_001), "60001ms");
    }
}
