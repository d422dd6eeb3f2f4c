//! The endpoint: listeners, the server that answers on them, and the signals that end it.

use std::{error::Error, net::TcpListener, result::Result as StdResult};

use axum::{Router, middleware::from_fn_with_state};
use tokio::task::JoinSet;

use scout_metrics_core::Result;
use scout_metrics_http::exporter::Exporter;

use crate::{
    fault, notify,
    server::{Limits, Server, TlsSource},
    service::Service,
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

/// Checks whether the exporter can be created and served, without scraping any source.
pub(crate) fn check(settings: &Settings, sources: Vec<Source>) -> Result<()> {
    let exporter = sources
        .into_iter()
        .fold(guarded(Exporter::new(), settings)?, |exporter, source| {
            exporter.with_source(source.metrics)
        });
    server(settings, exporter.into_router()?).map(drop)
}

/// Adds the tokens and passwords that admit requests, and the address at which clients see the exporter.
pub(crate) fn guarded(exporter: Exporter, settings: &Settings) -> Result<Exporter> {
    let mut exporter = settings
        .bearer_token_files
        .iter()
        .fold(exporter, Exporter::with_bearer_token_file);
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

/// Returns a server for these routes.
pub(crate) fn server(settings: &Settings, mut routes: Router) -> Result<Server> {
    let mut tls = settings.tls.clone().map(TlsSource::from);
    if let Some(file) = &settings.web_config {
        routes = routes.layer(from_fn_with_state(file.clone(), add_headers));
        if file.current().tls.is_some() {
            tls = settings.tls.clone().map(|first| file.tls_source(first));
        }
    }
    Server::new(routes, Limits::of_this_process(), tls)
}

/// Serves until the process receives a signal to stop, and then until the pending requests are answered.
pub(crate) async fn run(
    mut service: Service,
    scheme: &str,
    listeners: Vec<TcpListener>,
    server: Server,
) -> StdResult<(), Box<dyn Error>> {
    // This comes before the addresses are logged: a program that waits for them may send the signal at once.
    let signals = Signals::new()?;
    for listener in &listeners {
        let address = listener.local_addr()?;
        tracing::info!(address = %format_args!("{scheme}://{address}"), "listening");
    }
    let mut background = JoinSet::new();
    // On the threads that serve, so that it stops when they are stuck.
    background.spawn(notify::keep_watchdog_quiet());
    if let Some(file) = service.web_config() {
        background.spawn(file.clone().follow());
    }
    notify::ready(&service.summary()).await;
    let shutdown = async {
        let signal = signals.received(&mut service).await;
        notify::stopping().await;
        tracing::info!(signal, "stopping");
    };
    server.serve(listeners, shutdown).await?;
    service.finish().await;
    tracing::info!("stopped");
    Ok(())
}

/// The signals that stop the process, and the one that makes it read its configuration again.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Reloads the service when it is told to, and returns the name of the signal to stop.
    #[cfg(unix)]
    async fn received(mut self, service: &mut Service) -> &'static str {
        loop {
            let reloaded = async {
                self.hangup.recv().await;
                tracing::info!(signal = "SIGHUP", "reloading the configuration");
                service.reload().await;
            };
            // A signal to stop does not wait for a reload.
            tokio::select! {
                biased;
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                () = reloaded => {}
            }
        }
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn received(self, _: &mut Service) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}
