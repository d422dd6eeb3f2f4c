//! The exemplars of a histogram, by the buckets that hold their values.

use crate::Exemplar;

/// The exemplars of buckets and the others.
#[derive(Debug)]
pub(super) struct Placed<'e> {
    /// One place for each bucket.
    pub(super) of_buckets: Vec<Option<&'e Exemplar>>,
    /// The others in their order.
    pub(super) others: Vec<&'e Exemplar>,
}

/// Gives each exemplar to the lowest bucket that holds its value. A bucket keeps the latest one, and the last one of
/// several without a timestamp.
pub(super) fn place<'e>(bounds: &[f64], exemplars: &'e [Exemplar]) -> Placed<'e> {
    let mut rising: Vec<usize> = (0..bounds.len())
        .filter(|place| !bounds[*place].is_nan())
        .collect();
    rising.sort_by(|one, two| bounds[*one].total_cmp(&bounds[*two]));
    // A value that is not a number is in the last bucket, as in all formats.
    let bucket_of = |value: f64| {
        let value = if value.is_nan() { f64::INFINITY } else { value };
        rising
            .get(rising.partition_point(|place| bounds[*place] < value))
            .copied()
    };
    let mut winners: Vec<Option<usize>> = vec![None; bounds.len()];
    for (place, exemplar) in exemplars.iter().enumerate() {
        let Some(bucket) = bucket_of(exemplar.value()) else {
            continue;
        };
        let winner = &mut winners[bucket];
        if winner.is_none_or(|best| exemplars[best].timestamp() <= exemplar.timestamp()) {
            *winner = Some(place);
        }
    }
    let mut is_placed = vec![false; exemplars.len()];
    winners
        .iter()
        .flatten()
        .for_each(|place| is_placed[*place] = true);
    let others = exemplars.iter().zip(is_placed);
    Placed {
        of_buckets: winners
            .into_iter()
            .map(|place| place.map(|place| &exemplars[place]))
            .collect(),
        others: others
            .filter_map(|(exemplar, is_placed)| (!is_placed).then_some(exemplar))
            .collect(),
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
            exemplar(5.0, 1),
        ];
        let placed = place(&[1.0, 2.0, f64::INFINITY], &exemplars);
        assert_eq!(
            placed.of_buckets,
            [Some(&exemplars[1]), None, Some(&exemplars[4])]
        );
        assert_eq!(placed.others, [&exemplars[0], &exemplars[2], &exemplars[3]]);
    }

    #[test]
    fn without_buckets_all_exemplars_are_others() {
        let exemplars = [exemplar(0.5, 3)];
        assert_eq!(place(&[], &exemplars).others, [&exemplars[0]]);
    }
}
