//! Log lines about sources that fail: one when an outage begins, one when it ends, and few in between.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use scout_metrics_core::{Error, ErrorKind, Organization, Result, Snapshot};

/// The minimum time between two lines about one outage. Clients with different timeouts may see errors of different
/// kinds in turn.
const PAUSE: Duration = Duration::from_secs(60);

/// The organizations whose sources fail.
#[derive(Debug, Default)]
pub(super) struct Outages(Mutex<BTreeMap<Organization, Outage>>);

#[derive(Debug)]
struct Outage {
    kind: ErrorKind,
    logged: Instant,
}

impl Outages {
    /// Records the answer of a source. Logs an error if it begins an outage or changes its kind, and the end of an outage.
    pub(super) fn note(&self, organization: &Organization, answer: &Result<Snapshot>) {
        let mut outages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(_) => {
                if !outages.is_empty() && outages.remove(organization).is_some() {
                    tracing::info!(%organization, "the source answers again");
                }
            }
            Err(error) => {
                let kind = error.kind();
                let is_known =
                    |outage: &Outage| outage.kind == kind || outage.logged.elapsed() < PAUSE;
                if !outages.get(organization).is_some_and(is_known) {
                    let logged = Instant::now();
                    outages.insert(organization.clone(), Outage { kind, logged });
                    log(organization, error);
                }
            }
        }
    }
}

fn log(organization: &Organization, error: &Error) {
    tracing::warn!(
        %organization,
        kind = %error.kind(),
        error = %error.chain(),
        "the source fails; its metrics are not served until it answers again"
    );
}
