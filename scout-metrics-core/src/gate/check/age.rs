//! Checks the age of a snapshot.

use std::time::{Duration, SystemTime};

use super::report::Report;
use crate::{
    Snapshot,
    gate::{Quantity, Reason, problem::Problem},
};

/// The tolerated difference between the clocks of two machines.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(5 * 60);

pub(super) fn check(snapshot: &Snapshot, max: Duration, report: &mut Report) {
    // A snapshot from the future has the age zero, so it would never be too old.
    let ahead = snapshot.scraped_at().duration_since(SystemTime::now());
    if ahead.is_ok_and(|ahead| ahead > MAX_CLOCK_DIFFERENCE) {
        report.push(Problem::new(Reason::FromFuture));
    }
    let age = snapshot.age();
    if age > max {
        let problem = Problem::new(Reason::TooOld).actual(Quantity::Age(age));
        report.push(problem.allowed(Quantity::Age(max)));
    }
}
