//! The options of a client, their defaults, and the checks on them.

use std::{fmt, mem, path::PathBuf, sync::Arc, time::Duration};

use scout_metrics_core::Result;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Inner, ScoutClient,
    url::{DEFAULT_BASE_URL, DEFAULT_PATH, UrlTemplate},
};
#[cfg(feature = "docker-login")]
use crate::transport::docker_login::DockerLogin;
use crate::transport::{
    credentials::Credentials,
    error::HttpError,
    http_client::ConnectOptions,
    proxy::Route,
    retry::{DEFAULT_BACKOFF, RetryPolicy},
};

/// The scrape timeout of Docker's own sample configuration for Prometheus.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(40);

/// About half a million samples of Scout. An organization of 236 samples has 30 kB.
const DEFAULT_BODY_LIMIT: u64 = 64 * 1024 * 1024;

const DEFAULT_MAX_ATTEMPTS: u32 = 3;

/// Builds a [`ScoutClient`].
///
/// A token is required, from one of [`with_token_file`](Self::with_token_file), [`with_token`](Self::with_token) and
/// [`with_token_from_env`](Self::with_token_from_env); the last call wins. Everything else has a default.
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
/// # Ok::<(), scout_metrics_http::Error>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct ScoutClientBuilder {
    token: TokenOption,
    #[cfg(feature = "docker-login")]
    docker_login: bool,
    base_url: String,
    path: String,
    allow_insecure_http: bool,
    timeout: Duration,
    connect: ConnectOptions,
    body_limit: u64,
    max_attempts: u32,
    backoff: Duration,
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
            #[cfg(feature = "docker-login")]
            docker_login: false,
            base_url: DEFAULT_BASE_URL.to_owned(),
            path: DEFAULT_PATH.to_owned(),
            allow_insecure_http: false,
            timeout: DEFAULT_TIMEOUT,
            connect: ConnectOptions::default(),
            body_limit: DEFAULT_BODY_LIMIT,
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            backoff: DEFAULT_BACKOFF,
            client: None,
        }
    }

    /// Reads the token from a file. The file is read again for each fetch, so that it can be rotated without a restart.
    ///
    /// White space, line ends and a byte order mark around the token are ignored. The file must be a regular file of at
    /// most 64 KiB; it may be created after the client is built.
    ///
    /// If the file cannot be read later, or contains no token, the token stays in use until ten minutes after it was last
    /// read, with a warning in the log. Without such a token, the client tries to read the file again for half a second,
    /// then the fetch fails. A file that every user of the machine can read is used, with one warning in the log,
    /// unless it belongs to another user or is on a read-only file system, as a secret in a container is.
    pub fn with_token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token = TokenOption::File(path.into());
        self
    }

    /// Uses this token. White space and line ends around it are ignored.
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = TokenOption::Value(token.into().into());
        self
    }

    /// Uses the first of these environment variables that is set when [`build`](Self::build) is called:
    ///
    /// 1. `DOCKER_SCOUT_TOKEN_FILE`, the path of a file, as in [`with_token_file`](Self::with_token_file);
    /// 2. `DOCKER_SCOUT_TOKEN`, a token;
    /// 3. `DOCKER_SCOUT_HUB_PASSWORD`, a token, which the docker scout CLI reads too.
    ///
    /// A variable that is empty or contains only white space counts as not set.
    pub fn with_token_from_env(mut self) -> Self {
        self.token = TokenOption::Environment;
        self
    }

    /// Uses the credentials that `docker login` keeps for Docker Hub if no other token is given: neither in code nor, with
    /// [`with_token_from_env`](Self::with_token_from_env), in the environment.
    ///
    /// They are in `config.json`, in the directory `DOCKER_CONFIG` or else `.docker` in the home directory, or a credential
    /// helper named there keeps them: a program `docker-credential-<name>` in `PATH`, which is run. Both are read for each
    /// fetch, but at most every ten seconds, within the timeout. The password or identity token is used as the access
    /// token, so the user must have logged in with one, or with a browser. [`ScoutClient::uses_docker_login`] returns
    /// whether the client uses them.
    ///
    /// The credentials are those of an account of Docker, so they are sent to `https://api.scout.docker.com` and to loopback
    /// addresses only. With another [base URL](Self::with_base_url), [`build`](Self::build) fails.
    ///
    /// # Examples
    ///
    /// ```
    /// use scout_metrics_http::ScoutClient;
    ///
    /// let builder = || ScoutClient::builder().with_docker_login();
    /// assert!(builder().build()?.uses_docker_login());
    /// assert!(!builder().with_token("dckr_pat_example").build()?.uses_docker_login());
    /// assert!(builder().with_base_url("https://gateway.example").build().is_err());
    /// # Ok::<(), scout_metrics_http::Error>(())
    /// ```
    #[cfg(feature = "docker-login")]
    pub fn with_docker_login(mut self) -> Self {
        self.docker_login = true;
        self
    }

    /// Sets the server: a gateway, or an exporter of `scout-metrics-http`. Default: `https://api.scout.docker.com`.
    ///
    /// The path of the URL is prepended to the path of the metrics. Plain `http` is accepted for loopback addresses only,
    /// see [`with_allow_insecure_http`](Self::with_allow_insecure_http). Requests to loopback addresses never use a proxy.
    pub fn with_base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Sets the path of the metrics, with `{org}` in place of the organization. Default:
    /// `/v1/exporter/org/{org}/metrics`.
    ///
    /// Until May 2024 Docker's documentation gave the path without `/metrics` at its end.
    pub fn with_path_template(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets whether plain `http` to other machines is allowed, which exposes the token on the network. Default: `false`.
    pub fn with_allow_insecure_http(mut self, allow: bool) -> Self {
        self.allow_insecure_http = allow;
        self
    }

    /// Sets the maximum time of a fetch, including all attempts, the pauses between them, and the whole body.
    ///
    /// Default: 40 seconds, the scrape timeout of Docker's own sample configuration.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the maximum time to connect, including the TLS handshake. Default: 10 seconds, a quarter of the default timeout,
    /// which leaves time for another attempt.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect.timeout = Some(timeout);
        self
    }

    /// Sets the maximum size of a body in bytes, both compressed and decompressed.
    ///
    /// Default: 64 MiB, about half a million samples of Scout.
    pub fn with_body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets the maximum number of requests of a fetch that fails for a transient reason: a broken connection, HTTP 408,
    /// 429, 500, 502, 503 and 504. Default: 3. With 1 nothing is retried.
    ///
    /// One more request is made after HTTP 401 if the token file has changed.
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the maximum pause before the second attempt; it doubles for each further one. Default: 500 milliseconds.
    ///
    /// The pause is random, and at least a tenth of this, so that clients which failed together do not retry together.
    /// The server's `Retry-After` is added. If the pause would exceed the timeout, the fetch fails at once, and the error
    /// has the server's delay in [`retry_after`](scout_metrics_core::Error::retry_after).
    pub fn with_backoff(mut self, longest: Duration) -> Self {
        self.backoff = longest;
        self
    }

    /// Adds the certificates of a PEM file to the trusted ones, such as those of a company's own authority. The file is
    /// read when [`build`](Self::build) is called.
    ///
    /// The public authorities of [webpki-roots] and those of the system are always trusted.
    ///
    /// [webpki-roots]: https://docs.rs/webpki-roots
    #[cfg(feature = "rustls")]
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.connect.ca_file = Some(path.into());
        self
    }

    /// Sends the requests with the caller's own client.
    ///
    /// The client brings its redirects, proxies, TLS and connect timeout, so it cannot be combined with
    /// [`with_connect_timeout`](Self::with_connect_timeout) and `with_ca_file`. If it follows a redirect to another
    /// origin, the answer is an error. The client must be of the version that this crate re-exports as
    /// [`reqwest`](crate::reqwest).
    pub fn with_client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Builds the client. No request is made, and a token file is not read yet; see
    /// [`ScoutClient::check_token`].
    ///
    /// The certificates of `with_ca_file` are read, and unless the server is this machine, those of the system. This blocks
    /// the thread for some milliseconds, so a program that builds clients while it serves should do so in
    /// `tokio::task::spawn_blocking`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](scout_metrics_core::ErrorKind::Config) if an option cannot be used; the message names the
    /// option and the reason.
    pub fn build(self) -> Result<ScoutClient> {
        Ok(self.try_build()?)
    }

    fn try_build(mut self) -> Result<ScoutClient, HttpError> {
        self.check()?;
        let urls = UrlTemplate::new(&self.base_url, &self.path, self.allow_insecure_http)?;
        let credentials = match mem::replace(&mut self.token, TokenOption::Missing) {
            TokenOption::Environment => Credentials::from_env(),
            TokenOption::File(path) => Ok(Credentials::from_file(path)),
            TokenOption::Missing => Err(HttpError::NoToken),
            TokenOption::Value(token) => Credentials::from_value(token.expose_secret()),
        };
        #[cfg(feature = "docker-login")]
        let credentials = self.or_docker_login(credentials, &urls);
        let credentials = credentials?;
        let (http, route) = match self.client.take() {
            Some(client) => (client, Route::Unknown),
            None => (self.connect.client(urls.server())?, urls.server().route()),
        };
        Ok(ScoutClient(Arc::new(Inner {
            http,
            urls,
            route,
            credentials,
            timeout: self.timeout,
            body_limit: self.body_limit,
            retry: RetryPolicy {
                max_attempts: self.max_attempts,
                backoff: self.backoff,
            },
        })))
    }

    /// Returns the credentials of `docker login` if no other token was given, and they may be used.
    #[cfg(feature = "docker-login")]
    fn or_docker_login(
        &self,
        credentials: Result<Credentials, HttpError>,
        urls: &UrlTemplate,
    ) -> Result<Credentials, HttpError> {
        match credentials {
            Err(HttpError::NoToken | HttpError::NoVariable) if self.docker_login => {
                let server = urls.server();
                if server.server() != DEFAULT_BASE_URL && !server.is_loopback() {
                    return Err(HttpError::ForeignLogin(server.server()));
                }
                Ok(Credentials::DockerLogin(DockerLogin::from_env()))
            }
            credentials => credentials,
        }
    }

    fn check(&self) -> Result<(), HttpError> {
        let refuse = |fault: &str| Err(HttpError::Option(fault.to_owned()));
        if self.timeout.is_zero()
            || self
                .connect
                .timeout
                .is_some_and(|timeout| timeout.is_zero())
        {
            return refuse(
                "the timeout is zero: call `with_timeout` or `with_connect_timeout` with a longer one",
            );
        }
        if self.body_limit == 0 {
            return refuse("the limit of `with_body_limit` is zero");
        }
        if self.max_attempts == 0 {
            return refuse("the number of `with_max_attempts` is zero, expected at least one");
        }
        if self.client.is_some() && self.connect.timeout.is_some() {
            return refuse("`with_connect_timeout` cannot be combined with `with_client`");
        }
        if self.client.is_some() && self.connect.ca_file.is_some() {
            return refuse("`with_ca_file` cannot be combined with `with_client`");
        }
        Ok(())
    }
}

impl fmt::Debug for ScoutClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScoutClientBuilder")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}
