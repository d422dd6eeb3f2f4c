//! Charts of one line: trends, bars and meters.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Returns a line of bars between zero and the largest number, at most `width` of them. A time without a number is blank.
///
/// If there are more numbers than columns, a column shows the largest of its numbers, so that no peak is lost.
pub(super) fn trend(numbers: &[Option<u64>], width: usize) -> String {
    let columns = width.min(numbers.len());
    let largest = numbers.iter().flatten().max().copied().unwrap_or(0);
    let column = |column: usize| {
        let start = column * numbers.len() / columns;
        let end = (column + 1) * numbers.len() / columns;
        numbers[start..end].iter().flatten().max()
    };
    (0..columns)
        .map(|place| column(place).map_or(' ', |number| level(*number, largest)))
        .collect()
}

/// Returns a bar whose height is the share of the largest. Only zero has the lowest one, unless all are equal.
fn level(number: u64, largest: u64) -> char {
    let steps = LEVELS.len() as u128 - 1;
    let place = (u128::from(number) * steps).div_ceil(u128::from(largest).max(1));
    LEVELS[usize::try_from(place).unwrap_or(0).min(LEVELS.len() - 1)]
}

/// Returns a bar whose length is the share of the largest number. Every number but zero has a bar.
pub(super) fn bar(number: u64, largest: u64, width: usize) -> String {
    "█".repeat(share(number, largest, width))
}

/// Returns a meter: full blocks for what complies, and light ones for the rest. It is full only if all comply.
pub(super) fn meter(compliant: u64, evaluated: u64, width: usize) -> String {
    let violating = evaluated.saturating_sub(compliant);
    let empty = share(violating, evaluated, width);
    format!("{}{}", "█".repeat(width - empty), "░".repeat(empty))
}

fn share(part: u64, whole: u64, width: usize) -> usize {
    let width_wide = width as u128;
    let cells = (u128::from(part) * width_wide).div_ceil(u128::from(whole).max(1));
    usize::try_from(cells).unwrap_or(width).min(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_starts_at_zero_and_shows_gaps() {
        let numbers = [Some(0), Some(1), None, Some(7), Some(3)];
        assert_eq!(trend(&numbers, 9), "▁▂ █▄");
        assert_eq!(trend(&[], 9), "");
        assert_eq!(trend(&[Some(0), Some(0)], 9), "▁▁");
        assert_eq!(trend(&[Some(u64::MAX); 2], 2), "██");
    }

    #[test]
    fn a_narrow_trend_keeps_the_peaks() {
        let mut numbers = vec![Some(1); 90];
        numbers[41] = Some(70);
        numbers[10..20].fill(None);
        let shown = trend(&numbers, 9);
        assert_eq!(shown, "▂ ▂▂█▂▂▂▂");
    }

    #[test]
    fn bars_and_meters_are_full_or_empty_only_for_all_and_none() {
        assert_eq!(bar(0, 9, 4), "");
        assert_eq!(bar(1, 9999, 4), "█");
        assert_eq!(bar(9999, 9999, 4), "████");
        assert_eq!(meter(0, 9, 4), "░░░░");
        assert_eq!(meter(9998, 9999, 4), "███░");
        assert_eq!(meter(9, 9, 4), "████");
        assert_eq!(meter(1, 9, 4), "░░░░");
        assert_eq!(meter(3, 2, 4), "████");
    }
}
