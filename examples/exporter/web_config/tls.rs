//! `tls_server_config`: the certificate, and which client certificates are accepted.

use std::path::Path;

use crate::server::{ClientCertificates, TlsFiles, TlsVersion};

use super::document::Document;

/// The keys that hold PEM text, and those for files.
const INLINE: [(&str, &str); 3] = [
    (
        "cert",
        "write the certificate into a file and name it in `cert_file`",
    ),
    ("key", "write the key into a file and name it in `key_file`"),
    (
        "client_ca",
        "write the certificates into a file and name it in `client_ca_file`",
    ),
];

/// The keys for choices that rustls makes itself.
const CHOICES: [&str; 3] = [
    "cipher_suites",
    "curve_preferences",
    "prefer_server_cipher_suites",
];

/// Reads the section. Without any key in it, the server does not use TLS.
pub(super) fn read(mut section: Document, directory: &Path) -> Result<Option<TlsFiles>, String> {
    for (key, advice) in INLINE {
        section.refuse(key, advice)?;
    }
    for key in CHOICES {
        let reason = "rustls offers only cipher suites and curves that are considered secure, in its own order";
        section.refuse(key, reason)?;
    }
    section.refuse("max_version", "TLS 1.3 is always offered")?;
    let min_version = min_version(section.text("min_version")?)?;
    let clients = clients(&mut section, directory)?;
    let certificates = section.text("cert_file")?;
    let key = section.text("key_file")?;
    section.finish()?;
    match (certificates, key) {
        (Some(certificates), Some(key)) => Ok(Some(TlsFiles {
            certificates: directory.join(certificates),
            key: directory.join(key),
            clients,
            min_version: min_version.unwrap_or_default(),
        })),
        (None, None) if clients.is_none() && min_version.is_none() => Ok(None),
        (None, _) => Err("`tls_server_config.cert_file` is missing".to_owned()),
        (_, None) => Err("`tls_server_config.key_file` is missing".to_owned()),
    }
}

fn min_version(name: Option<String>) -> Result<Option<TlsVersion>, String> {
    match name.as_deref() {
        None => Ok(None),
        Some("TLS12") => Ok(Some(TlsVersion::Tls12)),
        Some("TLS13") => Ok(Some(TlsVersion::Tls13)),
        Some("TLS10" | "TLS11") => Err(
            "`tls_server_config.min_version` is older than TLS12, the oldest version that rustls offers"
                .to_owned(),
        ),
        Some(_) => {
            Err("`tls_server_config.min_version` is neither TLS12 nor TLS13".to_owned())
        }
    }
}

fn clients(section: &mut Document, directory: &Path) -> Result<Option<ClientCertificates>, String> {
    let authorities = section.text("client_ca_file")?;
    let allowed_names = section.texts("client_allowed_sans")?;
    let policy = section.text("client_auth_type")?;
    let are_required = match policy.as_deref() {
        None | Some("NoClientCert") => {
            return if authorities.is_some() || allowed_names.is_some() {
                Err("`tls_server_config.client_auth_type` is missing: without it, no client certificate is verified".to_owned())
            } else {
                Ok(None)
            };
        }
        Some("RequireAndVerifyClientCert") => true,
        Some("VerifyClientCertIfGiven") => false,
        Some("RequestClientCert" | "RequireAnyClientCert" | "RequireClientCert") => {
            return Err("`tls_server_config.client_auth_type` would accept certificates that anybody signed, \
                        which protects nothing: write RequireAndVerifyClientCert".to_owned());
        }
        Some(_) => {
            return Err("`tls_server_config.client_auth_type` is none of NoClientCert, VerifyClientCertIfGiven and \
                        RequireAndVerifyClientCert".to_owned());
        }
    };
    let authorities = authorities.ok_or("`tls_server_config.client_ca_file` is missing")?;
    Ok(Some(ClientCertificates {
        authorities: directory.join(authorities),
        allowed_names,
        are_required,
    }))
}
