//! Sources that wrap other sources, one per file.

pub(crate) mod cache;
pub(crate) mod fallback;
pub(crate) mod max_age;
pub(crate) mod observe;
pub(crate) mod timeout;
