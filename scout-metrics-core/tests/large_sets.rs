//! Sets of ten thousand organizations cost as much for each as sets of a few.
//!
//! Each work is done with two sizes of a set, of which one is sixteen times the other. What takes sixteen times the time is
//! linear, and what takes 256 times the time is not.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

use std::time::{Duration, Instant};

use scout_metrics_core::{MemorySource, Organization, PollerSet, Snapshot, SourceSet};

fn sources(count: usize) -> impl Iterator<Item = MemorySource> {
    (0..count).map(|number| {
        let organization = Organization::new(format!("org{number}")).unwrap();
        MemorySource::new(Snapshot::new(organization, []).unwrap())
    })
}

fn pollers(count: usize) -> PollerSet {
    let builder = PollerSet::builder().with_sources(sources(count)).unwrap();
    builder.with_spread(Duration::ZERO).spawn()
}

/// Panics if the time for the large set is far more than sixteen times that for the small one, not once but each time.
async fn check(small: usize, time: impl AsyncFn(usize) -> Duration) {
    const ATTEMPTS: usize = 5;
    const PRECISION: Duration = Duration::from_millis(2);
    let mut slow = Vec::new();
    for _ in 0..ATTEMPTS {
        let (few, many) = (time(small).await, time(16 * small).await);
        if many <= 64 * few.max(PRECISION) {
            return;
        }
        slow.push((few, many));
    }
    panic!("not linear: {slow:?}");
}

#[tokio::test]
async fn adding_sources_is_linear() {
    check(1_000, async |count| {
        let sources: Vec<MemorySource> = sources(count).collect();
        let start = Instant::now();
        let set = SourceSet::from_sources(sources).unwrap();
        assert_eq!(set.sources().len(), count);
        start.elapsed()
    })
    .await;
}

#[tokio::test]
async fn finding_pollers_is_linear() {
    check(1_000, async |count| {
        let pollers = pollers(count);
        let start = Instant::now();
        for number in 0..count {
            assert!(pollers.get(&format!("org{number}")).is_some());
        }
        start.elapsed()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn receiving_the_updates_of_a_round_is_linear() {
    check(200, async |count| {
        let pollers = pollers(count);
        let mut updates = pollers.updates();
        let start = Instant::now();
        for _ in 0..count {
            assert!(updates.next().await.unwrap().1.is_ok());
        }
        start.elapsed()
    })
    .await;
}
