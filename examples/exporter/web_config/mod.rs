//! `--web.config.file`: TLS, users and headers in the file that exporters of the Prometheus project read.
//!
//! The format is that of [exporter-toolkit]. Keys that this program does not support are refused by name, because to
//! ignore one could open what it was written to protect.
//!
//! [exporter-toolkit]: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md

mod document;
mod headers;
mod tls;
mod users;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::http::{HeaderName, HeaderValue};
use tokio::{task::spawn_blocking, time::sleep};

use scout_metrics_core::Error;

use crate::{
    fault, files,
    server::{ClientCertificates, TlsFiles, TlsSource},
};

pub(crate) use self::{headers::add_headers, users::Users};

use self::{document::Document, users::PasswordHash};

/// How often the file is read, as often as certificates are.
const READ_INTERVAL: Duration = Duration::from_secs(5);

/// A web configuration file and its content, which is shared by clones and replaced while the program runs.
#[derive(Clone, Debug)]
pub(crate) struct WebConfigFile {
    path: PathBuf,
    current: Arc<RwLock<Arc<WebConfig>>>,
}

/// The content of a web configuration file.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct WebConfig {
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) users: BTreeMap<String, PasswordHash>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl WebConfig {
    /// Reads a file. Relative paths in it are relative to the directory that it is in. Blocks this thread.
    fn read(path: &Path) -> Result<Self, Error> {
        let text = files::read_text(path).map_err(|cause| {
            fault(format!("cannot read `{}`", path.display())).with_source(cause)
        })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, directory)
            .map_err(|reason| fault(format!("`{}`: {reason}", path.display())))
    }

    fn parse(text: &str, directory: &Path) -> Result<Self, String> {
        let mut document = Document::parse(text)?;
        let config = Self {
            tls: tls::read(document.section("tls_server_config")?, directory)?,
            users: users::read(document.section("basic_auth_users")?)?,
            headers: headers::read(document.section("http_server_config")?)?,
        };
        document.refuse(
            "rate_limit",
            "this program bounds connections and failed logins instead",
        )?;
        document.finish()?;
        Ok(config)
    }

    /// Returns why this cannot replace another configuration while the program runs.
    fn cannot_replace(&self, other: &Self) -> Option<&'static str> {
        // Nothing becomes open because the file is read while it is half written.
        if self.users.is_empty() && !other.users.is_empty() {
            return Some("`basic_auth_users` is empty now; that takes a restart");
        }
        if self.tls.is_some() != other.tls.is_some() {
            return Some("`tls_server_config` was added or removed; that takes a restart");
        }
        let clients = |config: &Self| config.tls.as_ref()?.clients.clone();
        if is_looser(clients(self).as_ref(), clients(other).as_ref()) {
            return Some("more client certificates would be accepted; that takes a restart");
        }
        None
    }
}

/// Returns whether a whole condition for clients is missing.
fn is_looser(new: Option<&ClientCertificates>, old: Option<&ClientCertificates>) -> bool {
    match (new, old) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(new), Some(old)) => {
            old.are_required && !new.are_required
                || old.allowed_names.is_some() && new.allowed_names.is_none()
        }
    }
}

impl WebConfigFile {
    /// Opens a file. Blocks this thread.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Error> {
        let config = WebConfig::read(&path)?;
        Ok(Self {
            path,
            current: Arc::new(RwLock::new(Arc::new(config))),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the last content that can be used.
    pub(crate) fn current(&self) -> Arc<WebConfig> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// Returns the files for TLS that the file names, at each time those that it names then.
    pub(crate) fn tls_source(&self, first: TlsFiles) -> TlsSource {
        let file = self.clone();
        // The file never loses its section for TLS while it is followed.
        TlsSource::new(move || file.current().tls.clone().unwrap_or_else(|| first.clone()))
    }

    /// Reads the file again and again. While it cannot be used, the last good content stays in use.
    pub(crate) async fn follow(self) {
        let mut last_failure = None;
        loop {
            sleep(READ_INTERVAL).await;
            let path = self.path.clone();
            let Ok(read) = spawn_blocking(move || WebConfig::read(&path)).await else {
                continue;
            };
            let failure = self
                .replace(read)
                .err()
                .map(|error| error.chain().to_string());
            if let Some(error) = &failure
                && last_failure != failure
            {
                tracing::error!(error, "the last good web configuration stays in use");
            }
            last_failure = failure;
        }
    }

    fn replace(&self, read: Result<WebConfig, Error>) -> Result<(), Error> {
        let (new, old) = (read?, self.current());
        if new == *old {
            return Ok(());
        }
        if let Some(reason) = new.cannot_replace(&old) {
            return Err(fault(format!("`{}`: {reason}", self.path.display())));
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        tracing::info!(file = %self.path.display(), "using a new web configuration");
        Ok(())
    }
}
