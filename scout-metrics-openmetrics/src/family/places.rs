//! The families by name.
//!
//! The table holds places of families and hashes, not names: each name would be one more allocation for each family, of
//! which an exposition can have as many as samples.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use crate::{MetricFamily, MetricType, Suffix};

/// The families by name.
#[derive(Clone, Debug, Default)]
pub(super) struct NamePlaces {
    hasher: RandomState,
    table: HashTable<(u64, usize)>,
}

impl NamePlaces {
    pub(super) fn find(&self, name: &str, families: &[MetricFamily]) -> Option<usize> {
        let hash = self.hasher.hash_one(name);
        let is_named =
            |(known, place): &(u64, usize)| *known == hash && families[*place].name() == name;
        self.table.find(hash, is_named).map(|(_, place)| *place)
    }

    /// Adds a family whose name is not in the table.
    pub(super) fn insert(&mut self, name: &str, place: usize) {
        let hash = self.hasher.hash_one(name);
        self.table
            .insert_unique(hash, (hash, place), |(hash, _)| *hash);
    }
}

/// The suffixes that names of families end in. Few do, so that few names have to be looked for.
#[derive(Debug, Default)]
pub(super) struct NameEnds([bool; Suffix::NAMED.len()]);

impl NameEnds {
    /// Remembers the end of a family's name. Returns the suffix and the name before it.
    pub(super) fn insert<'n>(&mut self, name: &'n str) -> Option<(Suffix, &'n str)> {
        let mut suffixes = Suffix::NAMED.into_iter().zip(&mut self.0);
        suffixes.find_map(|(suffix, is_used)| {
            let start = name.strip_suffix(suffix.as_str())?;
            *is_used = true;
            Some((suffix, start))
        })
    }

    /// Returns the suffixes of a type that names of families end in.
    pub(super) fn of(&self, kind: MetricType) -> impl Iterator<Item = Suffix> + use<> {
        let suffixes = Suffix::NAMED.into_iter().zip(self.0);
        suffixes.filter_map(move |(suffix, is_used)| {
            (is_used && suffix.belongs_to(kind)).then_some(suffix)
        })
    }
}
