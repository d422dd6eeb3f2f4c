//! Families: from lines to families with the rules about several lines, and back to text.

mod check;
mod encode;
mod families;

pub use {
    encode::{EncodeError, encode_families},
    families::{Families, parse_families},
};
