//! Runs `embed`, and compares what it serves and pushes with what the encoder writes.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod collector;
mod embed;
mod otlp;
#[path = "../support/peer.rs"]
mod peer;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod program;
mod registries;
mod values;
