//! From parts of lines to text.

mod encoder;
mod error;
mod names;

#[cfg(feature = "scout")]
pub(crate) use encoder::{SeriesEnd, SeriesStart};
pub use {
    encoder::{Encoder, SampleEncoder},
    error::{EncodeError, EncodeErrorKind},
};
