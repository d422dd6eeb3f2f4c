//! One scrape on behalf of others: a cache, a poller, a set of sources.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use tokio::time::Instant;
use tracing::{Instrument, debug, debug_span};

use crate::{Error, ErrorKind, MetricsSource, Result, Snapshot};

/// Scrapes a source in a span of its own, in which the duration and the outcome are logged.
///
/// A panic is an error of kind [`ErrorKind::Other`], so that whoever waits for the answer gets one.
pub(crate) async fn scrape(source: &dyn MetricsSource) -> Result<Snapshot> {
    let span = debug_span!("scrape", organization = %source.organization());
    let scrape = async {
        let start = Instant::now();
        let result = catch_panic(source).await;
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
    };
    scrape.instrument(span).await
}

async fn catch_panic(source: &dyn MetricsSource) -> Result<Snapshot> {
    let mut scrape = pin!(async { source.scrape().await });
    poll_fn(|context| {
        // Unwind safe: the future is not polled again after it panicked.
        let poll = catch_unwind(AssertUnwindSafe(|| scrape.as_mut().poll(context)));
        poll.unwrap_or_else(|_| Poll::Ready(Err(panicked(source))))
    })
    .await
}

/// Leaves out the panic's message, which nobody has checked for secrets and which the panic hook has seen.
fn panicked(source: &dyn MetricsSource) -> Error {
    let message = "the source panicked while it was scraped, a bug in it";
    Error::new(ErrorKind::Other, message).with_organization(source.organization())
}
