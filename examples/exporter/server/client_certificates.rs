//! Client certificates: who signed them, and which names they must have.

use std::{net::IpAddr, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error as TlsError, RootCertStore,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::ring,
    pki_types::{CertificateDer, UnixTime},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
};

use scout_metrics_core::Result;

use super::{ClientCertificates, certificate::unusable};

/// Returns a verifier of client certificates that these authorities signed.
pub(super) fn verifier(
    clients: &ClientCertificates,
    authorities: &[CertificateDer<'static>],
) -> Result<Arc<dyn ClientCertVerifier>> {
    let path = &clients.authorities;
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots
            .add(authority.clone())
            .map_err(|cause| unusable("no authority can be", path, cause))?;
    }
    let provider = Arc::new(ring::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if clients.are_required {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    let verifier = builder
        .build()
        .map_err(|cause| unusable("cannot verify clients with", path, cause))?;
    Ok(match &clients.allowed_names {
        None => verifier,
        Some(allowed) => Arc::new(NamedClients {
            verifier,
            allowed: allowed.clone(),
        }),
    })
}

/// Accepts the client certificates that another verifier accepts and that have an allowed subject alternative name.
#[derive(Debug)]
struct NamedClients {
    verifier: Arc<dyn ClientCertVerifier>,
    allowed: Vec<String>,
}

impl ClientCertVerifier for NamedClients {
    fn offer_client_auth(&self) -> bool {
        self.verifier.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.verifier.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> std::result::Result<ClientCertVerified, TlsError> {
        let verified = self
            .verifier
            .verify_client_cert(certificate, intermediates, now)?;
        if names(certificate)?.any(|name| self.allowed.contains(&name)) {
            return Ok(verified);
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        self.verifier
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        self.verifier
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Returns the subject alternative names of a certificate: host names, e-mail addresses, URIs and IP addresses.
fn names(
    certificate: &CertificateDer<'_>,
) -> std::result::Result<impl Iterator<Item = String>, TlsError> {
    let bad_encoding = || TlsError::from(CertificateError::BadEncoding);
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| bad_encoding())?;
    let extension = parsed
        .subject_alternative_name()
        .map_err(|_| bad_encoding())?;
    let names = extension.map_or(Vec::new(), |extension| {
        let names = extension.value.general_names.iter();
        names.filter_map(name).collect()
    });
    Ok(names.into_iter())
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match *name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some(name.to_owned())
        }
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
