//! What other libraries collect through the bridges is what the encoder writes.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod families;
mod hosts;
mod opentelemetry;
mod properties;
mod publisher;
mod registries;
mod series;
mod snapshots;
