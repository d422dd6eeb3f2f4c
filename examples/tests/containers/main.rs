//! Builds the image and runs it and the Compose projects, as their READMEs say, with a Docker Engine.
//!
//! `.ci/run containers` starts the engine, and makes the images that others publish. Everything is built from a clone of
//! the last commit, so a change that is not committed is not tested.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

mod checkout;
mod datadog;
mod docker;
mod health;
mod image;
mod names;
#[path = "../support/poll.rs"]
mod poll;
mod process;
mod project;
mod prometheus;
mod service;
