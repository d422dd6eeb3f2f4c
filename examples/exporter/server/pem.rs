//! PEM files with certificates and keys.

use std::path::Path;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use secrecy::zeroize::Zeroizing;

use scout_metrics_core::{Error, ErrorKind, Result};

use crate::files;

/// Reads the certificates in a file, of which there must be at least one.
pub(super) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
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

/// Reads the first private key in a file.
pub(super) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let what = "cannot read a private key from";
    let pem = files::read(path).map_err(|cause| unusable(what, path, cause))?;
    PrivateKeyDer::from_pem_slice(&Zeroizing::new(pem)).map_err(|cause| unusable(what, path, cause))
}

/// Returns an error about a file.
pub(super) fn unusable(
    what: &str,
    path: &Path,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Error {
    let message = format!("{what} `{}`", path.display());
    Error::new(ErrorKind::Config, message).with_source(cause)
}
