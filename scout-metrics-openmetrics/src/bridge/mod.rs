//! Conversions between families and the types of other crates, each behind a feature of that crate's name.

#[cfg(feature = "prometheus-parse")]
pub mod prometheus_parse;
