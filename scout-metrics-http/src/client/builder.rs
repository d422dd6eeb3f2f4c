//! The options of a client, their defaults, and the checks on them.

use std::{fmt, mem, path::PathBuf, sync::Arc, time::Duration};

use reqwest::{redirect, retry};
use scout_metrics_core::Result;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Inner, ScoutClient,
    endpoint::{DEFAULT_BASE_URL, DEFAULT_PATH, Endpoint},
    retry::{DEFAULT_BACKOFF, RetryPolicy},
};
use super::{credentials::Credentials, error::HttpError};

/// The scrape timeout of Docker's own sample configuration for Prometheus.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(40);

/// A quarter of the whole, so that a second and third attempt fit in.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// About half a million samples of Scout's. An organization of 236 samples has 30 kB.
const DEFAULT_BODY_LIMIT: u64 = 64 * 1024 * 1024;

const DEFAULT_MAX_ATTEMPTS: u32 = 3;

/// Idle connections are closed before the usual load balancer closes them (after 60 seconds), which would otherwise
/// happen just when the next request is sent. Within a burst of fetches they are used again.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Enough for a burst of fetches of several organizations, and not one for each of a thousand.
const MAX_IDLE: usize = 8;

const USER_AGENT: &str = concat!("scout-metrics/", env!("CARGO_PKG_VERSION"));

/// Builds a [`ScoutClient`].
///
/// A token is needed, from one of [`with_token_file`](Self::with_token_file), [`with_token`](Self::with_token) and
/// [`with_token_from_env`](Self::with_token_from_env); if several are called, the last one counts. Everything else has
/// a default.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use scout_metrics_http::ScoutClient;
///
/// let scout = ScoutClient::builder()
///     .with_token_file("/run/secrets/docker_pat")
///     .with_timeout(Duration::from_secs(20))
///     .with_max_attempts(2)
///     .build()?;
/// # Ok::<(), scout_metrics_core::Error>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct ScoutClientBuilder {
    token: TokenOption,
    base_url: String,
    path: String,
    allow_insecure_http: bool,
    timeout: Duration,
    connect_timeout: Option<Duration>,
    body_limit: u64,
    max_attempts: u32,
    backoff: Duration,
    ca_file: Option<PathBuf>,
    client: Option<reqwest::Client>,
}

#[derive(Debug)]
enum TokenOption {
    Environment,
    File(PathBuf),
    Missing,
    Value(SecretString),
}

impl ScoutClientBuilder {
    pub(crate) fn new() -> Self {
        Self {
            token: TokenOption::Missing,
            base_url: DEFAULT_BASE_URL.to_owned(),
            path: DEFAULT_PATH.to_owned(),
            allow_insecure_http: false,
            timeout: DEFAULT_TIMEOUT,
            connect_timeout: None,
            body_limit: DEFAULT_BODY_LIMIT,
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            backoff: DEFAULT_BACKOFF,
            ca_file: None,
            client: None,
        }
    }

    /// Takes the token from a file, which is read again for each fetch, so that it can be rotated without a restart.
    ///
    /// Blanks, line ends and a byte order mark around the token are left out. The file must be a regular one of at most
    /// 64 KiB; it may appear after the client is built. If it cannot be read later, or holds no token, the last good
    /// token is used for ten minutes, with warnings in the log; after that, a fetch fails. A file that every user of
    /// the machine can read is used, with one warning in the log.
    pub fn with_token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token = TokenOption::File(path.into());
        self
    }

    /// Takes the token as it is, without blanks and line ends around it.
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = TokenOption::Value(token.into().into());
        self
    }

    /// Takes the token from the first of these environment variables that is set and not empty, when
    /// [`build`](Self::build) is called:
    ///
    /// 1. `DOCKER_SCOUT_TOKEN_FILE`, the path of a file, as in [`with_token_file`](Self::with_token_file);
    /// 2. `DOCKER_SCOUT_TOKEN`, a token;
    /// 3. `DOCKER_SCOUT_HUB_PASSWORD`, a token, which the docker scout CLI reads too.
    pub fn with_token_from_env(mut self) -> Self {
        self.token = TokenOption::Environment;
        self
    }

    /// Asks another server than `https://api.scout.docker.com`: a gateway, or an exporter of `scout-metrics-http`.
    ///
    /// A path in the URL stays in front of the path of the metrics. Plain `http` goes to loopback addresses only, see
    /// [`with_allow_insecure_http`](Self::with_allow_insecure_http), and then never through a proxy.
    pub fn with_base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Asks for another path than `/v1/exporter/org/{org}/metrics`, with `{org}` in the place of the organization.
    ///
    /// Until May 2024 Docker's documentation had the path without `/metrics` at its end.
    pub fn with_path_template(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Allows plain `http` to other machines, where everyone on the way can read the token. Default: no.
    pub fn with_allow_insecure_http(mut self, allow: bool) -> Self {
        self.allow_insecure_http = allow;
        self
    }

    /// Bounds the time of a fetch, with all attempts, the waiting between them, and the whole body.
    ///
    /// Default: 40 seconds, the scrape timeout of Docker's own sample configuration.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Bounds the time for one connection, with its TLS handshake. Default: 10 seconds, a quarter of the whole, so that
    /// another attempt fits in.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Bounds the bytes of a body, both as it comes and decompressed.
    ///
    /// Default: 64 MiB, about half a million samples of Scout's.
    pub fn with_body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Bounds the requests of a fetch that fails for reasons which may pass: a broken connection, HTTP 408, 429, 500,
    /// 502, 503 and 504. Default: 3. With 1 nothing is tried again.
    ///
    /// A token file that changed is worth one more request after HTTP 401, which does not count here.
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the longest time to wait before the second attempt; it doubles for each further one.
    ///
    /// The time is random, from a tenth of this on, so that clients which failed together do not come back together.
    /// `Retry-After` of the server is added, and an attempt that would begin after the timeout is not waited for.
    /// Default: 500 milliseconds.
    pub fn with_backoff(mut self, longest: Duration) -> Self {
        self.backoff = longest;
        self
    }

    /// Trusts the certificates of a PEM file too, such as those of a company's own authority. The file is read when
    /// [`build`](Self::build) is called.
    ///
    /// Without it, the public authorities of [webpki-roots] and those of the system are trusted.
    ///
    /// [webpki-roots]: https://docs.rs/webpki-roots
    #[cfg(feature = "rustls")]
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Sends the requests with a client of the caller's own.
    ///
    /// Its redirects, proxies, TLS and connect timeout are what counts then, so
    /// [`with_connect_timeout`](Self::with_connect_timeout) and [`with_ca_file`](Self::with_ca_file) are refused beside
    /// it. An answer from another origin is an error even if the client followed the redirect there. The crate's own
    /// [`reqwest`](crate::reqwest) is the version that fits.
    pub fn with_client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Builds the client. No request is made, and a token file is not read yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](scout_metrics_core::ErrorKind::Config) if an option cannot be used; the message says
    /// which one and why.
    pub fn build(self) -> Result<ScoutClient> {
        Ok(self.try_build()?)
    }

    fn try_build(mut self) -> Result<ScoutClient, HttpError> {
        self.check()?;
        let endpoint = Endpoint::new(&self.base_url, &self.path, self.allow_insecure_http)?;
        let credentials = match mem::replace(&mut self.token, TokenOption::Missing) {
            TokenOption::Environment => Credentials::from_env()?,
            TokenOption::File(path) => Credentials::from_file(path),
            TokenOption::Missing => return Err(HttpError::NoToken),
            TokenOption::Value(token) => Credentials::from_value(token.expose_secret())?,
        };
        let http = match self.client.take() {
            Some(client) => client,
            None => self.new_client(&endpoint)?,
        };
        Ok(ScoutClient(Arc::new(Inner {
            http,
            endpoint,
            credentials,
            timeout: self.timeout,
            body_limit: self.body_limit,
            retry: RetryPolicy {
                max_attempts: self.max_attempts,
                backoff: self.backoff,
            },
        })))
    }

    fn check(&self) -> Result<(), HttpError> {
        let refuse = |fault: &str| Err(HttpError::Option(fault.to_owned()));
        if self.timeout.is_zero()
            || self
                .connect_timeout
                .is_some_and(|timeout| timeout.is_zero())
        {
            return refuse("a timeout is zero");
        }
        if self.body_limit == 0 {
            return refuse("the body limit is zero");
        }
        if self.max_attempts == 0 {
            return refuse("the attempts are zero, at least one is needed");
        }
        if self.client.is_some() && self.connect_timeout.is_some() {
            return refuse("`with_connect_timeout` cannot change the client of `with_client`");
        }
        if self.client.is_some() && self.ca_file.is_some() {
            return refuse("`with_ca_file` cannot change the client of `with_client`");
        }
        Ok(())
    }

    fn new_client(&self, endpoint: &Endpoint) -> Result<reqwest::Client, HttpError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT))
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE)
            .http1_only()
            .retry(retry::never())
            // Another crate may have switched these features on.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate();
        if endpoint.is_loopback() {
            // What is for this machine must not leave it, and a proxy may be another machine.
            builder = builder.no_proxy();
        }
        self.with_tls(builder, endpoint)?
            .build()
            .map_err(HttpError::Client)
    }

    #[cfg(feature = "rustls")]
    fn with_tls(
        &self,
        builder: reqwest::ClientBuilder,
        endpoint: &Endpoint,
    ) -> Result<reqwest::ClientBuilder, HttpError> {
        let mut roots = super::tls::Roots::default();
        // Reading the system's certificates takes longer than a fetch from this machine, which needs none.
        if endpoint.is_https() || !endpoint.is_loopback() {
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
        builder: reqwest::ClientBuilder,
        endpoint: &Endpoint,
    ) -> Result<reqwest::ClientBuilder, HttpError> {
        if endpoint.is_https() {
            let fault =
                "`https` needs the feature `rustls`, or a client of your own in `with_client`";
            return Err(HttpError::Option(fault.to_owned()));
        }
        Ok(builder)
    }
}

impl fmt::Debug for ScoutClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScoutClientBuilder")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}
