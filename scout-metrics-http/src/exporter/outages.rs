//! Log lines about sources that fail: one when an outage begins or its kind changes, one when it ends.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use scout_metrics_core::{Error, ErrorKind, Organization, Result, Snapshot};

/// The organizations whose sources fail.
#[derive(Debug, Default)]
pub(super) struct Outages(Mutex<BTreeMap<Organization, ErrorKind>>);

impl Outages {
    /// Notes the answer of a source, and logs it if it is news.
    pub(super) fn note(&self, organization: &Organization, answer: &Result<Snapshot>) {
        let mut outages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(_) if outages.is_empty() => {}
            Ok(_) => {
                if outages.remove(organization).is_some() {
                    tracing::info!(%organization, "the source answers again");
                }
            }
            Err(error) => {
                let before = outages.insert(organization.clone(), error.kind());
                if before != Some(error.kind()) {
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
