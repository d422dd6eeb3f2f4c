//! Numbers that are given for some times and change evenly in between.

use std::time::Duration;

/// Hours before the end of the history, and numbers. Two of the same hour make a jump.
pub(super) type Keyframe<const N: usize> = (u32, [u64; N]);

/// Returns the numbers at a time, or `None` before the first keyframe and after the last.
pub(super) fn while_there<const N: usize>(
    keyframes: &[Keyframe<N>],
    ago: Duration,
) -> Option<[u64; N]> {
    let [first, last] = [keyframes.first()?, keyframes.last()?];
    let is_there = seconds(first) >= ago.as_secs() && ago.as_secs() >= seconds(last);
    is_there.then(|| at(keyframes, ago))
}

/// Returns the numbers at a time: before the first keyframe those of the first, and after the last those of the last.
pub(super) fn at<const N: usize>(keyframes: &[Keyframe<N>], ago: Duration) -> [u64; N] {
    let ago = ago.as_secs();
    let next = keyframes.partition_point(|keyframe| seconds(keyframe) >= ago);
    let before = next.checked_sub(1).and_then(|index| keyframes.get(index));
    match (before, keyframes.get(next)) {
        (Some(before), Some(after)) => between(before, after, ago),
        (Some(only), None) | (None, Some(only)) => only.1,
        (None, None) => [0; N],
    }
}

fn between<const N: usize>(before: &Keyframe<N>, after: &Keyframe<N>, ago: u64) -> [u64; N] {
    let length = seconds(before) - seconds(after);
    let passed = seconds(before) - ago;
    let mut numbers = before.1;
    for (number, end) in numbers.iter_mut().zip(after.1) {
        *number = (*number * (length - passed) + end * passed) / length;
    }
    numbers
}

fn seconds<const N: usize>(keyframe: &Keyframe<N>) -> u64 {
    u64::from(keyframe.0) * 3600
}

#[cfg(test)]
mod tests {
    use super::*;

    const JUMP: &[Keyframe<1>] = &[(10, [0]), (5, [50]), (5, [100]), (1, [20])];

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(3600 * hours)
    }

    #[test]
    fn numbers_change_evenly_and_jump_where_two_keyframes_meet() {
        let numbers = [10, 9, 6, 5, 3, 1].map(|ago| at(JUMP, hours(ago))[0]);
        assert_eq!(numbers, [0, 10, 40, 100, 60, 20]);
    }

    #[test]
    fn nothing_is_there_before_the_first_and_after_the_last_keyframe() {
        let there = [11, 10, 1, 0].map(|ago| while_there(JUMP, hours(ago)));
        assert_eq!(there, [None, Some([0]), Some([20]), None]);
        assert_eq!([at(JUMP, hours(11)), at(JUMP, hours(0))], [[0], [20]]);
    }
}
