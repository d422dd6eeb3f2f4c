//! Clients with and without certificates, in real handshakes.

use super::{
    server::{ClientCertificates, TlsFiles, TlsVersion},
    *,
};

use std::{fs, path::PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsConnector;

/// An authority that signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
struct Identity {
    certificate: CertificateDer<'static>,
    certificate_pem: String,
    key: KeyPair,
}

impl Authority {
    fn generate() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn sign(&self, names: Vec<SanType>) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names;
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity {
            certificate: certificate.der().clone(),
            certificate_pem: certificate.pem(),
            key,
        }
    }
}

fn host(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

/// A server whose clients are signed by an authority of their own.
struct Setting {
    directory: tempfile::TempDir,
    authority: Authority,
    clients: Authority,
}

impl Setting {
    fn new() -> Self {
        let (authority, clients) = (Authority::generate(), Authority::generate());
        let directory = tempfile::tempdir().unwrap();
        let identity = authority.sign(vec![host("localhost")]);
        let write =
            |name: &str, text: String| fs::write(directory.path().join(name), text).unwrap();
        write("tls.crt", identity.certificate_pem);
        write("tls.key", identity.key.serialize_pem());
        write("clients.crt", clients.0.pem());
        Self {
            directory,
            authority,
            clients,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn files(&self, are_required: bool, allowed_names: Option<&[&str]>) -> TlsFiles {
        let allowed_names =
            allowed_names.map(|names| names.iter().map(|&name| name.to_owned()).collect());
        TlsFiles {
            certificates: self.path("tls.crt"),
            key: self.path("tls.key"),
            clients: Some(ClientCertificates {
                authorities: self.path("clients.crt"),
                allowed_names,
                are_required,
            }),
            min_version: TlsVersion::Tls12,
        }
    }

    fn start(&self, files: TlsFiles) -> Running {
        start(Server::new(router(), limits(), Some(files.into())).unwrap())
    }

    async fn is_served(&self, running: &Running, client: Option<&Identity>) -> bool {
        let versions = [&TLS13, &TLS12];
        self.is_served_with(running, client, &versions).await
    }

    /// Returns whether a request is answered. With TLS 1.3, the handshake of a client ends before it is refused.
    async fn is_served_with(
        &self,
        running: &Running,
        client: Option<&Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
                let chain = vec![identity.certificate.clone()];
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let connector = TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from("localhost").unwrap();
        let Ok(mut stream) = connector.connect(name, running.connect().await).await else {
            return false;
        };
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer.starts_with(b"HTTP/1.1 200 OK\r\n")
    }
}

#[tokio::test]
async fn a_required_certificate_must_be_signed_by_the_authority() {
    let setting = Setting::new();
    let running = setting.start(setting.files(true, None));
    let good = setting.clients.sign(vec![host("any")]);
    let nameless = setting.clients.sign(Vec::new());
    let foreign = Authority::generate().sign(vec![host("any")]);
    let of_server = setting.authority.sign(vec![host("localhost")]);
    for versions in [[&TLS13], [&TLS12]] {
        for (client, is_served) in [
            (Some(&good), true),
            (Some(&nameless), true),
            (Some(&foreign), false),
            (Some(&of_server), false),
            (None, false),
        ] {
            let found = setting.is_served_with(&running, client, &versions).await;
            assert_eq!(found, is_served);
        }
    }
}

#[tokio::test]
async fn an_optional_certificate_is_verified_if_it_is_given() {
    let setting = Setting::new();
    let running = setting.start(setting.files(false, None));
    let good = setting.clients.sign(Vec::new());
    let foreign = Authority::generate().sign(Vec::new());
    assert!(setting.is_served(&running, None).await);
    assert!(setting.is_served(&running, Some(&good)).await);
    assert!(!setting.is_served(&running, Some(&foreign)).await);
}

#[tokio::test]
async fn a_certificate_needs_one_of_the_allowed_names() {
    let setting = Setting::new();
    let allowed = [
        "prometheus.example",
        "ops@example.com",
        "spiffe://example/prometheus",
        "192.0.2.1",
        "2001:db8::1",
    ];
    let running = setting.start(setting.files(true, Some(&allowed)));
    let uri = |name: &str| SanType::URI(name.try_into().unwrap());
    let address = |text: &str| SanType::IpAddress(text.parse().unwrap());
    for (names, is_served) in [
        (vec![host("prometheus.example")], true),
        (
            vec![host("other.example"), host("prometheus.example")],
            true,
        ),
        (
            vec![SanType::Rfc822Name("ops@example.com".try_into().unwrap())],
            true,
        ),
        (vec![uri("spiffe://example/prometheus")], true),
        (vec![address("192.0.2.1")], true),
        (vec![address("2001:db8::1")], true),
        (vec![host("other.example")], false),
        (vec![host("*.example")], false),
        (vec![host("a.prometheus.example")], false),
        (vec![uri("spiffe://example/other")], false),
        (vec![address("192.0.2.2")], false),
        (Vec::new(), false),
    ] {
        let client = setting.clients.sign(names.clone());
        let found = setting.is_served(&running, Some(&client)).await;
        assert_eq!(found, is_served, "{names:?}");
    }
    let nobody = setting.start(setting.files(true, Some(&[])));
    let client = setting.clients.sign(vec![host("prometheus.example")]);
    assert!(!setting.is_served(&nobody, Some(&client)).await);
}

#[tokio::test]
async fn a_new_authority_replaces_the_old_one() {
    let setting = Setting::new();
    let running = setting.start(setting.files(true, None));
    let new = Authority::generate();
    let (before, after) = (setting.clients.sign(Vec::new()), new.sign(Vec::new()));
    assert!(setting.is_served(&running, Some(&before)).await);
    fs::write(setting.path("clients.crt"), new.0.pem()).unwrap();
    tls::let_files_be_read().await;
    while !setting.is_served(&running, Some(&after)).await {
        tokio::task::yield_now().await;
    }
    assert!(!setting.is_served(&running, Some(&before)).await);
}

#[tokio::test]
async fn a_client_with_an_older_version_than_the_minimum_is_refused() {
    let setting = Setting::new();
    let files = TlsFiles {
        clients: None,
        min_version: TlsVersion::Tls13,
        ..setting.files(false, None)
    };
    let running = setting.start(files);
    assert!(setting.is_served_with(&running, None, &[&TLS13]).await);
    assert!(!setting.is_served_with(&running, None, &[&TLS12]).await);
}

#[test]
fn a_file_of_authorities_that_cannot_be_used_is_named() {
    let setting = Setting::new();
    let path = setting.path("clients.crt");
    let refused = || {
        let files = setting.files(true, None);
        let error = Server::new(router(), limits(), Some(files.into())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    fs::write(&path, "not PEM").unwrap();
    let shown = path.display();
    assert_eq!(refused(), format!("`{shown}` contains no certificate"));
    fs::remove_file(&path).unwrap();
    assert_eq!(
        refused(),
        format!("cannot read certificates from `{shown}`")
    );
}
