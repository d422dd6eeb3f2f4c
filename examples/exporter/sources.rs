//! From settings to sources.

use std::{collections::BTreeMap, error::Error, fs::File, io::Read, path::Path, time::Duration};

use scout_metrics_core::MetricsSource;
use scout_metrics_examples::demo::DemoSource;
use scout_metrics_http::ScoutClient;

use crate::{configuration::ScoutOptions, fault, settings::Settings};

/// How often the invented metrics change.
const DEMO_INTERVAL: Duration = Duration::from_secs(15);

/// The client has the same limit.
const MAX_TOKEN_BYTES: u64 = 64 * 1024;

/// One organization, and how often to fetch it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) metrics: Box<dyn MetricsSource>,
    pub(crate) interval: Option<Duration>,
    pub(crate) max_stale: Option<Duration>,
}

/// Opens a source for each organization. This fetches nothing, but checks the files on this machine.
pub(crate) fn open(settings: &Settings) -> Result<Vec<Source>, Box<dyn Error>> {
    let mut clients = Clients::default();
    let organizations = settings.organizations.iter();
    organizations
        .map(|(organization, options)| {
            let metrics: Box<dyn MetricsSource> = if settings.demo {
                Box::new(DemoSource::new(organization.clone()))
            } else {
                Box::new(clients.get(options)?.organization(organization.as_str())?)
            };
            let interval = options.interval.map(|time| time.0);
            Ok(Source {
                metrics,
                interval: interval.or(settings.demo.then_some(DEMO_INTERVAL)),
                max_stale: options.max_stale.map(|time| time.0),
            })
        })
        .collect()
}

/// Clients, one for all organizations with the same options, so that they share connections and certificates.
#[derive(Default)]
struct Clients(BTreeMap<String, ScoutClient>);

impl Clients {
    fn get(&mut self, options: &ScoutOptions) -> Result<ScoutClient, Box<dyn Error>> {
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
        self.0.insert(key, client.clone());
        Ok(client)
    }
}

fn client(options: &ScoutOptions) -> Result<ScoutClient, Box<dyn Error>> {
    let mut builder = ScoutClient::builder();
    builder = match &options.token_file {
        Some(path) => {
            check_token_file(path)?;
            builder.with_token_file(path)
        }
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
    Ok(builder.build()?)
}

/// Checks a token file at the start. The client would notice a missing file only when it fetches.
fn check_token_file(path: &Path) -> Result<(), scout_metrics_core::Error> {
    let fault = |text| fault(format!("the token file `{}` {text}", path.display()));
    if !path.is_file() {
        return Err(fault("is not a file"));
    }
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_TOKEN_BYTES).read_to_end(&mut content))
        .map_err(|cause| fault("cannot be read").with_source(cause))?;
    if content.trim_ascii().is_empty() {
        return Err(fault("is empty"));
    }
    Ok(())
}
