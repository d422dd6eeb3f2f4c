//! A certificate that is read again when its files change.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

use scout_metrics_core::{Error, ErrorKind, Result};

use super::stamp::Stamp;

/// Returns what makes a TLS connection for HTTP/1.1 of a TCP connection, with ring, whatever provider the rest of the
/// program uses.
pub(super) fn acceptor(certificates: PathBuf, key: PathBuf) -> Result<TlsAcceptor> {
    let files = Files { certificates, key };
    let resolver = Arc::new(Reloaded::open(files)?);
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The files that a certificate and its key are in.
#[derive(Debug)]
struct Files {
    certificates: PathBuf,
    key: PathBuf,
}

impl Files {
    fn stamps(&self) -> Option<(Stamp, Stamp)> {
        Stamp::of(&self.certificates).zip(Stamp::of(&self.key))
    }

    fn read(&self) -> Result<Arc<CertifiedKey>> {
        let chain = certificates(&self.certificates)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|cause| unusable("cannot read a private key from", &self.key, cause))?;
        CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map(Arc::new)
            .map_err(|cause| unusable("the certificate does not go with", &self.key, cause))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|cause| unusable("cannot read certificates from", path, cause))?;
    if chain.is_empty() {
        let message = format!("there is no certificate in `{}`", path.display());
        return Err(Error::new(ErrorKind::Config, message));
    }
    Ok(chain)
}

fn unusable(
    what: &str,
    path: &Path,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let message = format!("{what} `{}`", path.display());
    Error::new(ErrorKind::Config, message).with_source(cause)
}

/// The last good certificate of two files.
struct Reloaded {
    files: Files,
    latest: Mutex<Latest>,
}

struct Latest {
    certified: Arc<CertifiedKey>,
    stamps: Option<(Stamp, Stamp)>,
    is_failing: bool,
}

impl Reloaded {
    fn open(files: Files) -> Result<Self> {
        // Taken before the files are read: a change in between is seen the next time.
        let stamps = files.stamps();
        let latest = Mutex::new(Latest {
            certified: files.read()?,
            stamps,
            is_failing: false,
        });
        Ok(Self { files, latest })
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = self.files.stamps();
        if stamps.is_none() || stamps != latest.stamps {
            latest.take(self.files.read(), stamps);
        }
        Arc::clone(&latest.certified)
    }
}

impl Latest {
    fn take(&mut self, read: Result<Arc<CertifiedKey>>, stamps: Option<(Stamp, Stamp)>) {
        let was_failing = self.is_failing;
        self.is_failing = read.is_err();
        match read {
            Ok(certified) => {
                self.certified = certified;
                self.stamps = stamps;
            }
            Err(error) if !was_failing => {
                let cause: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(
                    error = cause,
                    "the certificate that was read before stays in use"
                );
            }
            Err(_) => {}
        }
    }
}

impl ResolvesServerCert for Reloaded {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl fmt::Debug for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reloaded").field(&self.files).finish()
    }
}
