//! The state of one organization.

use std::time::Duration;

use scout_metrics_core::{Error, ErrorKind, Organization, RefreshStatus, Snapshot, Stream};

use super::{Past, Summary};

/// Docker Scout computes its metrics once an hour, and a poller asks once an hour. What is older has been missed.
const OLD: Duration = Duration::from_secs(2 * 3600 + 600);

/// The state of one organization.
#[derive(Debug)]
pub(crate) struct OrganizationState {
    pub(crate) organization: Organization,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) freshness: Freshness,
    pub(crate) past: Past,
    pub(crate) summary: Summary,
}

/// The last answer of a poller.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) organization: Organization,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) freshness: Freshness,
}

/// How old the data is, and whether newer data can be fetched.
#[derive(Clone, Debug, Default)]
pub(crate) struct Freshness {
    pub(crate) age: Option<Duration>,
    pub(crate) is_refreshing: bool,
    pub(crate) failures: u32,
    pub(crate) error: Option<Error>,
    pub(crate) next_in: Option<Duration>,
}

/// Whether the data of an organization can be relied on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Health {
    /// The server fails, and an earlier answer may be shown.
    Failing,
    Fine,
    Old,
    /// The server does not admit the token, or does not know the organization.
    Refused,
    Waiting,
}

impl OrganizationState {
    pub(super) fn new(organization: Organization) -> Self {
        Self {
            organization,
            snapshot: None,
            freshness: Freshness::default(),
            past: Past::default(),
            summary: Summary::default(),
        }
    }

    /// Replaces the snapshot, and returns whether it is another one.
    pub(super) fn set_snapshot(&mut self, snapshot: Option<Snapshot>) -> bool {
        let is_same = match (&self.snapshot, &snapshot) {
            (Some(old), Some(new)) => old.is_same(new),
            (None, None) => true,
            _ => false,
        };
        if !is_same {
            self.snapshot = snapshot;
            self.summary = Summary::new(self.streams(), &self.past);
        }
        !is_same
    }

    pub(super) fn set_past(&mut self, past: Past) {
        self.past = past;
        self.summary = Summary::new(self.streams(), &self.past);
    }

    pub(crate) fn health(&self) -> Health {
        let kind = self.freshness.error.as_ref().map(Error::kind);
        match kind {
            Some(ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::NotFound) => {
                Health::Refused
            }
            Some(_) => Health::Failing,
            None if self.snapshot.is_none() => Health::Waiting,
            None if self.freshness.age.is_some_and(|age| age > OLD) => Health::Old,
            None => Health::Fine,
        }
    }

    /// Returns the streams, or nothing without a snapshot.
    pub(crate) fn streams(&self) -> &[Stream] {
        self.snapshot.as_ref().map_or(&[], Snapshot::streams)
    }
}

impl From<RefreshStatus> for Freshness {
    fn from(status: RefreshStatus) -> Self {
        Self {
            age: status.age(),
            is_refreshing: status.is_refreshing(),
            failures: status.failures(),
            error: status.last_error().cloned(),
            next_in: status.next_in(),
        }
    }
}
