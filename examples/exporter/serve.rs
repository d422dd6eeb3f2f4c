//! The endpoint: sources that are polled in the background, and the server that answers from them.

use std::{
    collections::BTreeMap, error::Error, net::TcpListener, result::Result as StdResult,
    time::Duration,
};

use axum::{Router, middleware::from_fn_with_state};
use tokio::task::JoinSet;

use scout_metrics_core::{DEFAULT_TIME_TO_LIVE, PollerSet, PollerSetBuilder, Result};
use scout_metrics_http::exporter::{DEFAULT_MAX_SNAPSHOT_AGE, Exporter};

use crate::{
    fault,
    server::{Limits, Server, TlsSource},
    settings::Settings,
    sources::Source,
    web_config::{Users, add_headers},
};

/// Binds all listen addresses.
pub(crate) fn listen(settings: &Settings) -> StdResult<Vec<TcpListener>, Box<dyn Error>> {
    let mut listeners = Vec::new();
    for address in &settings.listen_addresses {
        let listener = address
            .bind()
            .map_err(|cause| fault(format!("cannot listen on {address}")).with_source(cause))?;
        let address = listener.local_addr()?;
        if !settings.is_guarded() && !address.ip().is_loopback() {
            tracing::warn!(
                %address,
                "everyone who can connect may read all metrics: give --web.bearer-token-file or --web.config.file"
            );
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Starts polling all sources and returns a server that answers from the last snapshots.
pub(crate) fn exporter(settings: &Settings, sources: Vec<Source>) -> Result<Server> {
    let mut exporter = guarded(settings)?.with_max_snapshot_age(max_age(&sources));
    for pollers in poll(&exporter, sources)? {
        exporter = pollers.into_iter().fold(exporter, Exporter::with_source);
    }
    server(settings, exporter.into_router()?)
}

/// Checks whether the [`exporter`] can be created, without scraping any source.
pub(crate) fn check(settings: &Settings, sources: Vec<Source>) -> Result<()> {
    let exporter = sources
        .into_iter()
        .fold(guarded(settings)?, |exporter, source| {
            exporter.with_source(source.metrics)
        });
    server(settings, exporter.into_router()?).map(drop)
}

fn guarded(settings: &Settings) -> Result<Exporter> {
    let mut exporter = settings
        .bearer_token_files
        .iter()
        .fold(Exporter::new(), Exporter::with_bearer_token_file);
    if let Some(url) = &settings.external_url {
        exporter = exporter.with_external_url(url.as_str());
    }
    if let Some(file) = &settings.web_config {
        exporter = exporter.with_password_verifier(Users::new(file.clone())?);
    }
    let of_organizations = settings.organization_token_files.iter();
    Ok(
        of_organizations.fold(exporter, |exporter, (organization, path)| {
            exporter.with_organization_token_file(organization.clone(), path)
        }),
    )
}

/// Returns an age that no snapshot of a poller reaches: pollers know why a snapshot is old, so they refuse it first.
fn max_age(sources: &[Source]) -> Duration {
    let ages = sources.iter().map(|source| {
        let interval = source.interval.unwrap_or(DEFAULT_TIME_TO_LIVE);
        let jittered = interval.saturating_mul(2);
        jittered.saturating_add(source.max_stale.unwrap_or(DEFAULT_MAX_SNAPSHOT_AGE))
    });
    ages.max().unwrap_or(DEFAULT_MAX_SNAPSHOT_AGE)
}

/// Starts polling the sources, with one set for all sources that have the same options. Each set bounds how many of its
/// fetches run at once.
fn poll(exporter: &Exporter, sources: Vec<Source>) -> Result<Vec<PollerSet>> {
    let mut builders = BTreeMap::new();
    for source in sources {
        let options = (source.interval, source.max_stale);
        // Scrapers wait for the first snapshots, so none of them is delayed.
        let builder = builders
            .remove(&options)
            .unwrap_or_else(|| PollerSet::builder().with_spread(Duration::ZERO));
        let builder: PollerSetBuilder = builder.with_source(exporter.observe(source.metrics))?;
        builders.insert(options, builder);
    }
    let builders = builders.into_iter();
    let sets = builders.map(|((interval, max_stale), mut builder)| {
        if let Some(interval) = interval {
            builder = builder.with_interval(interval);
        }
        if let Some(max_stale) = max_stale {
            builder = builder.with_max_stale(max_stale);
        }
        builder.spawn()
    });
    Ok(sets.collect())
}

fn server(settings: &Settings, routes: Router) -> Result<Server> {
    let mut router = settings.route_prefix.serve(routes);
    let mut tls = settings.tls.clone().map(TlsSource::from);
    if let Some(file) = &settings.web_config {
        router = router.layer(from_fn_with_state(file.clone(), add_headers));
        if file.current().tls.is_some() {
            tls = settings.tls.clone().map(|first| file.tls_source(first));
        }
    }
    Server::new(router, Limits::of_this_process(), tls)
}

/// Serves until the process receives a signal to stop, and then until the pending requests are answered.
pub(crate) async fn run(
    settings: &Settings,
    listeners: Vec<TcpListener>,
    server: Server,
) -> StdResult<(), Box<dyn Error>> {
    // This comes before the addresses are logged: a program that waits for them may send the signal at once.
    let signal = Signal::new()?;
    let scheme = if settings.tls.is_some() {
        "https"
    } else {
        "http"
    };
    for listener in &listeners {
        let address = listener.local_addr()?;
        tracing::info!(address = %format_args!("{scheme}://{address}"), "listening");
    }
    let shutdown = async {
        let signal = signal.received().await;
        tracing::info!(signal, "stopping");
    };
    let mut background = JoinSet::new();
    if let Some(file) = &settings.web_config {
        background.spawn(file.clone().follow());
    }
    server.serve(listeners, shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}

/// The signals that stop the process.
struct Signal {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl Signal {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    #[cfg(unix)]
    async fn received(mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                // Tools that renew certificates send SIGHUP to request a reload. By default it would end the program.
                _ = self.hangup.recv() => tracing::info!(
                    signal = "SIGHUP",
                    "token and certificate files are read again when they change; anything else needs a restart"
                ),
            }
        }
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn received(self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
