//! A certificate whose files are read again while it is served.

use std::{
    fmt,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{sync::watch, task::spawn_blocking, time::sleep};
use tokio_rustls::TlsAcceptor;

use scout_metrics_core::{Error, ErrorKind, Result};

use super::{NewestTls, TlsFiles};

/// How often the files are read. A renewed certificate is rarely needed within seconds, and reading two small files is
/// cheap.
const READ_INTERVAL: Duration = Duration::from_secs(5);

/// A certificate chain and its key, with the files from which they were read.
pub(super) struct Certificate {
    files: TlsFiles,
    content: Content,
    acceptor: TlsAcceptor,
}

#[derive(PartialEq)]
struct Content {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    pub(super) fn read(files: TlsFiles) -> Result<Self> {
        let content = Content::read(&files)?;
        let acceptor = content.acceptor(&files)?;
        Ok(Self {
            files,
            content,
            acceptor,
        })
    }

    /// Returns an acceptor that always has the newest certificate, and the task that reads the files again. While the
    /// files cannot be used, for example because only one of them is new, the last good certificate is served.
    pub(super) fn follow(self) -> (NewestTls, impl Future<Output = ()> + Send + 'static) {
        let (sender, newest) = watch::channel(self.acceptor.clone());
        (newest, self.read_on(sender))
    }

    async fn read_on(mut self, newest: watch::Sender<TlsAcceptor>) {
        let mut is_failing = false;
        loop {
            sleep(READ_INTERVAL).await;
            let files = self.files.clone();
            let Ok(read) = spawn_blocking(move || Self::read(files)).await else {
                continue;
            };
            match read {
                Ok(read) if read.content == self.content => is_failing = false,
                Ok(read) => {
                    self = read;
                    newest.send_replace(self.acceptor.clone());
                    is_failing = false;
                    tracing::info!("serving a new certificate");
                }
                Err(error) if !is_failing => {
                    is_failing = true;
                    let error: &(dyn std::error::Error + 'static) = &error;
                    tracing::warn!(error, "the last good certificate stays in use");
                }
                Err(_) => {}
            }
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.files).finish()
    }
}

impl Content {
    fn read(files: &TlsFiles) -> Result<Self> {
        let path: &PathBuf = &files.certificates;
        let chain: Vec<_> = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|cause| unusable("cannot read certificates from", path, cause))?;
        if chain.is_empty() {
            let message = format!("`{}` contains no certificate", path.display());
            return Err(Error::new(ErrorKind::Config, message));
        }
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .map_err(|cause| unusable("cannot read a private key from", &files.key, cause))?;
        Ok(Self { chain, key })
    }

    /// Returns an acceptor that turns TCP connections into TLS connections for HTTP/1.1.
    fn acceptor(&self, files: &TlsFiles) -> Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default protocol versions")
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|cause| unusable("the certificate does not match", &files.key, cause))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn unusable(
    what: &str,
    path: &Path,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let message = format!("{what} `{}`", path.display());
    Error::new(ErrorKind::Config, message).with_source(cause)
}
