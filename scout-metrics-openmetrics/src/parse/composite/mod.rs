//! Composite values of OpenMetrics 2.0: histograms and summaries as the value of one sample.

mod known;
mod parts;
mod read;
mod view;

pub(crate) use self::parts::{CompositeKind, CompositeParts};
pub use self::view::{CompositeRef, NativeRef};
pub(super) use self::{parts::SideParts, read::read_composite};
