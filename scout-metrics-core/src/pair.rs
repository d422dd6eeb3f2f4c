//! Pairs the streams or policies of two snapshots by name.

use std::collections::HashMap;

/// The items of the later snapshot, each with that of the earlier one, and those that are only in the earlier one.
pub(crate) struct Pairs<'a, T> {
    pub(crate) kept: Vec<(Option<&'a T>, &'a T)>,
    pub(crate) gone: Vec<&'a T>,
}

/// Pairs items with the same key. The order of both lists is kept.
pub(crate) fn pair<'a, T>(
    before: &'a [T],
    after: &'a [T],
    key: impl Fn(&'a T) -> &'a str,
) -> Pairs<'a, T> {
    let in_same_places = before
        .iter()
        .zip(after)
        .take_while(|(before, after)| key(before) == key(after))
        .count();
    let (same, before) = before.split_at(in_same_places);
    let (also_same, after) = after.split_at(in_same_places);
    let same = same.iter().map(Some).zip(also_same);

    // Snapshots of an organization mostly have the same streams in the same order, so there is little left to hash.
    let mut left: HashMap<&str, &T> = before.iter().map(|item| (key(item), item)).collect();
    let others = after.iter().map(|item| (left.remove(key(item)), item));
    let kept = same.chain(others).collect();
    let mut gone: Vec<&T> = before.iter().collect();
    gone.retain(|item| left.contains_key(key(item)));
    Pairs { kept, gone }
}
