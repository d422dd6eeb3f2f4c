//! The program `top`, in a real terminal where it needs one.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod picture;
#[path = "../support/poll.rs"]
mod poll;
#[path = "../support/program.rs"]
mod program;
#[path = "../../top/screen.rs"]
mod screen;
mod terminal;
mod tmux;
