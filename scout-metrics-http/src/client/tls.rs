//! TLS that works in a container without certificates as well as behind a company's own authority.

use std::{fs, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::error::HttpError;

/// Returns a configuration that trusts the public authorities, those of the system, and those of a PEM file.
pub(crate) fn config(ca_file: Option<&Path>) -> Result<ClientConfig, HttpError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    // An image without certificates has errors here, which is what webpki-roots is for.
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "cannot read some of the system's certificates");
    }
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = ca_file {
        add_file(&mut roots, path)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), HttpError> {
    let fail = |fault: String| HttpError::CaFile {
        path: path.to_owned(),
        fault,
    };
    let pem = fs::read(path).map_err(|error| fail(error.to_string()))?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| fail(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| fail(error.to_string()))?;
        count += 1;
    }
    match count {
        0 => Err(fail("there is no certificate in PEM form".to_owned())),
        _ => Ok(()),
    }
}

/// Says why a server was refused, in words that continue "cannot connect to ...: ".
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
            "its certificate is from an unknown authority; give a private authority's file to `with_ca_file`"
        }
        _ => "its certificate is not accepted",
    }
    .to_owned()
}
