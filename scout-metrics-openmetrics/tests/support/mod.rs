//! What several tests have in common.

#![allow(dead_code, reason = "no test uses all of it")]

pub(crate) mod cases;
pub(crate) mod paths;
