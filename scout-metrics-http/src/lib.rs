//! The authenticated Docker Scout metrics client and, behind a feature, an exporter endpoint.

#![forbid(unsafe_code)]

mod client;
mod credentials;
mod error;
#[cfg(feature = "exporter")]
pub mod exporter;

pub use crate::client::{ScoutClient, ScoutClientBuilder, ScoutSource};
