//! The authenticated Docker Scout metrics client and, behind a feature, an exporter endpoint.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use scout_metrics_core::{MetricsSource, MetricsSourceExt};
//! use scout_metrics_http::ScoutClient;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> scout_metrics_core::Result<()> {
//! let scout = ScoutClient::builder().with_token_file("/run/secrets/docker_pat").build()?;
//! let acme = scout.organization("acme")?.cached(Duration::from_secs(3600));
//! for stream in acme.scrape().await?.streams() {
//!     println!("{:<20} {}", stream.name(), stream.vulnerabilities());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`ScoutClient`] holds credentials, options and connections. [`ScoutSource`] is one organization's
//! [`MetricsSource`](scout_metrics_core::MetricsSource), so it can be cached, merged and served like every other.
//! [`ScoutSource::exposition`] is the raw call with the same authentication.
//!
//! # The token
//!
//! Docker Scout wants a personal access token of an owner of the organization, or an organization access token. It is
//! best kept in a file, which is read again for each fetch; see [`ScoutClientBuilder`] for the other ways. It goes to
//! the server that was asked, over TLS, and nowhere else: redirects are not followed, plain `http` is for this machine
//! only, and no `Debug`, message or log shows it, not even where the server repeats it.
//!
//! # The network
//!
//! Everything is bounded: the time of a fetch with all its attempts, the size of its body before and after
//! decompression, the text that an error keeps. The proxy variables of the environment (`HTTPS_PROXY`, `HTTP_PROXY`,
//! `ALL_PROXY`, `NO_PROXY`) are honoured, except for this machine.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `exporter` | no | `exporter`: an endpoint in the shape of Docker Scout's own that serves any source |
//! | `rustls` | yes | HTTPS, with ring and the authorities of webpki-roots, of the system, and of a file |
//!
//! `rustls` turns on the feature `rustls-no-provider` of `reqwest`. A program that uses `reqwest` for something else,
//! and none of its TLS features, has to install a provider of `rustls` for that, or `reqwest` panics when it builds a
//! client.
//!
//! # Not in this crate
//!
//! No cookies, no HTTP/2, no compression but gzip, and no conditional requests: Scout's answers are small, and cached by
//! Scout for an hour.

#![forbid(unsafe_code)]

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "exporter")]
pub mod exporter;
#[cfg(any(feature = "client", feature = "exporter"))]
mod token;

#[cfg(feature = "client")]
pub use crate::client::{ScoutClient, ScoutClientBuilder, ScoutSource};
#[cfg(feature = "client")]
#[doc(no_inline)]
pub use reqwest;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
