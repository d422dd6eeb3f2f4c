//! Code that several examples share.

pub mod changes;
pub mod command_line;
pub mod connection;
pub mod demo;
pub mod history;
pub mod picture;
pub mod sample;
pub mod severity;
pub mod snapshot_file;
pub mod table;
pub mod terminal;
pub mod time;
pub mod tls;
