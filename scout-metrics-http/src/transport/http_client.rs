//! The HTTP client that sends requests.

use std::{path::PathBuf, time::Duration};

use reqwest::{Client, ClientBuilder, redirect, retry};

use super::{error::HttpError, server_url::ServerUrl};

/// A quarter of the default timeout of a fetch, which leaves time for a second and third attempt.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Load balancers usually close idle connections after 60 seconds. A connection that closes just as the next request is
/// sent fails that request, so ours are closed earlier.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Enough for a burst of fetches of several organizations, but not one for each of a thousand.
const MAX_IDLE: usize = 8;

pub(crate) const USER_AGENT: &str = concat!("scout-metrics/", env!("CARGO_PKG_VERSION"));

/// The options of a client's connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) ca_file: Option<PathBuf>,
}

impl ConnectOptions {
    /// Builds a client for one server. Reads the certificates, which blocks the thread.
    pub(crate) fn client(&self, server: &ServerUrl) -> Result<Client, HttpError> {
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT))
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE)
            .http1_only()
            .retry(retry::never())
            // Another crate may have enabled these features.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        if server.is_loopback() {
            // A request to this machine must not leave it, and a proxy may be another machine.
            builder = builder.no_proxy();
        }
        self.with_tls(builder, server)?
            .build()
            .map_err(HttpError::Client)
    }

    #[cfg(feature = "rustls")]
    fn with_tls(
        &self,
        builder: ClientBuilder,
        server: &ServerUrl,
    ) -> Result<ClientBuilder, HttpError> {
        let mut roots = super::tls::Roots::default();
        // Reading the system's certificates takes longer than a fetch over plain `http` from this machine, which needs none.
        if server.is_https() || !server.is_loopback() {
            roots.add_public();
            roots.add_system();
        }
        if let Some(path) = &self.ca_file {
            roots.add_file(path)?;
        }
        Ok(builder.tls_backend_preconfigured(roots.into_config()))
    }

    #[cfg(not(feature = "rustls"))]
    fn with_tls(
        &self,
        builder: ClientBuilder,
        server: &ServerUrl,
    ) -> Result<ClientBuilder, HttpError> {
        if server.is_https() {
            let fault =
                "`https` needs the feature `rustls`, or a client of your own in `with_client`";
            return Err(HttpError::Option(fault.to_owned()));
        }
        Ok(builder)
    }
}
