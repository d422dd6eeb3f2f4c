//! TLS that works in a container without certificates, and with a company's own authority.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::error::HttpError;

/// The authorities whose certificates are trusted.
pub(crate) struct Roots(RootCertStore);

impl Default for Roots {
    fn default() -> Self {
        Self(RootCertStore::empty())
    }
}

impl Roots {
    /// Adds the public authorities, which are compiled into the program.
    pub(crate) fn add_public(&mut self) {
        self.0
            .extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }

    /// Adds those authorities of this machine that can be read. Many container images have none.
    pub(crate) fn add_system(&mut self) {
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::debug!(%error, "cannot read some of the system's certificates");
        }
        self.0.add_parsable_certificates(system.certs);
    }

    /// Adds the certificates of a PEM file. There must be at least one, and all must be valid.
    pub(crate) fn add_file(&mut self, path: &Path) -> Result<(), HttpError> {
        let fail = |fault: String| HttpError::CaFile {
            path: path.to_owned(),
            fault,
        };
        let pem = fs::read(path).map_err(|error| fail(error.to_string()))?;
        let before = self.0.len();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| fail(error.to_string()))?;
            let added = self.0.add(certificate);
            added.map_err(|error| fail(error.to_string()))?;
        }
        if self.0.len() == before {
            return Err(fail("it contains no certificate in PEM format".to_owned()));
        }
        Ok(())
    }

    /// Returns a configuration for HTTP/1.1 with ring, whatever provider the rest of the program uses.
    pub(crate) fn into_config(self) -> ClientConfig {
        let provider = Arc::new(ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring supports the default protocol versions")
            .with_root_certificates(self.0)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config
    }
}

/// Returns why a server was refused, as the end of "cannot connect to ...: ".
pub(crate) fn hint(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return "the TLS handshake failed; is it an `https` server?".to_owned();
    };
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired, or the clock of this machine is wrong"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet, or the clock of this machine is wrong"
        }
        CertificateError::UnknownIssuer => {
            "its certificate is from an unknown authority; to trust a private authority, add its certificate as a CA file"
        }
        _ => "its certificate is not accepted",
    }
    .to_owned()
}
