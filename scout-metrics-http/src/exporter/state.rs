//! The state that all routes share.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::http::{HeaderMap, Uri};

use scout_metrics_core::{Error, History, Organization, Result, Snapshot, SourceSet};

use super::{
    all_metrics::AllMetrics, builder::DEFAULT_FRESH_FOR, encodings::Encodings,
    external_url::ExternalUrl, organization::ServedOrganization, outages::Outages,
    own_metrics::OwnMetrics, page::Pasts, paths, scrape_timeout, workers::Workers,
};

/// The sources and their state.
#[derive(Debug)]
pub(super) struct ExporterState {
    sources: SourceSet,
    organizations: BTreeMap<Organization, ServedOrganization>,
    awaited: Vec<Organization>,
    startup_time: Duration,
    outages: Outages,
    pub(super) all_metrics: Arc<AllMetrics>,
    pub(super) own_metrics: Arc<OwnMetrics>,
    /// The `max-age` of the `Cache-Control` header.
    pub(super) cache_control_max_age: Option<Duration>,
    pub(super) external_url: Option<ExternalUrl>,
    /// The age from which the pages show a snapshot as old.
    pub(super) fresh_for: Duration,
    pub(super) pasts: Pasts,
    pub(super) workers: Workers,
}

impl ExporterState {
    /// Creates the state. The exporter is ready once it has had metrics of each awaited organization, or after the
    /// startup time of one of them.
    pub(super) fn new(
        sources: SourceSet,
        awaited: Vec<Organization>,
        startup_time: Duration,
        cache_control_max_age: Option<Duration>,
        own_metrics: Arc<OwnMetrics>,
    ) -> Self {
        let workers = Workers::default();
        let organizations = sources.sources().iter().map(|source| {
            let organization = source.organization().clone();
            let encodings = Encodings::new(workers.clone());
            let served = ServedOrganization::new(Arc::clone(source), encodings);
            (organization, served)
        });
        Self {
            organizations: organizations.collect(),
            sources,
            awaited,
            startup_time,
            outages: Outages::default(),
            all_metrics: Arc::default(),
            own_metrics,
            cache_control_max_age,
            external_url: None,
            fresh_for: DEFAULT_FRESH_FOR,
            pasts: Pasts::new(None),
            workers,
        }
    }

    pub(super) fn with_external_url(mut self, url: Option<ExternalUrl>) -> Self {
        self.external_url = url;
        self
    }

    /// Sets what the pages need.
    pub(super) fn with_pages(
        mut self,
        history: Option<Arc<dyn History>>,
        fresh_for: Duration,
    ) -> Self {
        self.pasts = Pasts::new(history);
        self.fresh_for = fresh_for;
        self
    }

    /// Returns the path at which clients find the root of the router, from a request for a route.
    pub(super) fn base<'a>(&'a self, uri: &'a Uri, route: &str) -> &'a str {
        match &self.external_url {
            Some(url) => url.path(),
            None => paths::base(uri, route),
        }
    }

    /// Returns an organization of this name.
    pub(super) fn organization(&self, name: &Organization) -> Option<&ServedOrganization> {
        self.organizations.get(name)
    }

    /// Returns the organizations by name.
    pub(super) fn organizations(&self) -> impl Iterator<Item = &Organization> {
        self.organizations.keys()
    }

    /// Returns the number of organizations whose metrics the exporter waits for before it is ready.
    pub(super) fn awaited(&self) -> usize {
        self.awaited.len()
    }

    /// Returns how long a page may wait for sources: a moment only if all are polled, because then nothing is fetched for
    /// the page.
    pub(super) fn patience(&self, headers: &HeaderMap) -> Duration {
        const A_MOMENT: Duration = Duration::from_secs(3);
        let limit = scrape_timeout::limit(headers);
        if self.awaited.len() == self.organizations.len() {
            return limit.min(A_MOMENT);
        }
        limit
    }

    /// Returns the organizations whose first metrics are missing, with the error of the last fetch, or nothing once
    /// the exporter is ready. It stays ready then. Does not scrape.
    pub(super) fn waiting_for(&self) -> Vec<(&Organization, Option<Error>)> {
        if self.own_metrics.has_been_ready() {
            return Vec::new();
        }
        let waiting = self.own_metrics.without_metrics(&self.awaited);
        let has_some = waiting.len() < self.awaited.len();
        let is_late = self.own_metrics.uptime() >= self.startup_time;
        if waiting.is_empty() || has_some && is_late {
            self.own_metrics.set_ready();
            return Vec::new();
        }
        waiting
    }

    /// Scrapes all sources within a limit and returns their answers by the name of the organization.
    pub(super) async fn scrape_all(
        &self,
        limit: Duration,
    ) -> BTreeMap<Organization, Result<Snapshot>> {
        let answers = self.sources.scrape_all_within(limit).await;
        let answers: BTreeMap<_, _> = answers.into_iter().collect();
        for (organization, answer) in &answers {
            self.outages.note(organization, answer);
        }
        answers
    }

    /// Scrapes one source within a limit.
    pub(super) async fn scrape(
        &self,
        name: &Organization,
        organization: &ServedOrganization,
        limit: Duration,
    ) -> Result<Snapshot> {
        let answer = organization.scrape(limit).await;
        self.outages.note(name, &answer);
        answer
    }
}
