//! Serves Docker Scout metrics to Prometheus, VictoriaMetrics, Datadog and Grafana.
//!
//! Each organization is fetched from Docker Scout once an hour and served from memory at any scrape interval. README.md
//! in this directory lists all options.

mod arguments;
mod configuration;
mod external_url;
mod files;
mod healthcheck;
mod log;
mod notify;
mod once;
mod pollers;
mod program_metrics;
mod serve;
mod server;
mod service;
mod settings;
mod sources;
mod state;
mod web_config;

use std::{error::Error, process::ExitCode, sync::Arc};

use tokio::runtime::Runtime;

use scout_metrics_examples::{command_line, terminal};

use self::{
    arguments::{Arguments, Command},
    service::Service,
    settings::Settings,
};

fn main() -> ExitCode {
    let arguments: Arguments = command_line::parse();
    let runtime = Runtime::new().expect("the system starts a few threads");
    let outcome = runtime.block_on(run(arguments));
    // Dropping the runtime would wait for blocking work, such as a name lookup that no server answers. That can take
    // longer than container runtimes wait before they kill the process.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::complain(failure.error.as_ref());
            failure.code
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let settings = Settings::gather(&arguments).map_err(Failure::configuration)?;
    if let Some(Command::Healthcheck) = arguments.command {
        return healthcheck::run(&settings).map_err(Failure::other);
    }
    let log = log::start(&settings.log);
    let sources = sources::open(&settings)
        .await
        .map_err(Failure::configuration)?;
    if arguments.once {
        return once::run(sources).await;
    }
    if arguments.check_config {
        serve::check(&settings, sources).map_err(Failure::configuration)?;
        return terminal::print(&format!("{settings}\n")).map_err(Failure::output);
    }
    let listeners = serve::listen(&settings).map_err(Failure::other)?;
    let scheme = if settings.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let service = Service::start(Arc::new(arguments), settings.clone(), sources, log).await;
    let service = service.map_err(Failure::configuration)?;
    let server = serve::server(&settings, service.router()).map_err(Failure::configuration)?;
    serve::run(service, scheme, listeners, server)
        .await
        .map_err(Failure::other)
}

/// The error that ended the program, and the exit status.
struct Failure {
    error: Box<dyn Error>,
    code: ExitCode,
}

impl Failure {
    fn configuration(error: impl Into<Box<dyn Error>>) -> Self {
        Self {
            error: error.into(),
            code: ExitCode::from(2),
        }
    }

    fn output(cause: std::io::Error) -> Self {
        Self::other(fault("cannot write to standard output").with_source(cause))
    }

    fn other(error: impl Into<Box<dyn Error>>) -> Self {
        Self {
            error: error.into(),
            code: ExitCode::FAILURE,
        }
    }
}

/// Returns an error of the program itself, whose kind does not matter.
fn fault(text: impl Into<String>) -> scout_metrics_core::Error {
    scout_metrics_core::Error::new(scout_metrics_core::ErrorKind::Config, text)
}
