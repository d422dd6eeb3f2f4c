//! One scrape on behalf of others: for a cache, a poller or a set of sources.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::{Instrument, debug, debug_span};

use crate::{Error, ErrorKind, MetricsSource, Result, Snapshot};

/// Scrapes a source in a span of its own, and logs the duration and the outcome.
///
/// A panic becomes an error of kind [`ErrorKind::Other`], so that everyone who waits for the answer gets one.
pub(crate) async fn scrape(source: &dyn MetricsSource) -> Result<Snapshot> {
    let span = debug_span!("scrape", organization = %source.organization());
    // Unwind safe: the future is not polled again after a panic. It logs, because the `Display` of a source may panic.
    let scrape = AssertUnwindSafe(scrape_and_log(source)).catch_unwind();
    let result = scrape.instrument(span).await;
    result.unwrap_or_else(|_| Err(panicked(source)))
}

async fn scrape_and_log(source: &dyn MetricsSource) -> Result<Snapshot> {
    let start = Instant::now();
    let result = source.scrape().await;
    let duration = start.elapsed();
    match &result {
        Ok(snapshot) => debug!(
            ?duration,
            streams = snapshot.streams().len(),
            anomalies = snapshot.anomalies().len(),
            "scraped {source}"
        ),
        Err(error) => debug!(
            ?duration,
            kind = %error.kind(),
            error = error as &dyn std::error::Error,
            "cannot scrape {source}"
        ),
    }
    result
}

/// Leaves out the message of the panic, which may contain a secret and has been passed to the panic hook.
fn panicked(source: &dyn MetricsSource) -> Error {
    let message = "the source panicked, which is a bug in it";
    Error::new(ErrorKind::Other, message).with_organization(source.organization())
}
