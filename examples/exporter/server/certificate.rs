//! A certificate whose files are read again while it is served.

use std::{fmt, future::Future, path::Path, sync::Arc, time::Duration};

use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::{TLS12, TLS13},
};
use secrecy::zeroize::Zeroizing;
use tokio::{sync::watch, task::spawn_blocking, time::sleep};
use tokio_rustls::TlsAcceptor;

use scout_metrics_core::{Error, ErrorKind, Result};

use crate::files;

use super::{NewestTls, TlsFiles, TlsSource, TlsVersion, client_certificates};

/// How often the files are read. A renewed certificate is rarely needed within seconds, and reading two small files is
/// cheap.
const READ_INTERVAL: Duration = Duration::from_secs(5);

/// A certificate chain and its key, with the files from which they were read.
pub(super) struct Certificate {
    source: TlsSource,
    content: Content,
    acceptor: TlsAcceptor,
}

/// The files of a source, and what they contain.
#[derive(PartialEq)]
struct Content {
    files: TlsFiles,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    client_authorities: Vec<CertificateDer<'static>>,
}

impl Certificate {
    pub(super) fn read(source: TlsSource) -> Result<Self> {
        let content = Content::read(source.files())?;
        let acceptor = content.acceptor()?;
        Ok(Self {
            source,
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
            let source = self.source.clone();
            let Ok(read) = spawn_blocking(move || Self::read(source)).await else {
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
        f.debug_tuple("Certificate")
            .field(&self.content.files)
            .finish()
    }
}

impl Content {
    fn read(files: TlsFiles) -> Result<Self> {
        let chain = read_certificates(&files.certificates)?;
        let key = read_key(&files.key)?;
        let client_authorities = match &files.clients {
            Some(clients) => read_certificates(&clients.authorities)?,
            None => Vec::new(),
        };
        Ok(Self {
            files,
            chain,
            key,
            client_authorities,
        })
    }

    /// Returns an acceptor that turns TCP connections into TLS connections for HTTP/1.1.
    fn acceptor(&self) -> Result<TlsAcceptor> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&versions(self.files.min_version))
            .expect("ring supports all protocol versions");
        let builder = match &self.files.clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let authorities = &self.client_authorities;
                let verifier = client_certificates::verifier(clients, authorities)?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|cause| unusable("the certificate does not match", &self.files.key, cause))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Returns the protocol versions from a minimum on.
fn versions(min: TlsVersion) -> Vec<&'static SupportedProtocolVersion> {
    match min {
        TlsVersion::Tls12 => vec![&TLS13, &TLS12],
        TlsVersion::Tls13 => vec![&TLS13],
    }
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let what = "cannot read certificates from";
    let pem = files::read(path).map_err(|cause| unusable(what, path, cause))?;
    let certificates: std::result::Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|cause| unusable(what, path, cause))?;
    if certificates.is_empty() {
        let message = format!("`{}` contains no certificate", path.display());
        return Err(Error::new(ErrorKind::Config, message));
    }
    Ok(certificates)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let what = "cannot read a private key from";
    let pem = files::read(path).map_err(|cause| unusable(what, path, cause))?;
    PrivateKeyDer::from_pem_slice(&Zeroizing::new(pem)).map_err(|cause| unusable(what, path, cause))
}

pub(super) fn unusable(
    what: &str,
    path: &Path,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let message = format!("{what} `{}`", path.display());
    Error::new(ErrorKind::Config, message).with_source(cause)
}
