//! Waiting for other programs.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Tries until there is a result, and panics if that takes too long.
pub(crate) fn until<T>(
    patience: Duration,
    what: &str,
    mut attempt: impl FnMut() -> Option<T>,
) -> T {
    let begin = Instant::now();
    while begin.elapsed() < patience {
        if let Some(found) = attempt() {
            return found;
        }
        // No test can pause the clock of another program, and none of them reports when it is done.
        thread::sleep(Duration::from_millis(50));
    }
    panic!("still not after {patience:?}: {what}");
}
