//! Sources that wrap other sources, one per file.

pub(crate) mod cache;
