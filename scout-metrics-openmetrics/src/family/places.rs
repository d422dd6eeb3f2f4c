//! Which family a name belongs to.
//!
//! The tables hold places of families and hashes, not names: each name would be one more allocation for each family, of
//! which an exposition can have as many as samples.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use crate::{MetricFamily, Suffix};

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

/// The sample names of OpenMetrics that belong to a family.
#[derive(Debug, Default)]
pub(super) struct SampleNames {
    hasher: RandomState,
    table: HashTable<SampleName>,
    /// Memory for a name.
    name: String,
}

#[derive(Debug)]
struct SampleName {
    hash: u64,
    place: usize,
    suffix: Suffix,
}

impl SampleNames {
    /// Returns the family that a sample name belongs to: the one that claimed it first.
    pub(super) fn claim(
        &mut self,
        place: usize,
        suffix: Suffix,
        families: &[MetricFamily],
    ) -> usize {
        self.name.clear();
        self.name.push_str(families[place].name());
        self.name.push_str(suffix.as_str());
        let hash = self.hasher.hash_one(&self.name);
        let is_named = |known: &SampleName| {
            let start = self.name.strip_suffix(known.suffix.as_str());
            known.hash == hash && start == Some(families[known.place].name())
        };
        if let Some(known) = self.table.find(hash, is_named) {
            return known.place;
        }
        let name = SampleName {
            hash,
            place,
            suffix,
        };
        self.table.insert_unique(hash, name, |known| known.hash);
        place
    }
}
