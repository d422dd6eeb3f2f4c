//! Other libraries collect through the bridges what the encoder writes.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]
#![cfg(any(
    feature = "metrics",
    feature = "opentelemetry",
    feature = "prometheus",
    feature = "prometheus-client"
))]

#[cfg(any(feature = "prometheus", feature = "prometheus-client"))]
mod families;
mod hosts;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
#[cfg(feature = "prometheus")]
mod prometheus;
mod properties;
#[cfg(feature = "metrics")]
mod publisher;
mod registries;
mod series;
mod snapshots;
