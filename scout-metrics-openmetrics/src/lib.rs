//! Parser and encoder of the Prometheus text and OpenMetrics 1.0 text formats.

#![forbid(unsafe_code)]

mod check;
mod chunked;
mod encode;
mod error;
mod escape;
mod event;
mod exposition;
mod families;
mod find;
mod format;
mod layout;
mod line;
mod model;
mod number;
mod options;
mod parser;
mod reader;
mod rule;
#[cfg(feature = "scout")]
pub mod scout;

pub use crate::{
    chunked::ChunkedParser,
    encode::{EncodeError, encode_families},
    error::{Deviation, Excerpt, ParseError, ParseErrorKind, Position},
    escape::Text,
    event::{Event, ExemplarRef, Labels, Line, MetricType, SampleRef},
    exposition::Exposition,
    families::{Families, parse_families},
    format::Format,
    model::{Exemplar, LabelSet, MetricFamily, Sample, Suffix},
    number::Timestamp,
    options::{Limits, Mode, ParseOptions},
    parser::Parser,
    rule::Rule,
};
