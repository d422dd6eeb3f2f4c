//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use scout_metrics_core::Organization;
use scout_metrics_examples::command_line::parse_switch;

use crate::configuration::{LogOptions, ScoutOptions, StateOptions, WebOptions};

/// Serves Docker Scout metrics to Prometheus, VictoriaMetrics, Datadog and Grafana.
///
/// Each organization is fetched from Docker Scout once an hour and served from memory at any scrape interval, so that
/// graphs and alerts have no gaps. Try it without an account: exporter --demo
///
/// The command line takes precedence over the environment, and the environment over the configuration file. Several
/// values in a variable are separated by commas. An empty variable counts as not set.
///
/// The token is best kept in a file, which is read again for each fetch. Without --token-file the variables
/// DOCKER_SCOUT_TOKEN_FILE, DOCKER_SCOUT_TOKEN and DOCKER_SCOUT_HUB_PASSWORD are read, in this order. The token must
/// belong to an owner of the organization.
#[derive(Debug, Parser)]
#[command(
    name = "exporter",
    version,
    after_help = "\
Exit status:
  0  stopped by SIGTERM or SIGINT after all pending scrapes were answered; or --once, --check-config or healthcheck
     succeeded
  1  could not listen on an address, reach the exporter or write to standard output, or --once could not fetch every
     organization; standard error says why
  2  the command line, the environment or the configuration file is wrong, or the state directory cannot be used;
     standard error says where"
)]
pub(crate) struct Arguments {
    #[arg(value_enum, conflicts_with_all = ["once", "check_config"])]
    pub(crate) command: Option<Command>,

    /// Configuration file in TOML
    #[arg(
        long = "config.file",
        value_name = "FILE",
        env = "SCOUT_EXPORTER_CONFIG_FILE"
    )]
    pub(crate) config_file: Option<PathBuf>,

    /// Organization to fetch; repeatable [default: those of the configuration file]
    #[arg(
        long = "org",
        value_name = "NAME",
        env = "SCOUT_EXPORTER_ORG",
        value_delimiter = ','
    )]
    pub(crate) organizations: Vec<Organization>,

    #[command(flatten)]
    pub(crate) scout: ScoutOptions,

    #[command(flatten)]
    pub(crate) web: WebOptions,

    #[command(flatten)]
    pub(crate) state: StateOptions,

    #[command(flatten)]
    pub(crate) log: LogOptions,

    /// Serve invented metrics that move over time, without a token and without a network
    #[arg(long, env = "SCOUT_EXPORTER_DEMO", value_parser = parse_switch)]
    pub(crate) demo: bool,

    /// Fetch all organizations once, print their metrics to standard output, and exit
    #[arg(long, conflicts_with = "check_config")]
    pub(crate) once: bool,

    /// Check options, configuration file and token files, print a summary, and exit
    #[arg(long)]
    pub(crate) check_config: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Command {
    /// Check whether the exporter that runs with the same options is alive
    Healthcheck,
}
