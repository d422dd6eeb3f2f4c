//! The Docker Scout client.

mod body;
mod builder;
mod deadline;
pub(crate) mod endpoint;
mod fetch;
mod retry;
#[cfg(feature = "rustls")]
mod tls;

use std::{fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use scout_metrics_core::{Organization, Result};
use scout_metrics_openmetrics::{Exposition, Format};
use tracing::Instrument;

pub use self::builder::ScoutClientBuilder;
use self::{
    endpoint::Endpoint,
    fetch::{Collect, Fetch},
    retry::RetryPolicy,
};
use crate::credentials::{Credentials, Token};

/// A client for the metrics endpoint of Docker Scout.
///
/// It holds credentials, options and connections; [`organization`](Self::organization) returns the source of one
/// organization's metrics. A clone shares everything with the original.
///
/// # Examples
///
/// ```no_run
/// use scout_metrics_http::ScoutClient;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> scout_metrics_core::Result<()> {
/// let scout = ScoutClient::builder()
///     .with_token_file("/run/secrets/docker_pat")
///     .build()?;
/// let acme = scout.organization("acme")?;
/// println!("{} bytes", acme.exposition().await?.body().len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ScoutClient(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    endpoint: Endpoint,
    credentials: Credentials,
    timeout: Duration,
    body_limit: u64,
    retry: RetryPolicy,
}

impl ScoutClient {
    /// Returns a builder with the defaults, which needs a token and nothing else.
    pub fn builder() -> ScoutClientBuilder {
        ScoutClientBuilder::new()
    }

    /// Returns the source of an organization's metrics. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`](scout_metrics_core::ErrorKind::Invalid) if the name is not that of an organization.
    pub fn organization(&self, name: impl AsRef<str>) -> Result<ScoutSource> {
        Ok(ScoutSource {
            client: self.clone(),
            organization: Organization::new(name)?,
        })
    }
}

impl fmt::Debug for ScoutClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScoutClient")
            .field("server", &self.0.endpoint.server())
            .field("credentials", &self.0.credentials)
            .field("timeout", &self.0.timeout)
            .field("body_limit", &self.0.body_limit)
            .field("max_attempts", &self.0.retry.max_attempts)
            .finish_non_exhaustive()
    }
}

/// The metrics of one organization, fetched from Docker Scout at each scrape.
///
/// Scout itself caches for 60 minutes, so a service puts a cache or poller of `scout-metrics-core` before it.
#[derive(Clone, Debug)]
pub struct ScoutSource {
    client: ScoutClient,
    organization: Organization,
}

impl ScoutSource {
    /// Fetches the exposition as the server wrote it: authenticated, decompressed, complete as far as HTTP can tell,
    /// and not parsed.
    ///
    /// # Errors
    ///
    /// Whatever keeps the server from answering whole, with the kind that says what it was.
    pub async fn exposition(&self) -> Result<Exposition> {
        self.fetch(|format| WholeBody {
            format,
            body: BytesMut::new(),
        })
        .await
    }

    async fn fetch<C: Collect>(
        &self,
        new_collector: impl Fn(Format) -> C + Send + Sync,
    ) -> Result<C::Output> {
        let span = tracing::debug_span!("scout_fetch", organization = %self.organization);
        let fetch = Fetch::new(&self.client.0, &self.organization);
        let output = fetch.run(new_collector).instrument(span).await;
        output.map_err(|error| error.with_organization(&self.organization))
    }
}

impl fmt::Display for ScoutSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scout({})", self.organization)
    }
}

/// Collects the parts of a body.
struct WholeBody {
    format: Format,
    body: BytesMut,
}

impl Collect for WholeBody {
    type Output = Exposition;

    fn feed(&mut self, part: Bytes) -> Result<()> {
        self.body.extend_from_slice(&part);
        Ok(())
    }

    fn finish(self) -> Result<Exposition> {
        Ok(Exposition::new(self.format, self.body))
    }
}

/// Shows something the server sent in a message: escaped, cut, and without the token.
fn shown(value: &[u8], token: &Token) -> String {
    const SHOWN: usize = 200;
    let text = String::from_utf8_lossy(value);
    let text = token.redact(&text);
    text.chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect()
}
