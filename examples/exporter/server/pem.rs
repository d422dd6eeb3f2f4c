//! PEM files of certificates.

use std::path::Path;

use rustls::pki_types::{CertificateDer, pem::PemObject};

use scout_metrics_core::{Error, ErrorKind, Result};

/// Reads the certificates in a file, of which there must be at least one.
pub(super) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|cause| unusable("cannot read certificates from", path, cause))?;
    if certificates.is_empty() {
        let message = format!("`{}` contains no certificate", path.display());
        return Err(Error::new(ErrorKind::Config, message));
    }
    Ok(certificates)
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
