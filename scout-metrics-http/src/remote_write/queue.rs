//! What waits to be written, within bounds of memory and time.

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
