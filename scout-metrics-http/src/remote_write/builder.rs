//! The options of remote write, their defaults, and the checks on them.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use scout_metrics_core::{Error, ErrorKind, MetricsSource, Organization, Poller, Result};

use super::{
    ProtocolVersion, RemoteWrite, RemoteWriter,
    batch::BatchLimits,
    negotiation::Negotiation,
    queue::Queue,
    receiver::{RESERVED_HEADERS, Receiver},
    sender::Sender,
    task::{self, Collector, Shared},
    tracker::{ORGANIZATION, Tracker},
};
use crate::transport::{
    authorization::{AuthorizationOptions, TokenOption},
    error::HttpError,
    http_client::ConnectOptions,
    proxy::Route,
    retry::Backoff,
    server_url::ServerUrl,
};

/// The usual interval of scrapes. Prometheus forgets a series that has no sample for five minutes, so one or two may be
/// lost.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// That of Prometheus (`remote_timeout`).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

const DEFAULT_WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// The samples are those of Prometheus (`max_samples_per_send`). So many of Docker Scout's have about half of the bytes.
const DEFAULT_LIMITS: BatchLimits = BatchLimits {
    samples: 2000,
    bytes: 1024 * 1024,
};

const DEFAULT_QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// The range of a block of Prometheus, which refuses samples that are much older than the newest one it has.
const DEFAULT_MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

const DEFAULT_BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    max: Duration::from_secs(30),
};

const EXAMPLE: &str = "https://prometheus.example/api/v1/write";

/// The options of a [`RemoteWrite`] task or a [`RemoteWriter`], all of which have defaults.
#[derive(Debug)]
#[must_use = "a builder does nothing until `spawn` or `build` is called"]
pub struct RemoteWriteBuilder {
    url: String,
    authorization: AuthorizationOptions,
    allow_insecure_http: bool,
    connect: ConnectOptions,
    client: Option<reqwest::Client>,
    labels: Vec<(String, String)>,
    version: Option<ProtocolVersion>,
    interval: Duration,
    timeout: Duration,
    write_timeout: Duration,
    limits: BatchLimits,
    queue_bytes: usize,
    max_age: Duration,
    backoff: Backoff,
    ends_series: bool,
}

impl RemoteWriteBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            authorization: AuthorizationOptions::default(),
            allow_insecure_http: false,
            connect: ConnectOptions::default(),
            client: None,
            labels: Vec::new(),
            version: None,
            interval: DEFAULT_INTERVAL,
            timeout: DEFAULT_TIMEOUT,
            write_timeout: DEFAULT_WRITE_TIMEOUT,
            limits: DEFAULT_LIMITS,
            queue_bytes: DEFAULT_QUEUE_BYTES,
            max_age: DEFAULT_MAX_AGE,
            backoff: DEFAULT_BACKOFF,
            ends_series: false,
        }
    }

    /// Sends this token as a bearer token, or as the password of [`with_user`](Self::with_user). White space and line ends
    /// around it are ignored; it must be visible ASCII.
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.authorization.token = TokenOption::Value(token.into().into());
        self
    }

    /// Reads the token or password from a file, again for each request; see
    /// [`ScoutClientBuilder::with_token_file`](crate::ScoutClientBuilder::with_token_file). If the receiver answers with 401
    /// and the file has changed, the request is sent once more.
    pub fn with_token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorization.token = TokenOption::File(path.into());
        self
    }

    /// Sends the token as the password of this user (HTTP Basic authentication), as Grafana Cloud requires.
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.authorization.user = Some(user.into());
        self
    }

    /// Adds a header to each request, such as `X-Scope-OrgID` with a tenant. The value is treated as a secret.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.authorization
            .headers
            .push((name.into(), value.into().into()));
        self
    }

    /// Adds a label to all samples, such as `job`, `instance` or `cluster`. Every sample of a snapshot has the label `org`
    /// as well. A label of the data that has the same name is renamed to `exported_<name>`, as Prometheus does.
    pub fn with_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }

    /// Sets the version of the protocol. By default 2.0 is tried, and 1.0 if the receiver does not understand it.
    pub fn with_version(mut self, version: ProtocolVersion) -> Self {
        self.version = Some(version);
        self
    }

    /// Sets how often the current snapshots are written although they have not changed; one minute by default.
    ///
    /// Prometheus forgets a series that has no sample for five minutes, so the interval should be at most two.
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets the maximum time of one request, including the answer; 30 seconds by default.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the maximum time to connect, including the TLS handshake; 10 seconds by default.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect.timeout = Some(timeout);
        self
    }

    /// Sets the maximum time of a call of [`RemoteWriter::write`], including all attempts and the pauses between them; one
    /// minute by default. A task is not bound by it.
    pub fn with_write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Sets the maximum number of samples of a request, and its maximum size in bytes before compression; 2000 samples and
    /// 1 MiB by default. A request has at least one sample.
    pub fn with_request_limits(mut self, samples: usize, bytes: usize) -> Self {
        self.limits = BatchLimits { samples, bytes };
        self
    }

    /// Sets the maximum memory in bytes of samples that wait while the receiver is down or slow; 64 MiB by default. The
    /// oldest are dropped first.
    ///
    /// A snapshot that is written again because it has not changed shares its memory. Up to two snapshots of each
    /// organization are kept in addition: the current one, and one of which only a part is in the queue. So is the request that
    /// is on its way.
    pub fn with_queue_limit(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// Sets for how long a sample is kept while the receiver is down; two hours by default.
    ///
    /// Receivers such as Prometheus refuse samples that are much older than the newest one they have.
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets the maximum pause after the first failure, and after many consecutive ones; 1 second and 30 seconds by default.
    ///
    /// The pause is random, and doubles with each failure. The `Retry-After` of the receiver is added, up to
    /// [one hour](scout_metrics_core::MAX_RETRY_AFTER).
    pub fn with_backoff(mut self, first: Duration, max: Duration) -> Self {
        self.backoff = Backoff { first, max };
        self
    }

    /// Sets whether [`RemoteWrite::shutdown`] marks all series as ended. Default: `false`, because a program that restarts
    /// would leave a gap in them.
    pub fn with_end_of_series(mut self, ends: bool) -> Self {
        self.ends_series = ends;
        self
    }

    /// Sets whether plain `http` to other machines is allowed although a token or headers are sent, which exposes them on the
    /// network. Default: `false`. Without either, plain `http` is always allowed.
    pub fn with_allow_insecure_http(mut self, allow: bool) -> Self {
        self.allow_insecure_http = allow;
        self
    }

    /// Adds the certificates of a PEM file to the trusted ones. The file is read when the builder is used.
    #[cfg(feature = "rustls")]
    pub fn with_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.connect.ca_file = Some(path.into());
        self
    }

    /// Sends the requests with the caller's own client; see
    /// [`ScoutClientBuilder::with_client`](crate::ScoutClientBuilder::with_client).
    pub fn with_client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Starts a task that writes what pollers return, and returns a handle to it. The task keeps the pollers running.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](scout_metrics_core::ErrorKind::Config) if an option cannot be used; the message names the option
    /// and the reason. [`ErrorKind::Invalid`](scout_metrics_core::ErrorKind::Invalid) if two pollers have the same
    /// organization.
    ///
    /// # Panics
    ///
    /// If it is not called on a tokio runtime.
    pub fn spawn(self, pollers: impl IntoIterator<Item = Poller>) -> Result<RemoteWrite> {
        let pollers: Vec<Poller> = pollers.into_iter().collect();
        check_organizations(pollers.iter().map(Poller::organization), "pollers")?;
        let sender = self.sender()?;
        Ok(self.spawn_with(sender, pollers))
    }

    /// Starts the task with a sender that has been made of the same options.
    pub(super) fn spawn_with(self, sender: Sender, pollers: Vec<Poller>) -> RemoteWrite {
        let queue = Queue::new(self.queue_bytes, self.max_age);
        let shared = Arc::new(Shared::new(queue, self.max_age));
        let labels: Arc<[_]> = self.labels.into();
        let trackers = (0..pollers.len()).map(|group| Tracker::new(group, Arc::clone(&labels)));
        let collector = Collector {
            trackers: trackers.collect(),
            pollers,
            interval: self.interval,
            ends_series: self.ends_series,
        };
        let task = Arc::clone(&shared);
        let task = tokio::spawn(async move { task::run(&task, collector, sender).await });
        RemoteWrite::new(shared, task.abort_handle())
    }

    /// Returns a writer for programs that write once. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](scout_metrics_core::ErrorKind::Config), as for [`spawn`](Self::spawn).
    pub fn build(self) -> Result<RemoteWriter> {
        let sender = self.sender()?;
        Ok(RemoteWriter::new(sender, self.write_timeout, self.labels))
    }

    fn sender(&self) -> Result<Sender, HttpError> {
        self.check()?;
        let allow_insecure = self.allow_insecure_http || !self.authorization.has_secrets();
        let url = ServerUrl::parse(&self.url, allow_insecure, EXAMPLE)
            .map_err(|fault| refuse(format!("cannot use the URL of remote write: {fault}")))?;
        let (http, route) = match &self.client {
            Some(client) => (client.clone(), Route::Unknown),
            None => (self.connect.client(&url)?, url.route()),
        };
        Ok(Sender {
            receiver: Box::new(Receiver {
                http,
                url,
                route,
                authorization: self.authorization.build(RESERVED_HEADERS)?,
                timeout: self.timeout,
            }),
            negotiation: Negotiation::new(self.version),
            limits: self.limits,
            backoff: self.backoff,
        })
    }

    fn check(&self) -> Result<(), HttpError> {
        for (duration, method) in [
            (self.interval, "with_interval"),
            (self.timeout, "with_timeout"),
            (self.write_timeout, "with_write_timeout"),
        ] {
            if duration.is_zero() {
                return Err(refuse(format!("the time of `{method}` is zero")));
            }
        }
        if self
            .connect
            .timeout
            .is_some_and(|timeout| timeout.is_zero())
        {
            return Err(refuse(
                "the time of `with_connect_timeout` is zero".to_owned(),
            ));
        }
        if self.limits.samples == 0 {
            return Err(refuse(
                "the number of samples of `with_request_limits` is zero".to_owned(),
            ));
        }
        if self.client.is_some()
            && (self.connect.timeout.is_some() || self.connect.ca_file.is_some())
        {
            let fault =
                "`with_connect_timeout` and `with_ca_file` cannot be combined with `with_client`";
            return Err(refuse(fault.to_owned()));
        }
        for (place, (name, _)) in self.labels.iter().enumerate() {
            let shown = name.escape_debug();
            let fault = if !is_plain(name) {
                "is not the name of a label"
            } else if name.starts_with("__") {
                "is reserved, because it begins with two underscores"
            } else if name == ORGANIZATION {
                "is set to the organization"
            } else if self.labels[..place].iter().any(|(other, _)| other == name) {
                "is given twice"
            } else {
                continue;
            };
            return Err(refuse(format!(
                "the label `{shown}` of `with_label` {fault}"
            )));
        }
        Ok(())
    }
}

fn refuse(fault: String) -> HttpError {
    HttpError::Option(fault)
}

/// Returns whether every receiver knows such a name of a label: `[a-zA-Z_][a-zA-Z0-9_]*`.
fn is_plain(name: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !name.is_empty() && name.bytes().all(is_part) && !name.as_bytes()[0].is_ascii_digit()
}

/// Refuses an organization that is named twice: both would have the same series.
pub(super) fn check_organizations<'a>(
    organizations: impl Iterator<Item = &'a Organization>,
    things: &str,
) -> Result<()> {
    let mut seen = BTreeSet::new();
    for organization in organizations {
        if !seen.insert(organization) {
            let message = format!("two {things} have this organization");
            return Err(Error::new(ErrorKind::Invalid, message).with_organization(organization));
        }
    }
    Ok(())
}
