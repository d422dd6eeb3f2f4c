//! Panics of a source, turned into errors where others wait for its answer.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use crate::{Error, ErrorKind, MetricsSource, Result, Snapshot};

/// Scrapes a source; a panic is an error of kind [`ErrorKind::Other`], without its message, which nobody has checked
/// for secrets and which the panic hook has already seen.
pub(crate) async fn scrape(source: &dyn MetricsSource) -> Result<Snapshot> {
    let mut scrape = pin!(async { source.scrape().await });
    poll_fn(|context| {
        // Unwind safe: the future is not polled again after it panicked.
        let poll = catch_unwind(AssertUnwindSafe(|| scrape.as_mut().poll(context)));
        poll.unwrap_or_else(|_| Poll::Ready(Err(panicked(source))))
    })
    .await
}

fn panicked(source: &dyn MetricsSource) -> Error {
    Error::new(
        ErrorKind::Other,
        "the source panicked while it was scraped, a bug in it",
    )
    .with_organization(source.organization())
}
