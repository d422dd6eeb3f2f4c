//! The metrics or series that came before.
//!
//! Two that differ have the same hash of 64 bits once in some 10^7 expositions of a million samples, and nobody can choose
//! them, because the hash is seeded.
//!
//! Looking for each hash in a table costs a cache miss or two in a large exposition, and nearly always none is found. So
//! hashes are first only noted, and compared in the end. If two are the same, the exposition is read once more, with a
//! table.

use hashbrown::{HashTable, hash_table::Entry};

#[derive(Debug)]
pub(crate) enum Seen {
    /// All hashes, which are taken for new.
    Noted(Vec<u64>),
    /// The hashes of the family, or in Prometheus text of all families.
    Table(HashTable<u64>),
}

impl Seen {
    /// Notes hashes, so that [`has_repeats`](Self::has_repeats) has to be asked in the end.
    pub(in crate::family) const fn noted() -> Self {
        Self::Noted(Vec::new())
    }

    /// Compares each hash with those before.
    pub(in crate::family) const fn table() -> Self {
        Self::Table(HashTable::new())
    }

    /// Remembers a hash. Returns whether it is new.
    #[inline]
    pub(super) fn insert(&mut self, key: u64) -> bool {
        match self {
            Self::Noted(noted) => {
                noted.push(key);
                true
            }
            Self::Table(table) => insert(table, key),
        }
    }

    /// Forgets the hashes of a family.
    pub(super) fn forget(&mut self) {
        // Clearing takes time in proportion to the capacity, which each of many small families after a large one would pay.
        const LARGE: usize = 1024;
        if let Self::Table(table) = self {
            if table.capacity() > LARGE.max(8 * table.len()) {
                *table = HashTable::new();
            }
            table.clear();
        }
    }

    /// Returns whether a hash was noted twice, of one family or of several.
    pub(super) fn has_repeats(&mut self) -> bool {
        match self {
            Self::Noted(noted) => has_repeats(noted),
            Self::Table(_) => false,
        }
    }
}

#[inline(never)]
fn insert(table: &mut HashTable<u64>, key: u64) -> bool {
    match table.entry(key, |known| *known == key, |key| *key) {
        Entry::Occupied(_) => false,
        Entry::Vacant(place) => {
            place.insert(key);
            true
        }
    }
}

/// Sorts hashes and returns whether two are the same.
fn has_repeats(keys: &mut [u64]) -> bool {
    /// So many are sorted in the fastest memory.
    const FEW: usize = 256;
    if keys.len() <= FEW {
        keys.sort_unstable();
        return keys.windows(2).any(|pair| pair[0] == pair[1]);
    }
    // The first bits put each hash near its place; those of a hash are evenly spread.
    let bits = (keys.len() / FEW).ilog2() + 1;
    let bucket = |key: u64| (key >> (u64::BITS - bits)) as usize;
    let mut ends = vec![0; (1 << bits) + 1];
    for key in &*keys {
        ends[bucket(*key) + 1] += 1;
    }
    for place in 1..ends.len() {
        ends[place] += ends[place - 1];
    }
    let mut sorted = vec![0; keys.len()];
    for key in keys {
        let end = &mut ends[bucket(*key)];
        sorted[*end] = *key;
        *end += 1;
    }
    let mut start = 0;
    ends.into_iter().any(|end| {
        let keys = &mut sorted[start..end];
        start = end;
        keys.sort_unstable();
        keys.windows(2).any(|pair| pair[0] == pair[1])
    })
}
