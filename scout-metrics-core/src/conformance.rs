//! Checks that every [`MetricsSource`] must pass, for the tests of backends and decorators.
//!
//! The documentation of [`MetricsSource`] is the contract. The checks cover the parts of it that are visible from
//! outside: [`check`] is for a source that answers, [`check_failing`] for one that fails, [`check_wrapper`] for a
//! decorator and the source it wraps, [`check_secret`] for a source that holds a secret. They consist of smaller
//! checks, which can also be called individually. A check that fails panics with a sentence that starts with the `Display` of
//! the source.
//!
//! The data of the source must not change during a check, and the tokio runtime must have its timer enabled: a scrape
//! that takes longer than [60 seconds](LONGEST_SCRAPE) fails the check.
//!
//! # Stability
//!
//! The feature `conformance` is not covered by semantic versioning: any release may add checks, make them stricter,
//! and change this module's functions and messages. Use it only as a dev-dependency.
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

use std::{future::poll_fn, iter, task::Poll, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;

pub use crate::history::conformance as history;
use crate::{Error, ErrorKind, MetricsSource, Result, Snapshot};

/// How long a check waits for a scrape: one and a half times the 40 seconds after which Docker's sample configuration,
/// and the client for Docker Scout by default, give up.
pub const LONGEST_SCRAPE: Duration = Duration::from_secs(60);

/// The maximum size in bytes of the text of an error with all its causes.
const LONGEST_ERROR: usize = 20_000;

const CONCURRENT_SCRAPES: usize = 16;

/// The number of await points of a scrape at which it is dropped.
const MOST_AWAITS: usize = 16;

/// Checks a source that answers.
///
/// # Panics
///
/// If the source breaks the contract or fails.
pub async fn check(source: &dyn MetricsSource) {
    display_is_one_line(source);
    snapshots_are_of_the_organization(source).await;
    repeated_scrapes_agree(source).await;
    concurrent_scrapes_agree(source).await;
    dropped_scrapes_leave_the_source_usable(source).await;
}

/// Checks a source that fails with this kind of error.
///
/// # Panics
///
/// If the source breaks the contract, answers, or fails with another kind.
pub async fn check_failing(source: &dyn MetricsSource, kind: ErrorKind) {
    display_is_one_line(source);
    errors_tell_what_happened(source, kind).await;
    concurrent_scrapes_fail_alike(source, kind).await;
}

/// Checks that a decorator forwards the organization of the inner source and includes it in its `Display`.
///
/// Decorators differ in what they do with answers and errors of the inner source; call [`check`] and
/// [`check_failing`] on the decorator as well.
///
/// # Panics
///
/// If the decorator has another organization, or its `Display` does not contain that of the inner source.
pub fn check_wrapper(wrapper: &dyn MetricsSource, inner: &dyn MetricsSource) {
    let (outside, inside) = (wrapper.organization(), inner.organization());
    assert!(
        outside == inside,
        "{wrapper}: has organization `{outside}` but wraps a source of `{inside}`"
    );
    let shown = inner.to_string();
    assert!(
        wrapper.to_string().contains(&shown),
        "{wrapper}: the Display does not contain that of the inner source, `{shown}`"
    );
}

/// Checks that a secret is not in the `Display` or `Debug` of the source, nor in the error if a scrape fails.
///
/// # Panics
///
/// If the secret is in one of them. The message says where, without quoting the secret.
pub async fn check_secret(source: &dyn MetricsSource, secret: &str) {
    let hides_it = |what: &str, text: &str| {
        assert!(!text.contains(secret), "the secret is in the {what}");
    };
    hides_it("Display of the source", &source.to_string());
    hides_it("Debug of the source", &format!("{source:?}{source:#?}"));
    if let Err(error) = scrape(source).await {
        hides_it(
            "Display of an error or its causes",
            &error.chain().to_string(),
        );
        hides_it("Debug of an error", &format!("{error:?}{error:#?}"));
        hides_it("body of an error", error.body().unwrap_or_default());
    }
}

/// Checks that the `Display` of a source, which is for logs, is one line and not empty.
///
/// # Panics
///
/// If it is empty or contains a control character.
pub fn display_is_one_line(source: &dyn MetricsSource) {
    let shown = source.to_string();
    assert!(!shown.trim().is_empty(), "{source:?}: the Display is empty");
    assert!(
        !shown.contains(char::is_control),
        "{shown:?}: the Display contains a control character"
    );
}

/// Checks that snapshots have the organization of the source, and that the organization of the source stays the same.
///
/// # Panics
///
/// If the organizations differ or the source fails.
pub async fn snapshots_are_of_the_organization(source: &dyn MetricsSource) {
    let before = source.organization().clone();
    let snapshot = expect_snapshot(source).await;
    let after = source.organization();
    assert!(
        before == *after,
        "{source}: the organization changed from `{before}` to `{after}` during a scrape"
    );
    let got = snapshot.organization();
    assert!(
        *got == before,
        "{source}: expected a snapshot of organization `{before}`, found one of `{got}`"
    );
}

/// Checks that two consecutive scrapes return the same data; only the time of the scrape may differ.
///
/// # Panics
///
/// If the snapshots differ or the source fails.
pub async fn repeated_scrapes_agree(source: &dyn MetricsSource) {
    let first = expect_snapshot(source).await;
    let second = expect_snapshot(source).await;
    assert_agree(source, "two consecutive scrapes", &first, &second);
}

/// Checks that concurrent scrapes return the same data as a single one; only the time of the scrape may differ.
///
/// # Panics
///
/// If the snapshots differ or the source fails.
pub async fn concurrent_scrapes_agree(source: &dyn MetricsSource) {
    let alone = expect_snapshot(source).await;
    let scrapes = iter::repeat_with(|| expect_snapshot(source)).take(CONCURRENT_SCRAPES);
    for snapshot in join_all(scrapes).await {
        assert_agree(
            source,
            "a single scrape and a concurrent one",
            &alone,
            &snapshot,
        );
    }
}

/// Checks that dropping a scrape at one of its first 16 await points does not change what the source answers.
///
/// # Panics
///
/// If the snapshots before and after differ or the source fails.
pub async fn dropped_scrapes_leave_the_source_usable(source: &dyn MetricsSource) {
    let before = expect_snapshot(source).await;
    for awaits in 0..MOST_AWAITS {
        let ended = drop_after(awaits, source).await;
        let after = expect_snapshot(source).await;
        assert_agree(
            source,
            "scrapes before and after a dropped one",
            &before,
            &after,
        );
        if ended {
            break;
        }
    }
}

/// Checks that the error of a scrape has this kind, the organization of the source, a message, and a bounded length.
///
/// # Panics
///
/// If it does not, or the source answers.
pub async fn errors_tell_what_happened(source: &dyn MetricsSource, kind: ErrorKind) {
    let error = expect_error(source).await;
    assert_kind(source, kind, &error);
    let organization = source.organization();
    match error.organization() {
        Some(named) if named == organization => {}
        Some(named) => panic!(
            "{source}: expected an error of organization `{organization}`, found one of `{named}`"
        ),
        None => panic!("{source}: an error has no organization: {error}"),
    }
    assert!(
        !error.message().trim().is_empty(),
        "{source}: an error has no message"
    );
    let length = error.chain().to_string().len();
    assert!(
        length <= LONGEST_ERROR,
        "{source}: the text of an error and its causes has {length} bytes, more than {LONGEST_ERROR}"
    );
}

/// Checks that concurrent scrapes all fail with this kind.
///
/// # Panics
///
/// If one of them answers or fails with another kind.
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
        Err(error) => panic!("{source}: a scrape failed: {}", error.chain()),
    }
}

async fn expect_error(source: &dyn MetricsSource) -> Error {
    match scrape(source).await {
        Ok(_) => panic!("{source}: expected a scrape to fail, but it succeeded"),
        Err(error) => error,
    }
}

fn assert_kind(source: &dyn MetricsSource, kind: ErrorKind, error: &Error) {
    let got = error.kind();
    assert!(
        got == kind,
        "{source}: expected an error of kind {kind}, found {got}: {}",
        error.chain()
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
    let (anomalies_a, anomalies_b) = (a.anomalies(), b.anomalies());
    (anomalies_a != anomalies_b).then(|| format!("{anomalies_a:?}, then {anomalies_b:?}"))
}

/// Starts a scrape and drops it at its next wait after this number of waits. Returns whether it ended before that.
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
