//! The outcomes of the fetches of each organization.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use scout_metrics_core::{AnomalyKind, Error, Observation, Organization, Snapshot};

use super::histogram::Histogram;

/// Upper bounds in seconds. Scout has been observed to take 2.5 s, and Docker's own sample gives up after 40 s.
const DURATION_BOUNDS: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0];

/// The outcomes of all fetches.
#[derive(Debug)]
pub(super) struct Fetches {
    pub(super) organizations: BTreeMap<Organization, OrganizationFetches>,
    pub(super) durations: Histogram<{ DURATION_BOUNDS.len() }>,
}

impl Default for Fetches {
    fn default() -> Self {
        Self {
            organizations: BTreeMap::new(),
            durations: Histogram::new(DURATION_BOUNDS),
        }
    }
}

impl Fetches {
    /// Counts a fetch. One of an organization that is not served any more only counts in the durations.
    pub(super) fn observe(&mut self, fetch: &Observation) {
        self.durations.observe(fetch.duration());
        if let Some(fetches) = self.organizations.get_mut(fetch.organization()) {
            fetches.observe(fetch);
        }
    }
}

/// The outcomes of the fetches of one organization.
#[derive(Clone, Debug, Default)]
pub(super) struct OrganizationFetches {
    pub(super) is_up: bool,
    /// The error of the last fetch, unless it succeeded.
    pub(super) last_error: Option<Error>,
    /// How many fetches failed, by the kind of the error.
    pub(super) errors: BTreeMap<&'static str, u64>,
    /// The snapshot of the last fetch that succeeded.
    pub(super) last_good: Option<LastGood>,
}

impl OrganizationFetches {
    fn observe(&mut self, fetch: &Observation) {
        if fetch.snapshot().is_none() {
            *self.errors.entry(fetch.outcome()).or_default() += 1;
        }
        // A cancelled fetch reveals nothing about the source.
        if fetch.snapshot().is_none() && fetch.error().is_none() {
            return;
        }
        self.last_error = fetch.error().cloned();
        self.is_up = fetch.snapshot().is_some();
        if let Some(snapshot) = fetch.snapshot() {
            self.last_good = Some(LastGood::new(snapshot));
        }
    }

    /// Starts with the snapshot of a fetch that an earlier run of the program made.
    pub(super) fn restore(&mut self, snapshot: &Snapshot) {
        self.last_good = Some(LastGood::new(snapshot));
    }

    /// Returns whether no fetch has ended yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.last_good.is_none() && self.last_error.is_none()
    }

    /// Returns the age of the last snapshot.
    pub(super) fn age(&self) -> Option<Duration> {
        self.last_good.as_ref().map(LastGood::age)
    }

    /// Returns the time of the last snapshot, in seconds since 1970.
    pub(super) fn last_success(&self) -> Option<f64> {
        self.last_good.as_ref().map(LastGood::scraped_at)
    }
}

/// A snapshot and the number of its anomalies of each kind.
#[derive(Clone, Debug)]
pub(super) struct LastGood {
    snapshot: Snapshot,
    anomalies: [u64; AnomalyKind::ALL.len()],
}

impl LastGood {
    fn new(snapshot: &Snapshot) -> Self {
        let mut anomalies = [0; AnomalyKind::ALL.len()];
        for anomaly in snapshot.anomalies() {
            let mut kinds = AnomalyKind::ALL.iter();
            if let Some(place) = kinds.position(|kind| *kind == anomaly.kind()) {
                anomalies[place] += 1;
            }
        }
        Self {
            snapshot: snapshot.clone(),
            anomalies,
        }
    }

    pub(super) fn age(&self) -> Duration {
        self.snapshot.age()
    }

    /// Returns the number of anomalies of each kind.
    pub(super) fn anomalies(&self) -> impl Iterator<Item = (AnomalyKind, u64)> {
        AnomalyKind::ALL.iter().copied().zip(self.anomalies)
    }

    /// Returns the time of the snapshot, in seconds since 1970.
    pub(super) fn scraped_at(&self) -> f64 {
        let since = self
            .snapshot
            .scraped_at()
            .duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_secs_f64()
    }

    /// Returns the number of streams.
    pub(super) fn streams(&self) -> usize {
        self.snapshot.streams().len()
    }
}
