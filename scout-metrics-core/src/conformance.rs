//! Checks that every [`MetricsSource`] has to pass, for the tests of backends and decorators.
//!
//! The contract is in the documentation of [`MetricsSource`]. What of it can be seen from outside is checked here:
//! [`check`] takes a source that answers, [`check_failing`] one that does not, [`check_wrapper`] a decorator and what
//! it wraps, [`check_secret`] a source that holds a secret. Each is made of the smaller checks, which can be called
//! alone, and panics with a sentence that begins with the source's `Display`.
//!
//! The data behind the source must not change during a check, and the tokio runtime needs its timer: a scrape that
//! takes longer than [60 seconds](LONGEST_SCRAPE) fails the check.
//!
//! ```
//! use std::time::Duration;
//!
//! use scout_metrics_core::{
//!     Error, ErrorKind, MemorySource, MetricsSourceExt, Organization, Snapshot, Stream, conformance,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let acme = Organization::new("acme")?;
//! let memory = MemorySource::new(Snapshot::new(acme.clone(), [Stream::new("production")])?);
//! let cached = memory.clone().cached(Duration::from_secs(3600));
//! conformance::check(&cached).await;
//! conformance::check_wrapper(&cached, &memory);
//!
//! memory.set(Err(Error::new(ErrorKind::Timeout, "no answer").with_organization(&acme)));
//! conformance::check_failing(&memory, ErrorKind::Timeout).await;
//! # Ok(())
//! # }
//! ```

use std::{
    error::Error as StdError,
    future::{Future, poll_fn},
    iter,
    pin::Pin,
    task::Poll,
    time::Duration,
};

use tokio::time::timeout;

pub use crate::history::conformance as history;
use crate::{Error, ErrorKind, MetricsSource, Result, Snapshot};

/// How long a check waits for a scrape: half as long again as the 40 seconds that a source takes at most by default.
pub const LONGEST_SCRAPE: Duration = Duration::from_secs(60);

/// The bound on the text of an error with all its causes.
const LONGEST_ERROR: usize = 20_000;

const CONCURRENT_SCRAPES: usize = 16;

/// How many await points of a scrape are tried as the place where it is dropped.
const MOST_AWAITS: usize = 16;

/// Checks a source that answers.
///
/// # Panics
///
/// If the source breaks the contract, or fails.
pub async fn check(source: &dyn MetricsSource) {
    display_is_one_line(source);
    snapshots_are_of_the_organization(source).await;
    repeated_scrapes_agree(source).await;
    concurrent_scrapes_agree(source).await;
    dropped_scrapes_leave_the_source_usable(source).await;
}

/// Checks a source that fails with a kind of error.
///
/// # Panics
///
/// If the source breaks the contract, answers, or fails with another kind.
pub async fn check_failing(source: &dyn MetricsSource, kind: ErrorKind) {
    display_is_one_line(source);
    errors_tell_what_happened(source, kind).await;
    concurrent_scrapes_fail_alike(source, kind).await;
}

/// Checks that a decorator forwards the organization and shows what it wraps.
///
/// What it does with answers and errors of the inner source depends on the decorator; call [`check`] and
/// [`check_failing`] on the decorator as well.
///
/// # Panics
///
/// If the decorator names another organization, or its `Display` does not contain that of the inner source.
pub fn check_wrapper(wrapper: &dyn MetricsSource, inner: &dyn MetricsSource) {
    let (outside, inside) = (wrapper.organization(), inner.organization());
    assert!(
        outside == inside,
        "{wrapper}: is of organization `{outside}` and wraps a source of `{inside}`"
    );
    let shown = inner.to_string();
    assert!(
        wrapper.to_string().contains(&shown),
        "{wrapper}: does not show what it wraps, `{shown}`"
    );
}

/// Checks that a secret is neither in the source's `Display` and `Debug` nor in the error of a scrape, if it fails.
///
/// # Panics
///
/// If the secret is in one of them. The message says in which, without quoting it.
pub async fn check_secret(source: &dyn MetricsSource, secret: &str) {
    let hides_it = |what: &str, text: &str| {
        assert!(!text.contains(secret), "the secret is in the {what}");
    };
    hides_it("Display of the source", &source.to_string());
    hides_it("Debug of the source", &format!("{source:?}{source:#?}"));
    if let Err(error) = scrape(source).await {
        hides_it("Display of an error or its causes", &chain(&error));
        hides_it("Debug of an error", &format!("{error:?}{error:#?}"));
        hides_it("body of an error", error.body().unwrap_or_default());
    }
}

/// Checks that the `Display` of a source, which is for logs, is one line and not empty.
///
/// # Panics
///
/// If it is not.
pub fn display_is_one_line(source: &dyn MetricsSource) {
    let shown = source.to_string();
    assert!(!shown.trim().is_empty(), "{source:?}: the Display is empty");
    assert!(
        !shown.contains(char::is_control),
        "{shown:?}: the Display is more than one line of text"
    );
}

/// Checks that every snapshot is of the organization of the source, which stays the same.
///
/// # Panics
///
/// If it is not, or the source fails.
pub async fn snapshots_are_of_the_organization(source: &dyn MetricsSource) {
    let before = source.organization().clone();
    let snapshot = expect_snapshot(source).await;
    let after = source.organization();
    assert!(
        before == *after,
        "{source}: the organization was `{before}` and is `{after}` after a scrape"
    );
    let got = snapshot.organization();
    assert!(
        *got == before,
        "{source}: a snapshot is of organization `{got}` and the source of `{before}`"
    );
}

/// Checks that two scrapes in a row say the same; only the time of the scrape may differ.
///
/// # Panics
///
/// If they differ, or the source fails.
pub async fn repeated_scrapes_agree(source: &dyn MetricsSource) {
    let first = expect_snapshot(source).await;
    let second = expect_snapshot(source).await;
    assert_agree(source, "two scrapes in a row", &first, &second);
}

/// Checks that scrapes at the same time say the same as one alone; only the time of the scrape may differ.
///
/// # Panics
///
/// If they differ, or the source fails.
pub async fn concurrent_scrapes_agree(source: &dyn MetricsSource) {
    let alone = expect_snapshot(source).await;
    let scrapes = iter::repeat_with(|| expect_snapshot(source)).take(CONCURRENT_SCRAPES);
    for snapshot in join_all(scrapes).await {
        assert_agree(source, "a scrape alone and one of many", &alone, &snapshot);
    }
}

/// Checks that a source answers as before after scrapes that were dropped at each of their first await points.
///
/// # Panics
///
/// If it does not.
pub async fn dropped_scrapes_leave_the_source_usable(source: &dyn MetricsSource) {
    let before = expect_snapshot(source).await;
    for awaits in 0..MOST_AWAITS {
        let ended = drop_after(awaits, source).await;
        let after = expect_snapshot(source).await;
        assert_agree(
            source,
            "scrapes before and after one that was dropped",
            &before,
            &after,
        );
        if ended {
            break;
        }
    }
}

/// Checks that a failing scrape has the kind, the organization and a text of sensible length.
///
/// # Panics
///
/// If it has not, or the source answers.
pub async fn errors_tell_what_happened(source: &dyn MetricsSource, kind: ErrorKind) {
    let error = expect_error(source).await;
    assert_kind(source, kind, &error);
    let organization = source.organization();
    match error.organization() {
        Some(named) if named == organization => {}
        Some(named) => panic!(
            "{source}: an error is of organization `{named}` and the source of `{organization}`"
        ),
        None => panic!("{source}: an error does not carry the organization: {error}"),
    }
    assert!(
        !error.message().trim().is_empty(),
        "{source}: an error has no message"
    );
    let length = chain(&error).len();
    assert!(
        length <= LONGEST_ERROR,
        "{source}: an error and its causes have {length} bytes of text, more than {LONGEST_ERROR}"
    );
}

/// Checks that all of many scrapes at the same time fail with the kind.
///
/// # Panics
///
/// If one of them does not.
pub async fn concurrent_scrapes_fail_alike(source: &dyn MetricsSource, kind: ErrorKind) {
    let scrapes = iter::repeat_with(|| expect_error(source)).take(CONCURRENT_SCRAPES);
    for error in join_all(scrapes).await {
        assert_kind(source, kind, &error);
    }
}

async fn scrape(source: &dyn MetricsSource) -> Result<Snapshot> {
    let Ok(answer) = timeout(LONGEST_SCRAPE, source.scrape()).await else {
        panic!("{source}: a scrape did not end within {LONGEST_SCRAPE:?}");
    };
    answer
}

async fn expect_snapshot(source: &dyn MetricsSource) -> Snapshot {
    match scrape(source).await {
        Ok(snapshot) => snapshot,
        Err(error) => panic!("{source}: a scrape failed: {}", chain(&error)),
    }
}

async fn expect_error(source: &dyn MetricsSource) -> Error {
    match scrape(source).await {
        Ok(_) => panic!("{source}: a scrape succeeded and should have failed"),
        Err(error) => error,
    }
}

fn assert_kind(source: &dyn MetricsSource, kind: ErrorKind, error: &Error) {
    let got = error.kind();
    assert!(
        got == kind,
        "{source}: an error is of kind {got} and should be of {kind}: {}",
        chain(error)
    );
}

fn assert_agree(source: &dyn MetricsSource, which: &str, a: &Snapshot, b: &Snapshot) {
    if let Some(difference) = first_difference(a, b) {
        panic!("{source}: {which} differ: {difference}");
    }
}

fn first_difference(a: &Snapshot, b: &Snapshot) -> Option<String> {
    let (number_a, number_b) = (a.streams().len(), b.streams().len());
    if number_a != number_b {
        return Some(format!("{number_a} streams, then {number_b}"));
    }
    let mut streams = iter::zip(a.streams(), b.streams());
    if let Some((a, b)) = streams.find(|(a, b)| a != b) {
        return Some(format!("{a:?}, then {b:?}"));
    }
    let (odd_a, odd_b) = (a.anomalies(), b.anomalies());
    (odd_a != odd_b).then(|| format!("{odd_a:?}, then {odd_b:?}"))
}

/// Returns the texts of an error and all its causes.
fn chain(error: &Error) -> String {
    let causes = iter::successors(Some(error as &dyn StdError), |&error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

/// Scrapes and drops the scrape where it waits after this number of waits. Returns whether it ended before.
async fn drop_after(awaits: usize, source: &dyn MetricsSource) -> bool {
    let mut scrape = source.scrape();
    let mut left = awaits;
    let until_dropped = poll_fn(|context| match scrape.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    });
    timeout(LONGEST_SCRAPE, until_dropped)
        .await
        .unwrap_or(false)
}

/// Runs futures at the same time, on one task because they borrow the source.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    let mut outputs = Vec::with_capacity(running.len());
    poll_fn(|context| {
        running.retain_mut(|future| match future.as_mut().poll(context) {
            Poll::Ready(output) => {
                outputs.push(output);
                false
            }
            Poll::Pending => true,
        });
        if running.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    outputs
}
