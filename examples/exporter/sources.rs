//! From settings to sources.

use std::{collections::BTreeMap, time::Duration};

use scout_metrics_core::{Error, MetricsSource};
use scout_metrics_examples::demo::DemoSource;
use scout_metrics_http::ScoutClient;

use crate::{configuration::ScoutOptions, settings::Settings};

/// How often the invented metrics change.
const DEMO_INTERVAL: Duration = Duration::from_secs(15);

/// One organization, and how often to fetch it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) metrics: Box<dyn MetricsSource>,
    pub(crate) interval: Option<Duration>,
    pub(crate) max_stale: Option<Duration>,
}

/// Opens a source for each organization. This fetches nothing, but checks the files on this machine.
pub(crate) async fn open(settings: &Settings) -> Result<Vec<Source>, Error> {
    let mut clients = Clients::default();
    let mut sources = Vec::new();
    for (organization, options) in &settings.organizations {
        let metrics: Box<dyn MetricsSource> = if settings.demo {
            Box::new(DemoSource::new(organization.clone()))
        } else {
            let client = clients.get(options).await?;
            Box::new(client.organization(organization.as_str())?)
        };
        let interval = options.interval.map(|time| time.0);
        sources.push(Source {
            metrics,
            interval: interval.or(settings.demo.then_some(DEMO_INTERVAL)),
            max_stale: options.max_stale.map(|time| time.0),
        });
    }
    Ok(sources)
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
