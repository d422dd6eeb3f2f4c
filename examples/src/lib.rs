//! Code that several examples share.

pub mod demo;
pub mod sample;
pub mod table;
pub mod terminal;
