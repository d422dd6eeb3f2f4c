//! The samples of one time, and requests made of them.

use std::{ops::Range, sync::Arc};

use tokio::time::Instant;

use super::table::{Row, Table};

/// The value of a sample that says that its series has ended, in both specifications.
pub(super) const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Samples of one group of series at one time.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) table: Arc<Table>,
    pub(super) rows: Rows,
    /// The time of samples that have none of their own, in milliseconds since 1970.
    pub(super) at: i64,
    /// The organization by its number. Two groups have no series in common.
    pub(super) group: usize,
    pub(super) queued: Instant,
    /// Whether an earlier write has the same table, which then needs no more memory.
    pub(super) is_repeat: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Rows {
    /// All rows of the table.
    All,
    /// The ends of the series in these rows.
    Stale(Arc<[u32]>),
}

impl Write {
    pub(super) fn len(&self) -> usize {
        match &self.rows {
            Rows::All => self.table.rows.len(),
            Rows::Stale(rows) => rows.len(),
        }
    }

    /// Returns about how many bytes of memory it needs.
    pub(super) fn memory(&self) -> usize {
        let table = if self.is_repeat {
            0
        } else {
            self.table.memory()
        };
        let rows = match &self.rows {
            Rows::All => 0,
            Rows::Stale(rows) => size_of_val(&**rows),
        };
        size_of::<Self>() + table + rows
    }

    fn row(&self, place: usize) -> (u32, &Row) {
        let row = match &self.rows {
            Rows::All => place as u32,
            Rows::Stale(rows) => rows[place],
        };
        (row, &self.table.rows[row as usize])
    }
}

/// A part of a write.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) write: Write,
    pub(super) places: Range<usize>,
}

/// One sample of a part.
pub(super) struct Point<'a> {
    pub(super) table: &'a Table,
    pub(super) number: u32,
    pub(super) row: &'a Row,
    pub(super) value: f64,
    pub(super) timestamp: i64,
}

impl Part {
    pub(super) fn whole(write: Write) -> Self {
        let places = 0..write.len();
        Self { write, places }
    }

    pub(super) fn points(&self) -> impl Iterator<Item = Point<'_>> {
        self.places.clone().map(|place| {
            let (number, row) = self.write.row(place);
            let at = self.write.at;
            let (value, timestamp) = match self.write.rows {
                Rows::All => (row.value, row.timestamp.unwrap_or(at)),
                Rows::Stale(_) => (STALE, at),
            };
            Point {
                table: &self.write.table,
                number,
                row,
                value,
                timestamp,
            }
        })
    }
}

/// The samples of one request. No series is in it twice.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) parts: Vec<Part>,
    samples: usize,
    bytes: usize,
}

/// The maximum size of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchLimits {
    pub(super) samples: usize,
    /// Before compression. A request has at least one sample, however large that is.
    pub(super) bytes: usize,
}

impl Batch {
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// Returns when its oldest samples were queued.
    pub(super) fn queued(&self) -> Option<Instant> {
        self.parts.iter().map(|part| part.write.queued).min()
    }

    /// Adds samples of a write from a place on, and returns how many fit.
    pub(super) fn add(&mut self, write: &Write, from: usize, limits: BatchLimits) -> usize {
        let other_time = |part: &Part| part.write.group == write.group && part.write.at != write.at;
        if self.parts.iter().any(other_time) {
            return 0;
        }
        let mut end = from;
        while end < write.len() && self.samples < limits.samples {
            let size = write.table.wire_size(write.row(end).1);
            if self.samples > 0 && self.bytes + size > limits.bytes {
                break;
            }
            self.bytes += size;
            self.samples += 1;
            end += 1;
        }
        if end > from {
            self.parts.push(Part {
                write: write.clone(),
                places: from..end,
            });
        }
        end - from
    }

    /// Removes what was queued before a time, and returns how many samples that was.
    pub(super) fn expire(&mut self, oldest: Instant) -> usize {
        let mut expired = 0;
        self.parts.retain(|part| {
            let is_kept = part.write.queued >= oldest;
            if !is_kept {
                expired += part.places.len();
            }
            is_kept
        });
        self.samples -= expired;
        expired
    }
}
