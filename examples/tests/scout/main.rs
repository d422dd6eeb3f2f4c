//! Runs `scout` as people and CI jobs do, and checks what it prints and its exit status.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod check;
mod ci;
mod command_line;
mod completions;
mod diff;
mod history;
mod overview;
#[path = "../support/peer.rs"]
mod peer;
#[path = "../support/program.rs"]
mod program;
mod report;
mod scans;
mod since;
mod support;
