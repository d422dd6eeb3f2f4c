//! Helpers that several tests share.

pub(crate) mod cases;
pub(crate) mod conversion;
pub(crate) mod few_cases;
pub(crate) mod losses;
pub(crate) mod model;
pub(crate) mod mutate;
pub(crate) mod new_families;
pub(crate) mod odd_families;
pub(crate) mod paths;
pub(crate) mod peers;
pub(crate) mod random;
pub(crate) mod scrape;
