//! The pollers and the routes of a running exporter, which `SIGHUP` changes without a restart.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{Router, extract::Request};
use tokio::{
    sync::watch,
    task::{JoinSet, spawn_blocking},
    time::timeout,
};
use tower::ServiceExt;

use scout_metrics_core::{Error, ErrorKind, MemoryHistory, Result};
use scout_metrics_examples::demo::Demo;
use scout_metrics_http::exporter::{DEFAULT_FRESH_FOR, DEFAULT_MAX_SNAPSHOT_AGE, Exporter};

use crate::{
    arguments::Arguments,
    fault,
    log::LogLevel,
    notify,
    pollers::Pollers,
    program_metrics::ProgramMetrics,
    serve,
    server::TlsFiles,
    settings::Settings,
    sources::{self, Source},
    state::State,
    web_config::WebConfigFile,
};

/// How long a reload may take, for example when a file is on a network share that hangs.
const MAX_RELOAD_TIME: Duration = Duration::from_secs(30);

/// How long the program waits for the disk when it ends. Container runtimes kill it 10 seconds after SIGTERM, and 8 of
/// them may be needed for pending requests.
const MAX_FLUSH_TIME: Duration = Duration::from_secs(1);

/// The settings in use, and everything that was made from them.
#[derive(Debug)]
pub(crate) struct Service {
    arguments: Arc<Arguments>,
    settings: Settings,
    log: LogLevel,
    state: Option<State>,
    /// Removes old metrics until it is dropped.
    pruning: JoinSet<()>,
    /// Never served. The routes are those of its successors, which share its metrics.
    exporter: Exporter,
    metrics: ProgramMetrics,
    pollers: Pollers,
    routes: watch::Sender<Router>,
}

impl Service {
    /// Opens the state directory and starts polling the sources.
    pub(crate) async fn start(
        arguments: Arc<Arguments>,
        settings: Settings,
        sources: Vec<Source>,
        log: LogLevel,
    ) -> Result<Self> {
        let state = match &settings.state.directory {
            Some(directory) => Some(State::open(directory, settings.demo).await?),
            None => None,
        };
        let metrics = ProgramMetrics::new();
        let encoded = metrics.clone();
        let mut exporter =
            Exporter::new().with_program_metrics(move |encoder| encoded.encode_into(encoder));
        if settings.demo {
            exporter = exporter.with_history(invented_history(&settings).await?);
        } else if let Some(state) = &state {
            exporter = exporter.with_history(state.clone());
        }
        let mut service = Self {
            arguments,
            settings: settings.clone(),
            log,
            state,
            pruning: JoinSet::new(),
            exporter,
            metrics,
            pollers: Pollers::default(),
            routes: watch::Sender::default(),
        };
        service.apply(settings, sources).await?;
        Ok(service)
    }

    /// Returns a router that always answers with the newest routes.
    pub(crate) fn router(&self) -> Router {
        let routes = self.routes.subscribe();
        Router::new().fallback(move |request: Request| {
            let newest = routes.borrow().clone();
            newest.oneshot(request)
        })
    }

    /// Reads the configuration again. If it cannot be used, everything stays as it is.
    ///
    /// Changes nothing if it is dropped before it completes.
    pub(crate) async fn reload(&mut self) {
        notify::reloading().await;
        let reload = timeout(MAX_RELOAD_TIME, self.try_reload()).await;
        let outcome = reload.unwrap_or_else(|_| {
            Err(fault(format!(
                "the files could not be read within {MAX_RELOAD_TIME:?}"
            )))
        });
        self.metrics.reloaded(outcome.is_ok());
        match outcome {
            Ok(()) => {
                tracing::info!(
                    organizations = self.pollers.len(),
                    "reloaded the configuration"
                );
                notify::ready(&self.summary()).await;
            }
            Err(error) => {
                tracing::error!(
                    error = %error.chain(),
                    "cannot reload the configuration; the settings stay as they are"
                );
                notify::ready("the last reload failed; the settings stay as they are").await;
            }
        }
    }

    async fn try_reload(&mut self) -> Result<()> {
        let arguments = Arc::clone(&self.arguments);
        let gathered = blocking(move || Settings::gather(&arguments)).await?;
        let settings = self.with_fixed_options(gathered);
        if self.settings.is_guarded() && !settings.is_guarded() {
            return Err(fault(
                "everyone could read all metrics then; to remove the last token, restart the exporter",
            ));
        }
        let sources = sources::open(&settings).await?;
        let (checked, of_settings) = (sources.clone(), settings.clone());
        blocking(move || serve::dry_run(&of_settings, checked).map(drop)).await?;
        self.apply(settings, sources).await
    }

    /// Keeps the options that cannot change while the program runs, and logs which of them need a restart.
    fn with_fixed_options(&self, mut settings: Settings) -> Settings {
        let changed = changed_fixed_options(&self.settings, &settings);
        if !changed.is_empty() {
            tracing::warn!(
                options = changed.join(", "),
                "a change of these options needs a restart"
            );
        }
        let fixed = self.settings.clone();
        settings.listen_addresses = fixed.listen_addresses;
        settings.tls = fixed.tls;
        settings.web_config = fixed.web_config;
        settings.state.directory = fixed.state.directory;
        settings.log = settings.log.with_format_of(fixed.log);
        settings
    }

    /// Builds everything from the settings, then replaces what is in use.
    async fn apply(&mut self, settings: Settings, sources: Vec<Source>) -> Result<()> {
        let max_age = sources.iter().map(Source::max_age).max();
        let exporter = serve::configured(self.exporter.successor(), &settings)?
            .with_max_snapshot_age(max_age.unwrap_or(DEFAULT_MAX_SNAPSHOT_AGE))
            .with_fresh_for(fresh_for(&sources));
        let state = self.state.as_ref();
        let pollers = self.pollers.with_sources(sources, &exporter, state).await?;
        let exporter = exporter.with_sources(pollers.handles());
        let routes = blocking(|| exporter.into_router()).await?;
        let routes = settings.route_prefix.serve(routes);

        // Nothing below can fail or be interrupted.
        self.metrics.set_kept(pollers.kept());
        drop(self.routes.send_replace(routes));
        self.pollers = pollers;
        self.log.set(&settings.log);
        if let Some(state) = &self.state {
            self.pruning = state.prune_regularly(settings.state.retention());
        }
        self.settings = settings;
        Ok(())
    }

    /// Returns the web configuration file, which is followed while the program runs.
    pub(crate) fn web_config(&self) -> Option<&WebConfigFile> {
        self.settings.web_config.as_ref()
    }

    /// Returns the state of the program, for the service manager.
    pub(crate) fn summary(&self) -> String {
        match self.pollers.len() {
            1 => "serving 1 organization".to_owned(),
            count => format!("serving {count} organizations"),
        }
    }

    /// Waits until the last metrics are in the state directory, for a short time.
    pub(crate) async fn finish(&self) {
        self.pollers.flush(MAX_FLUSH_TIME).await;
    }
}

/// Returns the age from which a snapshot of one of the sources is old.
fn fresh_for(sources: &[Source]) -> Duration {
    let intervals = sources.iter().filter_map(|source| source.interval);
    let longest = intervals.max().unwrap_or_default();
    // A source that is fetched more often than that does not get newer data from Docker Scout.
    DEFAULT_FRESH_FOR.max(longest.saturating_mul(2))
}

/// Returns the story of invented metrics. It is not written to the state directory, which holds what was served.
async fn invented_history(settings: &Settings) -> Result<MemoryHistory> {
    let demo = Demo::new(Demo::SEED, SystemTime::now());
    let history = MemoryHistory::new();
    for organization in settings.organizations.keys() {
        demo.record_of(organization, &history).await?;
    }
    Ok(history)
}

/// Returns the files for TLS, unless they are named by the web configuration file, which the server follows.
fn tls_of_options(settings: &Settings) -> Option<&TlsFiles> {
    let of_file = settings
        .web_config
        .as_ref()
        .and_then(|file| file.current().tls.clone());
    settings.tls.as_ref().filter(|_| of_file.is_none())
}

fn path_of_web_config(settings: &Settings) -> Option<&Path> {
    settings.web_config.as_ref().map(WebConfigFile::path)
}

/// Returns the changed options among those that cannot change while the program runs.
fn changed_fixed_options(old: &Settings, new: &Settings) -> Vec<&'static str> {
    let options = [
        (
            "--web.listen-address",
            old.listen_addresses != new.listen_addresses,
        ),
        (
            "--web.tls-cert-file and --web.tls-key-file",
            tls_of_options(old) != tls_of_options(new),
        ),
        (
            "--web.config.file",
            path_of_web_config(old) != path_of_web_config(new),
        ),
        ("--state-dir", old.state.directory != new.state.directory),
        ("--log.format", old.log.format() != new.log.format()),
    ];
    let changed = options.into_iter().filter(|(_, is_changed)| *is_changed);
    changed.map(|(option, _)| option).collect()
}

/// Runs work that reads files away from the threads that serve.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|panic| {
        Err(Error::new(ErrorKind::Other, "the work panicked").with_source(panic))
    })
}
