//! From settings to sources.

use std::{collections::BTreeMap, env, fs, sync::Arc, time::Duration};

use scout_metrics_core::{DEFAULT_TIME_TO_LIVE, Error, LocalScans, MetricsSource};
use scout_metrics_examples::demo::DemoSource;
use scout_metrics_http::{ScoutClient, exporter::DEFAULT_MAX_SNAPSHOT_AGE};

use crate::{configuration::ScoutOptions, fault, settings::Settings};

/// How often the invented metrics change.
const DEMO_INTERVAL: Duration = Duration::from_secs(15);

/// The variables that the client reads if no token file is given.
const TOKEN_VARIABLES: [&str; 3] = [
    "DOCKER_SCOUT_TOKEN_FILE",
    "DOCKER_SCOUT_TOKEN",
    "DOCKER_SCOUT_HUB_PASSWORD",
];

/// One organization, and how often to fetch it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) metrics: Arc<dyn MetricsSource>,
    pub(crate) interval: Option<Duration>,
    pub(crate) max_stale: Option<Duration>,
    pub(crate) options: SourceOptions,
}

/// The options of a source. If they have changed, a reload replaces the source.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SourceOptions {
    given: ScoutOptions,
    /// The content of the certificate file, which a client reads only once.
    certificates: Option<Vec<u8>>,
}

impl SourceOptions {
    fn new(given: &ScoutOptions) -> Self {
        let certificates = given.ca_file.as_ref();
        Self {
            given: given.clone(),
            certificates: certificates.and_then(|path| fs::read(path).ok()),
        }
    }
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
        } else if let Some(directory) = &options.scans {
            Arc::new(LocalScans::new(organization.clone(), directory))
        } else {
            let client = clients.get(options).await?;
            Arc::new(client.organization(organization.as_str())?)
        };
        let interval = options.interval;
        sources.push(Source {
            metrics,
            interval: interval.or(settings.demo.then_some(DEMO_INTERVAL)),
            max_stale: options.max_stale,
            options: SourceOptions::new(options),
        });
    }
    Ok(sources)
}

/// Clients, one for all organizations whose options differ only in the times of a poller, so that they share connections
/// and certificates.
#[derive(Default)]
struct Clients(BTreeMap<ScoutOptions, ScoutClient>);

impl Clients {
    async fn get(&mut self, options: &ScoutOptions) -> Result<ScoutClient, Error> {
        let options = ScoutOptions {
            interval: None,
            max_stale: None,
            ..options.clone()
        };
        if let Some(client) = self.0.get(&options) {
            return Ok(client.clone());
        }
        let client = client(&options)?;
        // Otherwise a missing token file would be noticed by the first fetch only.
        client.check_token().await?;
        self.0.insert(options, client.clone());
        Ok(client)
    }
}

fn client(options: &ScoutOptions) -> Result<ScoutClient, Error> {
    let mut builder = ScoutClient::builder();
    builder = match &options.token_file {
        Some(path) => builder.with_token_file(path),
        None if TOKEN_VARIABLES.iter().copied().any(is_set) => builder.with_token_from_env(),
        None => {
            return Err(fault(
                "no token for Docker Scout: give --token-file FILE, set SCOUT_EXPORTER_TOKEN_FILE or \
                 DOCKER_SCOUT_TOKEN_FILE, or write scout.token_file into the configuration file; --demo needs none",
            ));
        }
    };
    if let Some(url) = &options.url {
        builder = builder.with_base_url(url);
    }
    if let Some(path) = &options.ca_file {
        builder = builder.with_ca_file(path);
    }
    if let Some(timeout) = options.timeout {
        builder = builder.with_timeout(timeout);
    }
    builder.build()
}

/// Returns whether a variable is set and not blank.
fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.to_string_lossy().trim().is_empty())
}
