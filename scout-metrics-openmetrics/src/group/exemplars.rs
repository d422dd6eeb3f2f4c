//! The exemplars of a histogram, by the buckets that hold their values.

use crate::Exemplar;

/// The exemplars of buckets and the others.
#[derive(Debug)]
pub(crate) struct Placed<'e> {
    /// One place for each bucket.
    pub(crate) of_buckets: Vec<Option<&'e Exemplar>>,
    /// The others in their order.
    pub(crate) others: Vec<&'e Exemplar>,
}

/// Gives each exemplar to the lowest bucket that holds its value. A bucket keeps the latest one, and the first one of
/// several with the same timestamp or none. The next free bucket takes each of the others, because it holds their values as well,
/// unless they may stay with a native histogram.
pub(crate) fn place<'e>(bounds: &[f64], exemplars: &'e [Exemplar], has_native: bool) -> Placed<'e> {
    let mut rising: Vec<usize> = (0..bounds.len())
        .filter(|place| !bounds[*place].is_nan())
        .collect();
    rising.sort_by(|one, two| bounds[*one].total_cmp(&bounds[*two]));
    // A value that is not a number is in the last bucket, as in all formats.
    let lowest = |exemplar: &Exemplar| {
        let value = exemplar.value();
        let value = if value.is_nan() { f64::INFINITY } else { value };
        rising.partition_point(|place| bounds[*place] < value)
    };
    let mut winners: Vec<Option<usize>> = vec![None; rising.len()];
    for (place, exemplar) in exemplars.iter().enumerate() {
        let Some(winner) = winners.get_mut(lowest(exemplar)) else {
            continue;
        };
        if winner.is_none_or(|best| exemplars[best].timestamp() < exemplar.timestamp()) {
            *winner = Some(place);
        }
    }
    let mut is_placed = vec![false; exemplars.len()];
    for place in winners.iter().flatten() {
        is_placed[*place] = true;
    }
    if !has_native {
        let mut free = FreePlaces::new(winners.iter().map(Option::is_none));
        for (place, exemplar) in exemplars.iter().enumerate() {
            if !is_placed[place]
                && let Some(bucket) = free.take(lowest(exemplar))
            {
                winners[bucket] = Some(place);
                is_placed[place] = true;
            }
        }
    }
    let mut of_buckets = vec![None; bounds.len()];
    for (bucket, winner) in rising.iter().zip(winners) {
        of_buckets[*bucket] = winner.map(|place| &exemplars[place]);
    }
    let others = exemplars.iter().zip(is_placed);
    Placed {
        of_buckets,
        others: others
            .filter_map(|(exemplar, is_placed)| (!is_placed).then_some(exemplar))
            .collect(),
    }
}

/// The places that are free.
struct FreePlaces {
    /// For each place, itself if it is free, and otherwise one after it that is not after the next free one.
    next: Vec<usize>,
}

impl FreePlaces {
    fn new(is_free: impl Iterator<Item = bool>) -> Self {
        let places = is_free.enumerate();
        let mut next: Vec<usize> = places
            .map(|(place, is_free)| if is_free { place } else { place + 1 })
            .collect();
        next.push(next.len());
        Self { next }
    }

    /// Takes the first free place from one on.
    fn take(&mut self, from: usize) -> Option<usize> {
        let mut place = from;
        while self.next[place] != place {
            self.next[place] = self.next[self.next[place]];
            place = self.next[place];
        }
        let is_place = place + 1 < self.next.len();
        is_place.then(|| {
            self.next[place] = place + 1;
            place
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LabelSet, Timestamp};

    fn exemplar(value: f64, seconds: i64) -> Exemplar {
        let exemplar = Exemplar::new(LabelSet::new(), value);
        exemplar.with_timestamp(Timestamp::from_millis(seconds * 1000))
    }

    #[test]
    fn a_bucket_keeps_the_latest_exemplar_that_it_holds() {
        let exemplars = [
            exemplar(0.5, 3),
            exemplar(1.0, 9),
            exemplar(0.7, 4),
            exemplar(f64::NAN, 1),
            exemplar(5.0, 2),
        ];
        let bounds = [1.0, 2.0, f64::INFINITY];
        let placed = place(&bounds, &exemplars, true);
        assert_eq!(
            placed.of_buckets,
            [Some(&exemplars[1]), None, Some(&exemplars[4])]
        );
        assert_eq!(placed.others, [&exemplars[0], &exemplars[2], &exemplars[3]]);
        // Without native buckets, the next free bucket takes one.
        let placed = place(&bounds, &exemplars, false);
        assert_eq!(placed.of_buckets[1], Some(&exemplars[0]));
        assert_eq!(placed.others, [&exemplars[2], &exemplars[3]]);
    }

    #[test]
    fn without_buckets_all_exemplars_are_others() {
        let exemplars = [exemplar(0.5, 3)];
        assert_eq!(place(&[], &exemplars, false).others, [&exemplars[0]]);
    }
}
