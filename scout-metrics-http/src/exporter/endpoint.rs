//! Everything that requests are answered from.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use scout_metrics_core::{Organization, Result, Snapshot, SourceSet};
use scout_metrics_openmetrics::Format;

use super::{
    body::Body,
    coding::{Beginning, Coding},
    latest::Latest,
    merged,
    target::Target,
    telemetry::Telemetry,
};

/// What ends a text in OpenMetrics.
const EOF: &[u8] = b"# EOF\n";

/// The sources, the metrics about them, and what was written of the last snapshots of all of them together.
#[derive(Debug)]
pub(super) struct Endpoint {
    all: SourceSet,
    awaited: Vec<Organization>,
    beginnings: Latest<Vec<Snapshot>, (Format, Coding), Beginning>,
    interval: Option<Duration>,
    targets: BTreeMap<Organization, Target>,
    telemetry: Arc<Telemetry>,
}

impl Endpoint {
    /// Puts sources together. Not ready before a fetch of each awaited organization has ended.
    pub(super) fn new(
        all: SourceSet,
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
            beginnings: Latest::new(are_same),
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

    /// Scrapes all sources, each of them for a time at most, and returns what they said, by the name of the organization.
    pub(super) async fn scrape_all(
        &self,
        patience: Option<Duration>,
    ) -> BTreeMap<Organization, Result<Snapshot>> {
        let answers = match patience {
            Some(patience) => self.all.scrape_all_within(patience).await,
            None => self.all.scrape_all().await,
        };
        answers.into_iter().collect()
    }

    /// Returns the metrics of all organizations whose source answers, and after them the exporter's own.
    ///
    /// Whose source fails is missing, and so is who does not answer within a time: up to the source to log it.
    pub(super) async fn everything(
        &self,
        format: Format,
        coding: Coding,
        patience: Option<Duration>,
    ) -> Body {
        let answers = self.scrape_all(patience).await;
        let snapshots = answers.into_values().filter_map(Result::ok).collect();
        let beginning = self.beginning(&snapshots, format, coding).await;
        let own = self.telemetry.exposition(format);
        let content_type = own.content_type();
        let end = beginning.end(own.into_body());
        Body::of_parts(content_type, coding, beginning.bytes().clone(), end)
    }

    /// Writes the metrics of organizations, which change once an hour, apart from the exporter's own, which always do.
    async fn beginning(
        &self,
        snapshots: &Vec<Snapshot>,
        format: Format,
        coding: Coding,
    ) -> Beginning {
        let plain = (format, Coding::Identity);
        let make = move |snapshots: &Vec<Snapshot>| {
            let merged = merged::encode_merged(snapshots, format).into_body();
            let length = merged.strip_suffix(EOF).unwrap_or(&merged).len();
            Beginning::new(Coding::Identity, &merged.slice(..length))
        };
        let mut beginning = self.beginnings.get(snapshots, plain, make).await;
        if coding != Coding::Identity {
            let make = move |_: &Vec<Snapshot>| Beginning::new(coding, beginning.bytes());
            beginning = self.beginnings.get(snapshots, (format, coding), make).await;
        }
        beginning
    }
}

#[expect(clippy::ptr_arg, reason = "the state that is compared is a vector")]
fn are_same(a: &Vec<Snapshot>, b: &Vec<Snapshot>) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
}
