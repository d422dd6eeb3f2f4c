//! The options that the command line, the environment and the configuration file share.
//!
//! Each group is defined once: clap reads it from the command line and the environment, serde from the file.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Deserializer, de::Error};
use tracing::Level;

use scout_metrics_core::Organization;
use scout_metrics_examples::time;
use scout_metrics_http::exporter::ExternalUrl;

use crate::{fault, files, listen_address::ListenAddress, route_prefix::RoutePrefix};

/// A quarter: long enough to see a trend.
const DEFAULT_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct ConfigurationFile {
    pub(crate) scout: ScoutOptions,
    pub(crate) web: WebOptions,
    pub(crate) state: StateOptions,
    pub(crate) log: LogOptions,
    pub(crate) organization: BTreeMap<Organization, ScoutOptions>,
}

impl ConfigurationFile {
    /// Reads a file. Relative paths in it are relative to the directory that it is in.
    pub(crate) fn read(path: &Path) -> Result<Self, scout_metrics_core::Error> {
        let text = files::read_text_or_pipe(path).map_err(|cause| {
            fault(format!("cannot read `{}`", path.display())).with_source(cause)
        })?;
        let mut file: Self = toml::from_str(&text).map_err(|cause| {
            let place = place(&text, &cause);
            let reason = cause.message();
            fault(format!("`{}`, {place}: {reason}", path.display()))
        })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        file.scout.resolve(directory);
        file.web.resolve(directory);
        resolve(directory, &mut file.state.directory);
        for options in file.organization.values_mut() {
            options.resolve(directory);
        }
        Ok(file)
    }
}

/// Returns the line of an error, and the key if it is known. The text of the line is left out, because somebody may have
/// written a token there.
fn place(text: &str, error: &toml::de::Error) -> String {
    let before = &text[..error.span().map_or(0, |span| span.start)];
    let line = 1 + before.matches('\n').count();
    let mut short = error.clone();
    // Without the input, an error is shown as its message and its key.
    short.set_input(None);
    match short.to_string().trim_end().rsplit_once("\nin ") {
        Some((_, key)) => format!("line {line}, {key}"),
        None => format!("line {line}"),
    }
}

/// Options for fetching from Docker Scout.
#[derive(Args, Clone, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct ScoutOptions {
    /// File that holds the access token for Docker Scout
    #[arg(long, value_name = "FILE", env = "SCOUT_EXPORTER_TOKEN_FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Server to fetch from [default: https://api.scout.docker.com]
    #[arg(long, value_name = "URL", env = "SCOUT_EXPORTER_URL")]
    pub(crate) url: Option<String>,

    /// PEM file with additional certificate authorities to trust
    #[arg(long, value_name = "FILE", env = "SCOUT_EXPORTER_CA_FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Directory of scanners' reports to read instead of fetching: a directory for each stream, with a SARIF file for each image
    #[arg(long, value_name = "DIR", env = "SCOUT_EXPORTER_SCANS")]
    pub(crate) scans: Option<PathBuf>,

    /// Time between two fetches of an organization, at least 1s [default: 60m, with --demo 15s]
    #[arg(long, value_name = "TIME", value_parser = time::parse_interval, env = "SCOUT_EXPORTER_INTERVAL")]
    #[serde(deserialize_with = "interval")]
    pub(crate) interval: Option<Duration>,

    /// Maximum duration of a fetch, including all attempts [default: 40s]
    #[arg(long, value_name = "TIME", value_parser = time::parse, env = "SCOUT_EXPORTER_TIMEOUT")]
    #[serde(deserialize_with = "time")]
    pub(crate) timeout: Option<Duration>,

    /// How long the last good metrics are served beyond the interval while fetches fail [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = time::parse, env = "SCOUT_EXPORTER_MAX_STALE")]
    #[serde(deserialize_with = "time")]
    pub(crate) max_stale: Option<Duration>,
}

impl ScoutOptions {
    /// Returns these options, with the missing ones from another group.
    pub(crate) fn or(&self, other: &Self) -> Self {
        Self {
            token_file: self.token_file.clone().or(other.token_file.clone()),
            url: self.url.clone().or(other.url.clone()),
            ca_file: self.ca_file.clone().or(other.ca_file.clone()),
            scans: self.scans.clone().or(other.scans.clone()),
            interval: self.interval.or(other.interval),
            timeout: self.timeout.or(other.timeout),
            max_stale: self.max_stale.or(other.max_stale),
        }
    }

    fn resolve(&mut self, directory: &Path) {
        resolve(
            directory,
            self.token_file
                .iter_mut()
                .chain(&mut self.ca_file)
                .chain(&mut self.scans),
        );
    }
}

/// Options for serving.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct WebOptions {
    /// Address to listen on, :PORT for all interfaces, :0 for a free port; repeatable [default: 127.0.0.1:10990]
    #[arg(
        long = "web.listen-address",
        value_name = "ADDR",
        env = "SCOUT_EXPORTER_WEB_LISTEN_ADDRESS",
        value_delimiter = ','
    )]
    pub(crate) listen_address: Vec<ListenAddress>,

    /// File with a bearer token that scrapers may send; repeatable [default: everyone may scrape]
    #[arg(
        long = "web.bearer-token-file",
        value_name = "FILE",
        env = "SCOUT_EXPORTER_WEB_BEARER_TOKEN_FILE",
        value_delimiter = ','
    )]
    pub(crate) bearer_token_file: Vec<PathBuf>,

    /// PEM file with the certificate chain to serve TLS with [default: no TLS]
    #[arg(
        long = "web.tls-cert-file",
        value_name = "FILE",
        env = "SCOUT_EXPORTER_WEB_TLS_CERT_FILE"
    )]
    pub(crate) tls_cert_file: Option<PathBuf>,

    /// PEM file with the private key of the certificate [default: no TLS]
    #[arg(
        long = "web.tls-key-file",
        value_name = "FILE",
        env = "SCOUT_EXPORTER_WEB_TLS_KEY_FILE"
    )]
    pub(crate) tls_key_file: Option<PathBuf>,

    /// File with TLS, users and client certificates, in the format of Prometheus' --web.config.file
    #[arg(
        id = "web_config_file",
        long = "web.config.file",
        value_name = "FILE",
        env = "SCOUT_EXPORTER_WEB_CONFIG_FILE"
    )]
    pub(crate) config_file: Option<PathBuf>,

    /// URL at which clients reach the exporter, for example through a proxy [default: the address of each request]
    #[arg(
        long = "web.external-url",
        value_name = "URL",
        env = "SCOUT_EXPORTER_WEB_EXTERNAL_URL"
    )]
    #[serde(deserialize_with = "external_url")]
    pub(crate) external_url: Option<ExternalUrl>,

    /// Path below which everything is served [default: the path of --web.external-url]
    #[arg(
        long = "web.route-prefix",
        value_name = "PATH",
        env = "SCOUT_EXPORTER_WEB_ROUTE_PREFIX"
    )]
    pub(crate) route_prefix: Option<RoutePrefix>,

    /// For each organization, a file with a bearer token that admits requests for this organization only.
    #[arg(skip)]
    pub(crate) organization_bearer_token_file: BTreeMap<Organization, PathBuf>,
}

impl WebOptions {
    /// Returns these options of the command line, with the missing ones from the file.
    pub(crate) fn or(&self, file: &Self) -> Self {
        Self {
            listen_address: either(&self.listen_address, &file.listen_address),
            bearer_token_file: either(&self.bearer_token_file, &file.bearer_token_file),
            tls_cert_file: self.tls_cert_file.clone().or(file.tls_cert_file.clone()),
            tls_key_file: self.tls_key_file.clone().or(file.tls_key_file.clone()),
            config_file: self.config_file.clone().or(file.config_file.clone()),
            external_url: self.external_url.clone().or(file.external_url.clone()),
            route_prefix: self.route_prefix.clone().or(file.route_prefix.clone()),
            organization_bearer_token_file: file.organization_bearer_token_file.clone(),
        }
    }

    fn resolve(&mut self, directory: &Path) {
        resolve(directory, &mut self.bearer_token_file);
        resolve(directory, self.organization_bearer_token_file.values_mut());
        resolve(
            directory,
            self.tls_cert_file.iter_mut().chain(&mut self.tls_key_file),
        );
        resolve(directory, &mut self.config_file);
    }
}

fn resolve<'a>(directory: &Path, paths: impl IntoIterator<Item = &'a mut PathBuf>) {
    for path in paths {
        *path = directory.join(&path);
    }
}

fn either<T: Clone>(first: &[T], second: &[T]) -> Vec<T> {
    if first.is_empty() { second } else { first }.to_vec()
}

/// Options for the metrics that are kept over a restart.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct StateOptions {
    /// Directory that keeps the metrics over a restart [default: nothing is kept]
    #[arg(
        id = "state_dir",
        long = "state-dir",
        value_name = "DIR",
        env = "SCOUT_EXPORTER_STATE_DIR"
    )]
    pub(crate) directory: Option<PathBuf>,

    /// How long the metrics are kept [default: 90d]
    #[arg(
        id = "state_retention",
        long = "state-retention",
        value_name = "TIME",
        value_parser = time::parse_days,
        env = "SCOUT_EXPORTER_STATE_RETENTION"
    )]
    #[serde(deserialize_with = "retention")]
    pub(crate) retention: Option<Duration>,
}

impl StateOptions {
    /// Returns these options of the command line, with the missing ones from the file.
    pub(crate) fn or(&self, file: &Self) -> Self {
        Self {
            directory: self.directory.clone().or(file.directory.clone()),
            retention: self.retention.or(file.retention),
        }
    }

    pub(crate) fn retention(&self) -> Duration {
        self.retention.unwrap_or(DEFAULT_RETENTION)
    }
}

/// Options for the log, which is always written to standard error.
#[derive(Args, Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct LogOptions {
    /// Format of the log [default: text]
    #[arg(
        long = "log.format",
        value_name = "FORMAT",
        env = "SCOUT_EXPORTER_LOG_FORMAT",
        value_enum
    )]
    format: Option<LogFormat>,

    /// Minimum level to log [default: info]
    #[arg(
        long = "log.level",
        value_name = "LEVEL",
        env = "SCOUT_EXPORTER_LOG_LEVEL",
        value_enum
    )]
    level: Option<LogLevel>,
}

impl LogOptions {
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            format: self.format.or(other.format),
            level: self.level.or(other.level),
        }
    }

    pub(crate) fn with_format_of(self, other: Self) -> Self {
        Self {
            format: other.format,
            ..self
        }
    }

    pub(crate) fn format(self) -> LogFormat {
        self.format.unwrap_or(LogFormat::Text)
    }

    pub(crate) fn level(self) -> Level {
        match self.level.unwrap_or(LogLevel::Info) {
            LogLevel::Error => Level::ERROR,
            LogLevel::Warn => Level::WARN,
            LogLevel::Info => Level::INFO,
            LogLevel::Debug => Level::DEBUG,
            LogLevel::Trace => Level::TRACE,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Json,
    Text,
}

#[derive(Clone, Copy, Debug, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

fn time<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Duration>, D::Error> {
    parsed(value, time::parse)
}

fn interval<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Duration>, D::Error> {
    parsed(value, time::parse_interval)
}

fn retention<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Duration>, D::Error> {
    parsed(value, time::parse_days)
}

fn external_url<'de, D: Deserializer<'de>>(value: D) -> Result<Option<ExternalUrl>, D::Error> {
    parsed(value, str::parse)
}

/// Reads a text of the file as clap reads it from the command line.
fn parsed<'de, D: Deserializer<'de>, T, E: fmt::Display>(
    value: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(value)?;
    parse(&text).map(Some).map_err(D::Error::custom)
}
