//! Everything that requests are answered from.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use scout_metrics_core::{Merged, Organization, Result, Snapshot};
use scout_metrics_openmetrics::{Exposition, Format};

use super::{
    body::{Bodies, Body},
    coding::Coding,
    merged,
    target::Target,
    telemetry::Telemetry,
};

/// What ends a text in OpenMetrics.
const EOF: &[u8] = b"# EOF\n";

/// The sources, the metrics about them, and what was last encoded of all of them together.
#[derive(Debug)]
pub(super) struct Endpoint {
    all: Merged,
    awaited: Vec<Organization>,
    bodies: Mutex<Bodies<Vec<Snapshot>, Format>>,
    interval: Option<Duration>,
    targets: BTreeMap<Organization, Target>,
    telemetry: Arc<Telemetry>,
}

impl Endpoint {
    /// Puts sources together. Not ready before a fetch of each awaited organization has ended.
    pub(super) fn new(
        all: Merged,
        awaited: Vec<Organization>,
        interval: Option<Duration>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        let targets = all.sources().iter().map(|source| {
            let organization = source.organization().clone();
            (organization, Target::new(Arc::clone(source)))
        });
        Self {
            targets: targets.collect(),
            all,
            awaited,
            bodies: Mutex::default(),
            interval,
            telemetry,
        }
    }

    pub(super) fn target(&self, organization: &Organization) -> Option<&Target> {
        self.targets.get(organization)
    }

    /// Returns the organizations by name.
    pub(super) fn organizations(&self) -> impl Iterator<Item = &Organization> {
        self.targets.keys()
    }

    /// Returns how long a snapshot stands, if that was said.
    pub(super) fn interval(&self) -> Option<Duration> {
        self.interval
    }

    pub(super) fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Returns whether there is something to answer from. Asks no source.
    pub(super) fn is_ready(&self) -> bool {
        self.telemetry.have_ended(&self.awaited)
    }

    /// Scrapes all sources and returns what each said, by the name of the organization.
    pub(super) async fn scrape_all(&self) -> BTreeMap<Organization, Result<Snapshot>> {
        self.all.scrape_all().await.into_iter().collect()
    }

    /// Returns the metrics of all organizations whose source answers, and after them the exporter's own.
    pub(super) async fn everything(&self, format: Format) -> Body {
        let answers = self.scrape_all().await;
        let snapshots: Vec<Snapshot> = answers.into_values().filter_map(Result::ok).collect();
        let merged = self.merged(&snapshots, format);
        let own = self.telemetry.exposition(format).into_body();
        let merged = merged.strip_suffix(EOF).unwrap_or(&merged);
        Body::from(Exposition::new(format, [merged, &own].concat()))
    }

    /// Encodes snapshots that differ from the last ones. A failure is the source's, and up to it to log.
    fn merged(&self, snapshots: &Vec<Snapshot>, format: Format) -> Bytes {
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |a: &Vec<Snapshot>, b: &Vec<Snapshot>| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
        };
        let body = bodies.get(snapshots, is_same, format, Coding::Identity, |snapshots| {
            Body::from(merged::encode_merged(snapshots, format))
        });
        body.into_bytes()
    }
}
