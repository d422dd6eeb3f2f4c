//! Numbers for people.

use scout_metrics_core::PolicyResult;

/// Returns the percentage of compliant images, rounded to a whole number: 100 % only if all comply, 0 % only if none does.
pub(crate) fn percentage(result: &PolicyResult) -> Option<String> {
    let (compliant, evaluated) = (result.compliant(), result.evaluated());
    result.ratio()?;
    let halves = u128::from(compliant) * 200 / u128::from(evaluated);
    let rounded = halves.div_ceil(2);
    let percentage = if 0 < compliant && compliant < evaluated {
        rounded.clamp(1, 99)
    } else {
        rounded
    };
    Some(format!("{percentage} %"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use scout_metrics_core::{Policy, Snapshot};

    #[test]
    fn percentages_are_rounded_but_never_to_all_or_none() {
        const MAX: u64 = Snapshot::MAX_COUNT;
        for (compliant, evaluated, shown) in [
            (0, 0, None),
            (0, 3, Some("0 %")),
            (3, 3, Some("100 %")),
            (29, 100, Some("29 %")),
            (57, 100, Some("57 %")),
            (1, 3, Some("33 %")),
            (2, 3, Some("67 %")),
            (1, 1000, Some("1 %")),
            (999, 1000, Some("99 %")),
            (MAX - 1, MAX, Some("99 %")),
            (MAX, MAX, Some("100 %")),
        ] {
            let policy = Policy::new("id", "name");
            let result = PolicyResult::new(policy, compliant, evaluated).unwrap();
            assert_eq!(percentage(&result).as_deref(), shown);
        }
    }
}
