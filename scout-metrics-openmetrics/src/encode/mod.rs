//! From parts of lines to text.

mod composite;
mod encoder;
mod error;
mod event;
mod io_writer;
mod loss;
mod metadata;
mod names;
mod parts;
mod sample_ref;
#[cfg(feature = "scout")]
mod series;
mod tail;

#[cfg(feature = "scout")]
pub(crate) use series::{SeriesEnd, SeriesStart};
pub use {
    encoder::Encoder,
    error::{EncodeError, EncodeErrorKind},
    io_writer::IoWriter,
    loss::{Loss, Lost},
    sample_ref::SampleRefEncoder,
    tail::SampleEncoder,
};
