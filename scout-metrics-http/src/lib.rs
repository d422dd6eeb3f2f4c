//! The Docker Scout client.

#![forbid(unsafe_code)]

mod client;
mod credentials;
mod error;

pub use crate::client::{ScoutClient, ScoutClientBuilder, ScoutSource};
