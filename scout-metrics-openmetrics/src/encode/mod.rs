//! From parts of lines to text.

mod encoder;

pub use encoder::{Encoder, SampleEncoder};
#[cfg(feature = "scout")]
pub(crate) use encoder::{SeriesEnd, SeriesStart};
