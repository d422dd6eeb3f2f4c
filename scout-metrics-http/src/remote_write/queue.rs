//! The samples that wait to be written, within bounds of memory and time.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{
    batch::{Batch, BatchLimits, Write},
    stats::DropReason,
};

/// Samples that were removed without being written.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Dropped {
    pub(super) full: usize,
    pub(super) too_old: usize,
}

impl Dropped {
    /// Returns the numbers with their reasons.
    pub(super) fn by_reason(&self) -> [(DropReason, usize); 2] {
        [
            (DropReason::QueueFull, self.full),
            (DropReason::TooOld, self.too_old),
        ]
    }
}

/// The oldest writes first.
#[derive(Debug)]
pub(super) struct Queue {
    writes: VecDeque<Write>,
    /// How many samples of the first write have been taken.
    taken: usize,
    samples: usize,
    memory: usize,
    max_memory: usize,
    max_age: Duration,
}

impl Queue {
    pub(super) fn new(max_memory: usize, max_age: Duration) -> Self {
        Self {
            writes: VecDeque::new(),
            taken: 0,
            samples: 0,
            memory: 0,
            max_memory,
            max_age,
        }
    }

    /// Returns how many samples wait.
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// Returns about how many bytes of memory the queue needs.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Returns when the oldest samples were queued.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.writes.front().map(|write| write.queued)
    }

    /// Adds a write at the end. Removes the oldest ones if they are too old or there is not enough room, but never the
    /// one that was added.
    pub(super) fn push(&mut self, write: Write) -> Dropped {
        let now = write.queued;
        let mut dropped = Dropped {
            too_old: self.expire(now),
            ..Dropped::default()
        };
        if write.len() == 0 {
            return dropped;
        }
        self.samples += write.len();
        self.memory += write.memory();
        self.writes.push_back(write);
        while self.memory > self.max_memory && self.writes.len() > 1 {
            dropped.full += self.pop_first();
        }
        dropped
    }

    /// Takes the oldest samples, as many as fit into a request. Returns an empty batch if none wait.
    pub(super) fn take(&mut self, limits: BatchLimits, now: Instant) -> (Batch, Dropped) {
        let dropped = Dropped {
            too_old: self.expire(now),
            ..Dropped::default()
        };
        let mut batch = Batch::default();
        while let Some(write) = self.writes.front() {
            let added = batch.add(write, self.taken, limits);
            if added == 0 {
                break;
            }
            self.taken += added;
            self.samples -= added;
            if self.taken == write.len() {
                self.pop_first();
            }
        }
        (batch, dropped)
    }

    /// Removes everything and returns how many samples that was.
    pub(super) fn clear(&mut self) -> usize {
        let mut removed = 0;
        while !self.writes.is_empty() {
            removed += self.pop_first();
        }
        removed
    }

    fn expire(&mut self, now: Instant) -> usize {
        let mut expired = 0;
        while let Some(write) = self.writes.front() {
            if now.saturating_duration_since(write.queued) <= self.max_age {
                break;
            }
            expired += self.pop_first();
        }
        expired
    }

    /// Removes the first write and returns how many of its samples had not been taken.
    fn pop_first(&mut self) -> usize {
        let Some(write) = self.writes.pop_front() else {
            return 0;
        };
        let left = write.len() - self.taken;
        self.samples -= left;
        self.memory -= write.memory();
        self.taken = 0;
        left
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use proptest::{collection, prelude::*};

    use super::{
        super::{
            batch::Rows,
            table::Table,
            testing::{LIMITS, snapshot},
            tracker,
        },
        *,
    };

    fn table(streams: usize) -> Arc<Table> {
        let names: Vec<String> = (0..streams).map(|number| format!("s{number}")).collect();
        let streams: Vec<(&str, u64)> = names.iter().map(|name| (&**name, 1)).collect();
        Arc::new(tracker::table(&snapshot("acme", &streams), &[]).unwrap())
    }

    fn write(table: &Arc<Table>, group: usize, at: i64) -> Write {
        Write {
            table: Arc::clone(table),
            rows: Rows::All,
            at,
            group,
            queued: Instant::now(),
            is_repeat: at > 0,
        }
    }

    #[test]
    fn a_request_is_bounded_in_bytes_but_never_empty() {
        let table = table(10);
        let mut queue = Queue::new(usize::MAX, Duration::MAX);
        queue.push(write(&table, 0, 0));
        let mut sizes = Vec::new();
        for bytes in [0, 1, 500, usize::MAX] {
            let limits = BatchLimits {
                samples: 1000,
                bytes,
            };
            sizes.push(queue.take(limits, Instant::now()).0.samples());
        }
        assert_eq!(sizes, [1, 1, 2, 16]);
    }

    #[test]
    fn a_request_has_no_series_twice() {
        let table = table(1);
        let mut queue = Queue::new(usize::MAX, Duration::MAX);
        for (group, at) in [(0, 0), (1, 0), (0, 1), (1, 1), (1, 2)] {
            queue.push(write(&table, group, at));
        }
        let mut groups = || queue.take(LIMITS, Instant::now()).0.parts.len();
        assert_eq!([groups(), groups(), groups(), groups()], [2, 2, 1, 0]);
    }

    #[test]
    fn what_was_added_last_is_kept_even_if_it_is_too_large() {
        let table = table(10);
        let mut queue = Queue::new(1, Duration::MAX);
        assert_eq!(queue.push(write(&table, 0, 0)), Dropped::default());
        assert_eq!(
            queue.push(write(&table, 0, 1)),
            Dropped {
                full: 20,
                too_old: 0
            }
        );
        assert_eq!(queue.samples(), 20);
    }

    proptest! {
        /// Whatever is pushed and taken, each sample is taken or dropped once, those of a group in the order of their times.
        #[test]
        fn nothing_is_lost_or_out_of_order(
            steps in collection::vec((0..3_usize, 0..4_usize, 1..30_usize, any::<bool>()), 1..60),
            max_memory in 1..20_000_usize,
        ) {
            let tables: Vec<_> = (0..4).map(table).collect();
            let mut queue = Queue::new(max_memory, Duration::MAX);
            let (mut pushed, mut taken, mut dropped) = (0, 0, 0);
            let mut last: HashMap<usize, i64> = HashMap::new();
            let mut check = |batch: &Batch| {
                for part in &batch.parts {
                    let before = last.insert(part.write.group, part.write.at);
                    assert!(before.is_none_or(|before| before <= part.write.at));
                }
                batch.samples()
            };
            for (at, (group, size, samples, is_push)) in (0..).zip(steps) {
                if is_push {
                    let write = write(&tables[size], group, at);
                    pushed += write.len();
                    dropped += queue.push(write).full;
                } else {
                    let limits = BatchLimits { samples, ..LIMITS };
                    let (batch, _) = queue.take(limits, Instant::now());
                    assert!(batch.samples() <= samples);
                    taken += check(&batch);
                }
                prop_assert_eq!(pushed, taken + dropped + queue.samples());
            }
            while queue.samples() > 0 {
                taken += check(&queue.take(LIMITS, Instant::now()).0);
            }
            prop_assert_eq!((pushed, queue.memory()), (taken + dropped, 0));
        }
    }
}
