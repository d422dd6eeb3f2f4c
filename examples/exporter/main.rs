//! Serves Docker Scout metrics to Prometheus, VictoriaMetrics, Datadog and Grafana.
//!
//! Scout is asked once an hour for each organization; what it said is served from memory to as many scrapers as come,
//! as often as they come. README.md, beside this file, lists all options.

mod arguments;
mod configuration;
mod healthcheck;
mod once;
mod serve;
mod server;
mod settings;
mod sources;

use std::{error::Error, fmt, process::ExitCode};

use clap::Parser;
use tokio::runtime::Runtime;

use scout_metrics_examples::terminal;

use self::{
    arguments::{Arguments, Command},
    configuration::{LogFormat, LogOptions},
    settings::Settings,
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = Runtime::new().expect("the system starts a few threads");
    let outcome = runtime.block_on(run(&arguments));
    // Dropped, the runtime would wait for what cannot be stopped, such as the look-up of a name that no server answers:
    // longer than container runtimes wait before they kill.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::complain(failure.error.as_ref());
            failure.code
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let settings = Settings::gather(arguments).map_err(Failure::configuration)?;
    if let Some(Command::Healthcheck) = arguments.command {
        return healthcheck::run(&settings).map_err(Failure::other);
    }
    start_logging(&settings.log);
    let sources = sources::open(&settings).map_err(Failure::configuration)?;
    if arguments.once {
        return once::run(sources).await.map_err(Failure::other);
    }
    if arguments.check_config {
        serve::check(&settings, sources).map_err(Failure::configuration)?;
        println!("{settings}");
        return Ok(());
    }
    let listeners = serve::listen(&settings).map_err(Failure::other)?;
    let exporter = serve::exporter(&settings, sources).map_err(Failure::configuration)?;
    serve::run(&settings, listeners, exporter)
        .await
        .map_err(Failure::other)
}

fn start_logging(options: &LogOptions) {
    let builder = tracing_subscriber::fmt()
        .with_max_level(options.level())
        .with_writer(std::io::stderr);
    match options.format() {
        LogFormat::Json => builder.json().flatten_event(true).init(),
        LogFormat::Text => builder.init(),
    }
}

/// What ended the program, and the status it ends with.
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

    fn other(error: impl Into<Box<dyn Error>>) -> Self {
        Self {
            error: error.into(),
            code: ExitCode::FAILURE,
        }
    }
}

/// An error of the program itself, with a text for people and perhaps a cause.
#[derive(Debug)]
struct Fault {
    text: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            cause: None,
        }
    }

    fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.cause.as_deref()?)
    }
}
