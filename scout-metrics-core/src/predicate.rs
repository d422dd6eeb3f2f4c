//! Closures of callers, called so that a panic in them does no harm.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tracing::error;

use crate::{Error, Organization};

/// Decides whether other data may be served in place of an error.
#[derive(Clone)]
pub(crate) struct ErrorPredicate(Arc<dyn Fn(&Error) -> bool + Send + Sync>);

impl ErrorPredicate {
    pub(crate) fn new(predicate: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(predicate))
    }

    /// Returns what the predicate returns, or `false` if it panics. Must not be called under a lock.
    pub(crate) fn accepts(&self, error: &Error, organization: &Organization) -> bool {
        call(organization, "predicate", || (self.0)(error)).unwrap_or(false)
    }
}

impl Default for ErrorPredicate {
    /// Accepts every error except those that say that access was denied.
    fn default() -> Self {
        Self::new(|error| !error.is_denied())
    }
}

/// Calls a closure of the caller and logs a panic, also while the thread unwinds from another one.
///
/// Leaves out the message of the panic, which may contain a secret and has been passed to the panic hook.
pub(crate) fn call<T>(
    organization: &Organization,
    name: &str,
    closure: impl FnOnce() -> T,
) -> Option<T> {
    // Unwind safe: nothing of ours is changed while the closure runs.
    let result = catch_unwind(AssertUnwindSafe(closure));
    if result.is_err() {
        error!(%organization, "the {name} panicked, which is a bug in it");
    }
    result.ok()
}
