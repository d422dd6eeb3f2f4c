//! Families: from lines to families with the rules about several lines, and back to text.

mod check;
mod collect;
mod encode;
mod families;
mod labels;
mod names;
mod pairs;
mod places;
mod tracker;

pub(crate) use {check::MessageChecker, pairs::PairWriter};
pub use {
    encode::encode_families,
    families::{Families, parse_families},
    tracker::{FamilyLimitError, FamilyRef, FamilyTracker},
};
