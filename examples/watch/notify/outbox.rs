//! A task that delivers messages, so that a slow receiver delays neither scrapes nor what is printed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{sync::Notify, task::JoinSet};

use scout_metrics_core::Snapshot;

use super::Notifier;

/// The snapshots that are still to be told. Dropping it stops the delivery.
#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: Arc<Waiting>,
    _task: JoinSet<()>,
}

/// At most one snapshot for each organization, the oldest first.
#[derive(Debug, Default)]
struct Waiting {
    snapshots: Mutex<VecDeque<Snapshot>>,
    arrived: Notify,
}

impl Outbox {
    pub(crate) fn start(mut notifier: Notifier) -> Self {
        let waiting = Arc::new(Waiting::default());
        let receiver = Arc::clone(&waiting);
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                notifier.tell(&receiver.next().await).await;
            }
        });
        Self {
            waiting,
            _task: task,
        }
    }

    /// Adds a snapshot, in place of an earlier one of the organization: the notifier compares with what was told.
    pub(crate) fn put(&self, snapshot: Snapshot) {
        self.waiting.put(snapshot);
    }
}

impl Waiting {
    fn put(&self, snapshot: Snapshot) {
        self.with(|snapshots| {
            let mut known = snapshots.iter_mut();
            match known.find(|known| known.organization() == snapshot.organization()) {
                Some(known) => *known = snapshot,
                None => snapshots.push_back(snapshot),
            }
        });
        self.arrived.notify_one();
    }

    async fn next(&self) -> Snapshot {
        loop {
            if let Some(snapshot) = self.with(VecDeque::pop_front) {
                return snapshot;
            }
            self.arrived.notified().await;
        }
    }

    fn with<T>(&self, action: impl FnOnce(&mut VecDeque<Snapshot>) -> T) -> T {
        // No panic can happen while it is locked.
        action(
            &mut self
                .snapshots
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

#[cfg(test)]
mod tests {
    use scout_metrics_core::{Organization, Stream};

    use super::*;

    fn snapshot(organization: &str, counts: &str) -> Snapshot {
        let organization = Organization::new(organization).unwrap();
        let production = Stream::new("production").with_vulnerabilities(counts.parse().unwrap());
        Snapshot::new(organization, [production]).unwrap()
    }

    #[tokio::test]
    async fn a_newer_snapshot_takes_the_place_of_an_older_one_of_the_organization() {
        let waiting = Waiting::default();
        for (organization, counts) in [("acme", "1C"), ("apex", "2C"), ("acme", "3C")] {
            waiting.put(snapshot(organization, counts));
        }
        let (first, second) = (waiting.next().await, waiting.next().await);
        assert_eq!(first.streams(), snapshot("acme", "3C").streams());
        assert_eq!(second.organization().as_str(), "apex");
        assert!(waiting.with(|snapshots| snapshots.is_empty()));
    }
}
