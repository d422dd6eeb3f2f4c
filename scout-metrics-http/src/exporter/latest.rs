//! What is made of the latest state, once for all who ask for it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{sync::OnceCell, task::spawn_blocking};

/// What was made of one state, by key, and is forgotten when there is another.
///
/// What is to be made may take long: it is made on a thread where nobody is served, and no lock is held meanwhile.
pub(super) struct Latest<S, K, V> {
    is_same: fn(&S, &S) -> bool,
    made: Mutex<Made<S, K, V>>,
}

struct Made<S, K, V> {
    state: Option<S>,
    cells: Vec<(K, Arc<OnceCell<V>>)>,
}

impl<S, K, V> Latest<S, K, V>
where
    S: Clone + Send + Sync + 'static,
    K: Copy + PartialEq + Send,
    V: Clone + Send + Sync + 'static,
{
    pub(super) fn new(is_same: fn(&S, &S) -> bool) -> Self {
        Self {
            is_same,
            made: Mutex::new(Made {
                state: None,
                cells: Vec::new(),
            }),
        }
    }

    /// Returns what a state makes for a key. Those who ask for it while it is made wait for it.
    pub(super) async fn get(
        &self,
        state: &S,
        key: K,
        make: impl FnOnce(&S) -> V + Send + 'static,
    ) -> V {
        let cell = self.cell(state, key);
        if let Some(value) = cell.get() {
            return value.clone();
        }
        let state = state.clone();
        let made = async move { spawn_blocking(move || make(&state)).await };
        // A task of its own, so that it goes on when the client leaves for whom it was started.
        let task = tokio::spawn(async move { cell.get_or_try_init(|| made).await.cloned() });
        task.await
            .and_then(|made| made)
            .expect("a snapshot can be written, and the runtime runs as long as it serves")
    }

    fn cell(&self, state: &S, key: K) -> Arc<OnceCell<V>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made
            .state
            .as_ref()
            .is_some_and(|of| (self.is_same)(of, state))
        {
            made.state = Some(state.clone());
            made.cells.clear();
        }
        if let Some((_, cell)) = made.cells.iter().find(|(of, _)| *of == key) {
            return Arc::clone(cell);
        }
        let cell = Arc::default();
        made.cells.push((key, Arc::clone(&cell)));
        cell
    }
}

impl<S, K, V> fmt::Debug for Latest<S, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latest").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        time::Duration,
    };

    use tokio::{task::yield_now, time::timeout};

    fn latest() -> Arc<Latest<u8, char, String>> {
        Arc::new(Latest::new(u8::eq))
    }

    #[tokio::test]
    async fn each_state_and_key_is_made_once() {
        let (latest, count) = (latest(), Arc::new(AtomicUsize::new(0)));
        let get = async |state: u8, key: char| {
            let count = Arc::clone(&count);
            let make = move |state: &u8| {
                count.fetch_add(1, Ordering::Relaxed);
                format!("{state}{key}")
            };
            latest.get(&state, key, make).await
        };
        for (state, key, made, times) in [
            (1, 'a', "1a", 1),
            (1, 'b', "1b", 2),
            (1, 'a', "1a", 2),
            (2, 'a', "2a", 3),
            (2, 'a', "2a", 3),
        ] {
            assert_eq!(get(state, key).await, made);
            assert_eq!(count.load(Ordering::Relaxed), times);
        }
    }

    /// One thread serves here, so this hangs if what is made is made on it.
    #[tokio::test]
    async fn who_waits_holds_nobody_up_and_who_leaves_does_not_end_it() {
        let latest = latest();
        let (go, wait) = mpsc::channel();
        let slow = {
            let latest = Arc::clone(&latest);
            tokio::spawn(async move {
                let make = move |_: &u8| {
                    wait.recv().expect("the test sends");
                    "slow".to_owned()
                };
                latest.get(&1, 'a', make).await
            })
        };
        yield_now().await;
        assert_eq!(latest.get(&1, 'b', |_| "quick".to_owned()).await, "quick");

        let again = || latest.get(&1, 'a', |_| panic!("it is made twice"));
        assert!(timeout(Duration::from_millis(1), again()).await.is_err());
        slow.abort();
        go.send(()).unwrap();
        assert_eq!(again().await, "slow");
    }

    #[tokio::test]
    async fn what_panics_is_tried_again() {
        let latest = latest();
        let failed = Arc::clone(&latest);
        let failed =
            tokio::spawn(async move { failed.get(&1, 'a', |_| panic!("by design")).await });
        assert!(failed.await.unwrap_err().is_panic());
        assert_eq!(latest.get(&1, 'a', |_| "good".to_owned()).await, "good");
    }
}
