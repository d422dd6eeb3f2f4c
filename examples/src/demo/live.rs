//! Movement of the counts: small changes in the past, and waves after it.

use std::time::Duration;

/// How long the metrics stay the same: a common scrape interval of Prometheus.
const STEP: Duration = Duration::from_secs(15);

/// How long a random change of the past lasts.
const NOISE_HOURS: u64 = 12;

/// How many of these times before the end have no random change.
const STILL: u64 = 16;

/// The time that has passed since the end of the history, in steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Live(u64);

impl Live {
    pub(super) fn new(since_now: Duration) -> Self {
        Self(since_now.as_secs() / STEP.as_secs())
    }

    /// Rises from zero to a height and falls again within two periods, without a jump.
    pub(super) fn wave(self, period: u64, height: u64) -> u64 {
        let phase = self.0 % (2 * period);
        let distance = phase.min(2 * period - phase);
        height * distance / period
    }
}

/// Returns a count that is changed at random by a twentieth at most, and not at all during the last eight days, so that
/// changes since yesterday and a week ago are those of the story.
pub(super) fn noise(seeds: [u64; 3], count: u64, ago: Duration) -> u64 {
    let block = ago.as_secs() / 3600 / NOISE_HOURS;
    let reach = count / 20;
    if block < STILL || reach == 0 {
        return count;
    }
    let seed = seeds.into_iter().chain([block]).fold(0, |seed, part| {
        fastrand::Rng::with_seed(seed ^ part).u64(..)
    });
    count - reach + fastrand::Rng::with_seed(seed).u64(0..=2 * reach)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_goes_up_and_down_without_a_jump() {
        let waves: Vec<u64> = (0..10).map(|step| Live(step).wave(4, 4)).collect();
        assert_eq!(waves, [0, 1, 2, 3, 4, 3, 2, 1, 0, 1]);
    }

    #[test]
    fn noise_changes_a_count_by_a_twentieth_and_stops_before_the_end() {
        let day = Duration::from_secs(24 * 3600);
        let changed = |seed, count| -> Vec<u64> {
            let days = 8..90;
            days.map(|days| noise([seed, 2, 3], count, day * days))
                .collect()
        };
        let hundred = changed(1, 100);
        assert!(hundred.iter().all(|count| (95..=105).contains(count)));
        assert!(hundred.contains(&95) && hundred.contains(&105));
        assert!(changed(1, 19).iter().all(|count| *count == 19));
        assert_ne!(changed(1, 1000), changed(2, 1000));
        let last = day * 8 - Duration::from_secs(1);
        assert_eq!(noise([1, 2, 3], 100, last), 100);
    }
}
