//! From settings to sources.

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use scout_metrics_core::{DEFAULT_TIME_TO_LIVE, Error, MetricsSource};
use scout_metrics_examples::demo::DemoSource;
use scout_metrics_http::{ScoutClient, exporter::DEFAULT_MAX_SNAPSHOT_AGE};

use crate::{configuration::ScoutOptions, settings::Settings};

/// How often the invented metrics change.
const DEMO_INTERVAL: Duration = Duration::from_secs(15);

/// One organization, and how often to fetch it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) metrics: Arc<dyn MetricsSource>,
    pub(crate) interval: Option<Duration>,
    pub(crate) max_stale: Option<Duration>,
    /// Differs between two sources of one organization that have different options.
    pub(crate) options: String,
}

impl Source {
    /// Returns an age that no snapshot of a poller reaches: pollers know why a snapshot is old, so they refuse it first.
    pub(crate) fn max_age(&self) -> Duration {
        let interval = self.interval.unwrap_or(DEFAULT_TIME_TO_LIVE);
        let jittered = interval.saturating_mul(2);
        jittered.saturating_add(self.max_stale.unwrap_or(DEFAULT_MAX_SNAPSHOT_AGE))
    }
}

/// Opens a source for each organization. This fetches nothing, but checks the files on this machine.
pub(crate) async fn open(settings: &Settings) -> Result<Vec<Source>, Error> {
    let mut clients = Clients::default();
    let mut sources = Vec::new();
    for (organization, options) in &settings.organizations {
        let metrics: Arc<dyn MetricsSource> = if settings.demo {
            Arc::new(DemoSource::new(organization.clone()))
        } else {
            let client = clients.get(options).await?;
            Arc::new(client.organization(organization.as_str())?)
        };
        let interval = options.interval.map(|time| time.0);
        sources.push(Source {
            metrics,
            interval: interval.or(settings.demo.then_some(DEMO_INTERVAL)),
            max_stale: options.max_stale.map(|time| time.0),
            options: described(options),
        });
    }
    Ok(sources)
}

/// Returns all options as text, with the content of the certificate file, because a client reads it only once.
fn described(options: &ScoutOptions) -> String {
    let certificates = options.ca_file.as_ref().map(fs::read);
    format!("{options:?} {certificates:?}")
}

/// Clients, one for all organizations with the same options, so that they share connections and certificates.
#[derive(Default)]
struct Clients(BTreeMap<String, ScoutClient>);

impl Clients {
    async fn get(&mut self, options: &ScoutOptions) -> Result<ScoutClient, Error> {
        let ScoutOptions {
            token_file,
            url,
            ca_file,
            timeout,
            ..
        } = options;
        let key = format!("{token_file:?} {url:?} {ca_file:?} {timeout:?}");
        if let Some(client) = self.0.get(&key) {
            return Ok(client.clone());
        }
        let client = client(options)?;
        // Otherwise a missing token file would be noticed by the first fetch only.
        client.check_token().await?;
        self.0.insert(key, client.clone());
        Ok(client)
    }
}

fn client(options: &ScoutOptions) -> Result<ScoutClient, Error> {
    let mut builder = ScoutClient::builder();
    builder = match &options.token_file {
        Some(path) => builder.with_token_file(path),
        None => builder.with_token_from_env(),
    };
    if let Some(url) = &options.url {
        builder = builder.with_base_url(url);
    }
    if let Some(path) = &options.ca_file {
        builder = builder.with_ca_file(path);
    }
    if let Some(timeout) = options.timeout {
        builder = builder.with_timeout(timeout.0);
    }
    builder.build()
}
