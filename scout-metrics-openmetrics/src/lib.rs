//! Parser and encoder of the Prometheus text and OpenMetrics 1.0 text formats.

#![forbid(unsafe_code)]

mod exposition;
mod format;

pub use crate::{exposition::Exposition, format::Format};
