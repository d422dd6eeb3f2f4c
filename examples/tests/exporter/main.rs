//! Runs the exporter as users do, and checks it with the programs that scrape it.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod access;
mod alerting;
mod boards;
mod browser;
#[cfg(unix)]
mod descriptors;
mod history;
mod names;
mod outage;
#[path = "../support/peer.rs"]
mod peer;
mod peers;
#[path = "../support/poll.rs"]
mod poll;
mod program;
mod prometheus;
mod protobuf;
mod push;
#[cfg(unix)]
mod reload;
#[cfg(unix)]
mod secrets;
mod sharding;
#[cfg(unix)]
mod state;
mod support;
#[cfg(unix)]
mod systemd;
