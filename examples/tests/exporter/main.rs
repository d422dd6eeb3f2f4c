//! Runs the exporter as people do, and lets the programs judge it that they scrape it with.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[cfg(unix)]
mod descriptors;
mod outage;
mod peers;
mod program;
mod prometheus;
mod support;
