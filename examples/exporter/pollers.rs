//! The organizations that are fetched in the background.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::timeout;

use scout_metrics_core::{
    MetricsSource, MetricsSourceExt, Observed, Organization, Poller, PollerSet, PollerSetBuilder,
    Recorded, Result, Snapshot,
};
use scout_metrics_http::exporter::Exporter;

use crate::{sources::Source, state::State};

/// A source whose snapshots are kept in the state directory.
pub(crate) type Kept = Recorded<Observed<Arc<dyn MetricsSource>>>;

/// A poller for each organization.
#[derive(Debug, Default)]
pub(crate) struct Pollers(BTreeMap<Organization, Polled>);

#[derive(Clone, Debug)]
struct Polled {
    poller: Poller,
    kept: Option<Kept>,
    /// The options of the source, to detect whether they have changed.
    options: String,
}

impl Pollers {
    /// Returns pollers of these sources: the same for a source that has not changed, and a new one that starts with the
    /// last snapshot for any other. The pollers of organizations without a source end when `self` is dropped.
    pub(crate) async fn with_sources(
        &self,
        sources: Vec<Source>,
        exporter: &Exporter,
        state: Option<&State>,
    ) -> Result<Self> {
        let mut pollers = BTreeMap::new();
        let mut started = Started::default();
        for source in sources {
            let organization = source.metrics.organization().clone();
            match self.0.get(&organization) {
                Some(polled) if polled.options == source.options => {
                    pollers.insert(organization, polled.clone());
                }
                before => {
                    let before = before.and_then(|polled| polled.poller.current());
                    let last = match (before, state) {
                        (None, Some(state)) => restored(exporter, state, &source).await,
                        (before, _) => before,
                    };
                    started.add(source, last, exporter, state)?;
                }
            }
        }
        pollers.extend(started.spawn());
        Ok(Self(pollers))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns a handle of each poller.
    pub(crate) fn handles(&self) -> impl Iterator<Item = Poller> {
        self.0.values().map(|polled| polled.poller.clone())
    }

    /// Returns the sources whose snapshots are kept in the state directory.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Kept> {
        self.0.values().filter_map(|polled| polled.kept.as_ref())
    }

    /// Waits until all snapshots are in the state directory, but not longer than a limit.
    pub(crate) async fn flush(&self, limit: Duration) {
        let flush = async {
            for kept in self.kept() {
                // A failure is in the log already.
                let _ = kept.flush().await;
            }
        };
        if timeout(limit, flush).await.is_err() {
            tracing::warn!("the last metrics may be missing in the state directory");
        }
    }
}

/// Returns the last snapshot of the state directory, whose age the exporter shows until the first fetch has ended.
async fn restored(exporter: &Exporter, state: &State, source: &Source) -> Option<Snapshot> {
    let organization = source.metrics.organization();
    let snapshot = state.last(organization, source.max_age()).await?;
    exporter.restore(&snapshot);
    tracing::info!(
        %organization,
        age_seconds = snapshot.age().as_secs(),
        "serving the metrics of the state directory until the first fetch has ended"
    );
    Some(snapshot)
}

/// Sources that will be polled, in one set for all that have the same options. Each set bounds how many of its fetches
/// run at once.
#[derive(Default)]
struct Started {
    builders: BTreeMap<(Option<Duration>, Option<Duration>), PollerSetBuilder>,
    options: BTreeMap<Organization, (String, Option<Kept>)>,
}

impl Started {
    fn add(
        &mut self,
        source: Source,
        last: Option<Snapshot>,
        exporter: &Exporter,
        state: Option<&State>,
    ) -> Result<()> {
        let times = (source.interval, source.max_stale);
        let mut builder = self
            .builders
            .remove(&times)
            // Scrapers wait for the first snapshots, so none of them is delayed.
            .unwrap_or_else(|| PollerSet::builder().with_spread(Duration::ZERO));
        if let Some(last) = last {
            builder = builder.with_initial(last);
        }
        let organization = source.metrics.organization().clone();
        let observed = exporter.observe(source.metrics);
        // The poller serves old snapshots itself, so that an answer from the history does not hide a failure.
        let kept = state.map(|state| {
            observed
                .clone()
                .recorded(state.clone())
                .with_max_age(Duration::ZERO)
        });
        let builder = match &kept {
            Some(kept) => builder.with_source(kept.clone()),
            None => builder.with_source(observed),
        };
        self.builders.insert(times, builder?);
        self.options.insert(organization, (source.options, kept));
        Ok(())
    }

    fn spawn(self) -> BTreeMap<Organization, Polled> {
        let mut options = self.options;
        let builders = self.builders.into_iter();
        let sets = builders.map(|((interval, max_stale), mut builder)| {
            if let Some(interval) = interval {
                builder = builder.with_interval(interval);
            }
            if let Some(max_stale) = max_stale {
                builder = builder.with_max_stale(max_stale);
            }
            builder.spawn()
        });
        let pollers = sets.flat_map(|set| set.pollers().to_vec());
        pollers
            .filter_map(|poller| {
                let (organization, (options, kept)) =
                    options.remove_entry(poller.organization())?;
                let polled = Polled {
                    poller,
                    kept,
                    options,
                };
                Some((organization, polled))
            })
            .collect()
    }
}
