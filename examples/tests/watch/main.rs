//! The messages of `watch`.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod messages;
#[path = "../support/peer.rs"]
mod peer;
#[path = "../support/poll.rs"]
mod poll;
#[path = "../support/program.rs"]
mod program;
mod receiver;
mod schemas;
#[path = "../support/watching.rs"]
mod watching;
