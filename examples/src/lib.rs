//! What several examples share.

pub mod sample;
pub mod table;
pub mod terminal;
