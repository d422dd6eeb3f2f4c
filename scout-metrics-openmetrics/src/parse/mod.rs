//! From text to lines: the pull parser, the same for text that arrives in chunks, and the grammar that both read by.

mod chunked;
mod event;
mod feed;
mod grammar;
mod layout;
mod options;
mod parser;
mod reader;

pub(crate) use parser::utf8;
pub use {
    chunked::ChunkedParser,
    event::{Event, ExemplarRef, Labels, Line, SampleRef},
    options::{Limits, Mode, ParseOptions},
    parser::Parser,
};
