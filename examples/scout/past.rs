//! Where past snapshots come from: a SQLite file or a server.

use std::{
    error::Error,
    path::{Path, PathBuf},
};

use clap::Args;

use scout_metrics_core::{History, Organization};
use scout_metrics_examples::{history, terminal};
use scout_metrics_http::PrometheusHistory;

use crate::status::usage_if_invalid;

/// A place with past snapshots that was named on the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Past<'a> {
    File(&'a Path),
    Server(&'a Server, &'a str),
}

impl Past<'_> {
    /// Opens a file that exists. A server is not asked yet.
    pub(crate) async fn open(self) -> Result<Box<dyn History>, Box<dyn Error>> {
        match self {
            Self::File(path) => Ok(Box::new(history::open(path).await?)),
            Self::Server(server, url) => Ok(Box::new(server.connect(url)?)),
        }
    }

    /// Returns the place in the words of a message.
    pub(crate) fn name(self) -> String {
        match self {
            Self::File(path) => {
                format!(
                    "the history `{}`",
                    terminal::printable(&path.to_string_lossy())
                )
            }
            Self::Server(..) => "the server of --prometheus".to_owned(),
        }
    }
}

/// The place of a command that reads nothing else.
#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct PastArguments {
    /// SQLite file to read, which `scout history import` and the exporter record
    #[arg(
        id = "history",
        long = "history",
        value_name = "FILE",
        required_unless_present = "prometheus",
        conflicts_with = "prometheus"
    )]
    path: Option<PathBuf>,

    #[command(flatten)]
    server: Server,
}

impl PastArguments {
    pub(crate) async fn open(&self) -> Result<Box<dyn History>, Box<dyn Error>> {
        let of_file = self.path.as_deref().map(Past::File);
        let past = of_file.or(self.server.past());
        past.ok_or("no history is given")?.open().await
    }
}

/// The heading of the options in `--help`, given to each, because a heading of a group is also that of what follows.
const HEADING: &str = "Prometheus";

/// A server with Prometheus' query API.
#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct Server {
    /// Server with Prometheus' query API to read snapshots from, such as http://127.0.0.1:9090 or https://mimir.example/prometheus
    #[arg(help_heading = HEADING, id = "prometheus", long = "prometheus", value_name = "URL")]
    url: Option<String>,

    /// File that holds the token or, with --prometheus-user, the password for the server
    #[arg(help_heading = HEADING, id = "prometheus_token_file",
        long = "prometheus-token-file",
        value_name = "FILE",
        requires = "prometheus"
    )]
    token_file: Option<PathBuf>,

    /// User name for the server (HTTP Basic authentication)
    #[arg(help_heading = HEADING, id = "prometheus_user",
        long = "prometheus-user",
        value_name = "NAME",
        requires = "prometheus_token_file"
    )]
    user: Option<String>,

    /// Header to send to the server, such as X-Scope-OrgID=tenant; repeatable
    #[arg(help_heading = HEADING, id = "prometheus_header", long = "prometheus-header", value_name = "NAME=VALUE", value_parser = parse_pair, requires = "prometheus")]
    headers: Vec<(String, String)>,

    /// File with certificates of authorities to trust, in PEM format
    #[arg(help_heading = HEADING, id = "prometheus_ca_file",
        long = "prometheus-ca-file",
        value_name = "FILE",
        requires = "prometheus"
    )]
    ca_file: Option<PathBuf>,

    /// Send the token and headers over plain http, which exposes them on the network
    #[arg(help_heading = HEADING, id = "prometheus_allow_http",
        long = "prometheus-allow-http",
        requires = "prometheus"
    )]
    allow_http: bool,

    /// Use only series with this label, such as job=scout; repeatable
    #[arg(help_heading = HEADING, id = "prometheus_match", long = "prometheus-match", value_name = "LABEL=VALUE", value_parser = parse_pair, requires = "prometheus")]
    matchers: Vec<(String, String)>,

    /// Label that has the organization [default: org]
    #[arg(help_heading = HEADING, id = "prometheus_org_label",
        long = "prometheus-org-label",
        value_name = "LABEL",
        requires = "prometheus"
    )]
    organization_label: Option<String>,

    /// Organization of all samples, if no label has it
    #[arg(help_heading = HEADING, id = "prometheus_org",
        long = "prometheus-org",
        value_name = "NAME",
        requires = "prometheus",
        conflicts_with = "prometheus_org_label"
    )]
    organization: Option<Organization>,

    /// Label of targets that is no part of the data, such as cluster; repeatable
    #[arg(help_heading = HEADING, id = "prometheus_target_label",
        long = "prometheus-target-label",
        value_name = "LABEL",
        requires = "prometheus"
    )]
    target_labels: Vec<String>,
}

impl Server {
    /// Returns the server, if one is given.
    pub(crate) fn past(&self) -> Option<Past<'_>> {
        let url = self.url.as_deref()?;
        Some(Past::Server(self, url))
    }

    fn connect(&self, url: &str) -> Result<PrometheusHistory, Box<dyn Error>> {
        let mut builder = PrometheusHistory::builder(url).with_allow_insecure_http(self.allow_http);
        if let Some(path) = &self.token_file {
            builder = builder.with_token_file(path);
        }
        if let Some(user) = &self.user {
            builder = builder.with_user(user);
        }
        for (name, value) in &self.headers {
            builder = builder.with_header(name, value);
        }
        if let Some(path) = &self.ca_file {
            builder = builder.with_ca_file(path);
        }
        for (label, value) in &self.matchers {
            builder = builder.with_matcher(label, value);
        }
        if let Some(label) = &self.organization_label {
            builder = builder.with_organization_label(label);
        }
        if let Some(organization) = &self.organization {
            builder = builder.with_organization(organization.clone());
        }
        for label in &self.target_labels {
            builder = builder.with_target_label(label);
        }
        builder.build().map_err(usage_if_invalid)
    }
}

fn parse_pair(text: &str) -> Result<(String, String), &'static str> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
