//! The options of a history on a server, their defaults, and the checks on them.

use std::{collections::HashSet, fmt, path::PathBuf, sync::Arc, time::Duration};

use scout_metrics_core::{Organization, Result};

use super::{
    Inner, PrometheusHistory, Scope,
    api::Api,
    promql::{Matchers, is_label},
};
use crate::transport::{
    authorization::{AuthorizationOptions, TokenOption},
    error::HttpError,
    http_client::ConnectOptions,
    proxy::Route,
    retry::{DEFAULT_BACKOFF, RetryPolicy},
    server_url::ServerUrl,
};

/// The time after which Prometheus itself gives up a query.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// About two and a half million values. A month of hourly snapshots of an organization of 236 samples has 4 MB.
const DEFAULT_BODY_LIMIT: u64 = 64 * 1024 * 1024;

const DEFAULT_MAX_ATTEMPTS: u32 = 3;

/// The default of VictoriaMetrics' `-search.latencyOffset`.
const DEFAULT_INGESTION_DELAY: Duration = Duration::from_secs(30);

/// The label with which the exporter's `/metrics` distinguishes organizations.
const DEFAULT_ORGANIZATION_LABEL: &str = "org";

/// The labels that Prometheus and its operator give to targets.
const TARGET_LABELS: [&str; 9] = [
    "container",
    "endpoint",
    "instance",
    "job",
    "namespace",
    "pod",
    "prometheus",
    "prometheus_replica",
    "service",
];

/// The headers that every request has already.
const RESERVED_HEADERS: [&str; 4] = ["accept", "accept-encoding", "content-length", "host"];

/// Builds a [`PrometheusHistory`]. Only the URL is required.
#[must_use = "a builder does nothing until `build` is called"]
pub struct PrometheusHistoryBuilder {
    url: String,
    authorization: AuthorizationOptions,
    allow_insecure_http: bool,
    timeout: Duration,
    body_limit: u64,
    max_attempts: u32,
    backoff: Duration,
    ingestion_delay: Duration,
    connect: ConnectOptions,
    client: Option<reqwest::Client>,
    organization: Option<Organization>,
    organization_label: String,
    matchers: Vec<(String, String)>,
    target_labels: Vec<String>,
}

impl PrometheusHistoryBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            authorization: AuthorizationOptions::default(),
            allow_insecure_http: false,
            timeout: DEFAULT_TIMEOUT,
            body_limit: DEFAULT_BODY_LIMIT,
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            backoff: DEFAULT_BACKOFF,
            ingestion_delay: DEFAULT_INGESTION_DELAY,
            connect: ConnectOptions::default(),
            client: None,
            organization: None,
            organization_label: DEFAULT_ORGANIZATION_LABEL.to_owned(),
            matchers: Vec::new(),
            target_labels: TARGET_LABELS.map(str::to_owned).into(),
        }
    }

    /// Sends the token in a file with each request, as a bearer token or, with [`with_user`](Self::with_user), as the
    /// password. The file is read again for each request, so that it can be rotated without a restart.
    ///
    /// The rules for the file are those of `ScoutClientBuilder::with_token_file`.
    pub fn with_token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorization.token = TokenOption::File(path.into());
        self
    }

    /// Sends this token with each request, as a bearer token or, with [`with_user`](Self::with_user), as the password.
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.authorization.token = TokenOption::Value(token.into().into());
        self
    }

    /// Authenticates as a user, with the token as the password (HTTP Basic authentication), as Grafana Cloud requires.
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.authorization.user = Some(user.into());
        self
    }

    /// Sends a header with each request, such as `X-Scope-OrgID` with the tenant of Mimir. Its value is treated as a secret.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let header = (name.into(), value.into().into());
        self.authorization.headers.push(header);
        self
    }

    /// Sets whether tokens and headers may be sent to other machines over plain `http`, which exposes them on the network.
    /// Default: `false`.
    ///
    /// Without tokens and headers plain `http` is always allowed, as most servers of the kind are set up. Whoever controls
    /// the network can then change the answers.
    pub fn with_allow_insecure_http(mut self, allow: bool) -> Self {
        self.allow_insecure_http = allow;
        self
    }

    /// Sets the maximum time of a call of the history, including all requests, attempts and pauses.
    ///
    /// Default: two minutes, the time after which Prometheus itself gives up a query.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the maximum time to connect, including the TLS handshake. Default: 10 seconds.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect.timeout = Some(timeout);
        self
    }

    /// Sets the maximum size in bytes of an answer, both compressed and decompressed. A range whose answer is larger is
    /// asked for in parts.
    ///
    /// Default: 64 MiB, about two and a half million values.
    pub fn with_body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets the maximum number of attempts of a request that fails for a transient reason: a broken connection, HTTP 408,
    /// 429, 500, 502, 503 and 504. Default: 3. With 1 nothing is retried.
    ///
    /// One more attempt is made after HTTP 401 if the token file has changed.
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the maximum pause before the second attempt, which doubles with each further attempt. Default: 500 ms.
    pub fn with_backoff(mut self, longest: Duration) -> Self {
        self.backoff = longest;
        self
    }

    /// Sets how old a time must be before it is asked for. Younger times are replaced by this one.
    ///
    /// Default: 30 seconds, as in VictoriaMetrics. A server that receives samples from others may have only some samples of
    /// a scrape in the seconds after it, and a snapshot without some of its streams would look as if they were gone.
    /// Prometheus itself stores a scrape at once, so zero is right if it scrapes the exporter itself. VictoriaMetrics needs a
    /// few seconds.
    pub fn with_ingestion_delay(mut self, delay: Duration) -> Self {
        self.ingestion_delay = delay;
        self
    }

    /// Adds the certificates of a PEM file to the trusted ones, such as those of a company's own authority. The file is
    /// read when [`build`](Self::build) is called.
    #[cfg(feature = "rustls")]
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.connect.ca_file = Some(path.into());
        self
    }

    /// Sends the requests with the caller's own client, which brings its redirects, proxies, TLS and connect timeout. It
    /// cannot be combined with [`with_connect_timeout`](Self::with_connect_timeout) and `with_ca_file`.
    pub fn with_client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Sets the label that has the organization. Default: `org`, which the exporter's `/metrics` writes.
    pub fn with_organization_label(mut self, name: impl Into<String>) -> Self {
        self.organization_label = name.into();
        self
    }

    /// Declares that all samples are of one organization, for a job without a label for it. Combine it with
    /// [`with_matcher`](Self::with_matcher) if the server has other organizations as well.
    pub fn with_organization(mut self, organization: Organization) -> Self {
        self.organization = Some(organization);
        self
    }

    /// Uses only series in which a label has this value, such as `job` or `cluster`. May be called several times.
    ///
    /// A server that scrapes an organization twice, in two jobs, has each snapshot twice. They do not mix, because their
    /// times differ, but a matcher spares the server half of the work.
    pub fn with_matcher(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.matchers.push((label.into(), value.into()));
        self
    }

    /// Declares a label that a target, a rule or a remote write gave to the samples, such as `cluster` or `replica`, so
    /// that it is left out of snapshots. May be called several times.
    ///
    /// The labels `container`, `endpoint`, `instance`, `job`, `namespace`, `pod`, `prometheus`, `prometheus_replica` and
    /// `service`, which Prometheus and its operator set, the label of the organization, and those of
    /// [`with_matcher`](Self::with_matcher) are left out as well. A sample with any other label is in no stream, because
    /// Docker Scout may count something else with it: it becomes an anomaly of the kind
    /// [`UnknownLabel`](scout_metrics_core::AnomalyKind::UnknownLabel).
    pub fn with_target_label(mut self, name: impl Into<String>) -> Self {
        self.target_labels.push(name.into());
        self
    }

    /// Builds the history. No request is made, and a token file is not read yet.
    ///
    /// As [`ScoutClientBuilder::build`](crate::ScoutClientBuilder::build), it reads certificates, which blocks the thread
    /// for some milliseconds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](scout_metrics_core::ErrorKind::Config) if an option cannot be used; the message names the
    /// option and the reason.
    pub fn build(self) -> Result<PrometheusHistory> {
        Ok(self.try_build()?)
    }

    fn try_build(self) -> Result<PrometheusHistory, HttpError> {
        self.check()?;
        let is_open = self.allow_insecure_http || !self.authorization.has_secrets();
        let server = server(&self.url, is_open)?;
        let (http, route) = match self.client {
            Some(client) => (client, Route::Unknown),
            None => (self.connect.client(&server)?, server.route()),
        };
        let mut foreign: HashSet<String> = self.target_labels.into_iter().collect();
        let mut matchers = Matchers::default();
        for (label, value) in self.matchers {
            matchers = matchers.with(&label, &value);
            foreign.insert(label);
        }
        let scope = match self.organization {
            Some(organization) => Scope::One(organization),
            None => {
                foreign.insert(self.organization_label.clone());
                Scope::Label(self.organization_label)
            }
        };
        Ok(PrometheusHistory(Arc::new(Inner {
            api: Api {
                http,
                server,
                route,
                authorization: self.authorization.build(&RESERVED_HEADERS)?,
                timeout: self.timeout,
                body_limit: self.body_limit,
                retry: RetryPolicy {
                    max_attempts: self.max_attempts,
                    backoff: self.backoff,
                },
            },
            scope,
            matchers,
            foreign,
            ingestion_delay: self.ingestion_delay,
        })))
    }

    fn check(&self) -> Result<(), HttpError> {
        let labels = self.matchers.iter().map(|(label, _)| label);
        let labels = labels.chain([&self.organization_label]);
        for label in labels.chain(&self.target_labels) {
            if !is_label(label) {
                let shown = label.escape_debug();
                return Err(refuse(&format!(
                    "`{shown}` is not the name of a label: expected letters, digits and underscores"
                )));
            }
        }
        if self.timeout.is_zero()
            || self
                .connect
                .timeout
                .is_some_and(|timeout| timeout.is_zero())
        {
            return Err(refuse(
                "the timeout is zero: call `with_timeout` or `with_connect_timeout` with a longer one",
            ));
        }
        if self.body_limit == 0 {
            return Err(refuse("the limit of `with_body_limit` is zero"));
        }
        if self.max_attempts == 0 {
            return Err(refuse(
                "the number of `with_max_attempts` is zero, expected at least one",
            ));
        }
        if self.client.is_some() && self.connect.timeout.is_some() {
            return Err(refuse(
                "`with_connect_timeout` cannot be combined with `with_client`",
            ));
        }
        if self.client.is_some() && self.connect.ca_file.is_some() {
            return Err(refuse(
                "`with_ca_file` cannot be combined with `with_client`",
            ));
        }
        Ok(())
    }
}

fn server(url: &str, is_open: bool) -> Result<ServerUrl, HttpError> {
    let refuse = |fault: &str| refuse(&format!("cannot use the URL of the server: {fault}"));
    let example = "https://prometheus.example";
    let server = ServerUrl::parse(url, is_open, example).map_err(|fault| refuse(&fault))?;
    if server.url().query().is_some() || server.url().fragment().is_some() {
        return Err(refuse("it has a query or fragment"));
    }
    Ok(server)
}

fn refuse(fault: &str) -> HttpError {
    HttpError::Option(fault.to_owned())
}

impl fmt::Debug for PrometheusHistoryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrometheusHistoryBuilder")
            .field("authorization", &self.authorization)
            .finish_non_exhaustive()
    }
}
