//! The authenticated Docker Scout metrics client and, behind a feature, an exporter endpoint.

#![forbid(unsafe_code)]

#[cfg(feature = "exporter")]
pub mod exporter;
