//! From text to lines: the pull parser, the same for text that arrives in chunks, and the grammar that both read by.

mod chunked;
mod composite;
mod engine;
mod event;
mod feed;
mod grammar;
mod names;
mod options;
mod parser;
mod parts;
mod reader;

pub use {
    chunked::ChunkedParser,
    composite::{CompositeRef, NativeRef},
    engine::ReaderLevel,
    event::{Event, ExemplarRef, Labels, Line, SampleRef},
    options::{Limits, Mode, ParseOptions},
    parser::Parser,
};
pub(crate) use {names::NamesBefore, parser::utf8};
