//! What moves: small changes in the past, and waves after it.

use std::time::Duration;

/// How long the metrics stay the same: a common scrape interval of Prometheus.
const STEP: Duration = Duration::from_secs(15);

/// How long a random change of the past lasts.
const NOISE_HOURS: u64 = 12;

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

/// Returns a count that is changed at random by a tenth at most, and not at all during the last day.
pub(super) fn noise(seeds: [u64; 3], count: u64, ago: Duration) -> u64 {
    let half_days = ago.as_secs() / 3600 / NOISE_HOURS;
    let reach = count / 10;
    if half_days < 2 || reach == 0 {
        return count;
    }
    let seed = seeds.into_iter().chain([half_days]).fold(0, |seed, part| {
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
    fn noise_changes_a_count_by_a_tenth_and_stops_a_day_before_the_end() {
        let day = Duration::from_secs(24 * 3600);
        let changed: Vec<u64> = (1..60)
            .map(|days| noise([1, 2, 3], 100, day * days))
            .collect();
        assert!(changed.iter().all(|count| (90..=110).contains(count)));
        assert!(changed.iter().any(|count| *count < 95));
        assert!(changed.iter().any(|count| *count > 105));
        assert_eq!(noise([1, 2, 3], 100, day - Duration::from_secs(1)), 100);
        assert_eq!(noise([1, 2, 3], 9, day * 5), 9);
        assert_ne!(
            (2..9)
                .map(|days| noise([1, 2, 3], 1000, day * days))
                .collect::<Vec<_>>(),
            (2..9)
                .map(|days| noise([2, 2, 3], 1000, day * days))
                .collect::<Vec<_>>()
        );
    }
}
