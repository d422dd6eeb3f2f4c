//! What several tests have in common.

#![allow(dead_code, reason = "no test uses all of it")]
#![allow(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

pub(crate) mod cases;
pub(crate) mod model;
pub(crate) mod mutate;
pub(crate) mod paths;
pub(crate) mod peers;
pub(crate) mod random;
pub(crate) mod scrape;
