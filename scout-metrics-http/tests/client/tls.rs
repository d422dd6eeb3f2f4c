//! Certificates: which are trusted, and how the user learns why one is not.

use std::{fs, sync::Arc, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use scout_metrics_core::{Error, ErrorKind};
use scout_metrics_http::{ScoutClient, ScoutClientBuilder};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    BODY, LONG, TOKEN, acme,
    support::{Reply, Server},
};

/// A private authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn file(&self) -> NamedTempFile {
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), self.0.pem()).unwrap();
        file
    }

    /// Starts a server with a certificate for a name, changed before it is signed.
    async fn server(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Server {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        start(certificate.der().clone(), &key).await
    }
}

async fn start(certificate: CertificateDer<'static>, key: &KeyPair) -> Server {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Server::start_with(Some(acceptor), [Reply::metrics(BODY)]).await
}

fn url(server: &Server) -> String {
    server.url().replace("http:", "https:")
}

fn builder(server: &Server) -> ScoutClientBuilder {
    ScoutClient::builder()
        .with_token(TOKEN)
        .with_base_url(url(server))
        .with_timeout(LONG)
        .with_backoff(Duration::from_millis(10))
}

/// Checks that a server is refused at once and has seen no token.
async fn refused(server: &Server, builder: ScoutClientBuilder, hint: &str) {
    let error = acme(builder).exposition().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(!error.is_retryable());
    let url = url(server);
    assert_eq!(
        error.message(),
        format!("cannot connect to `{url}`: {hint}")
    );
    assert_eq!(server.log().connections, 1);
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_its_file_is_given() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1", |_| {}).await;
    let unknown = "its certificate is from an unknown authority; to trust a private authority, add its certificate as a CA file";
    refused(&server, builder(&server), unknown).await;

    let file = authority.file();
    let source = acme(builder(&server).with_ca_file(file.path()));
    assert_eq!(source.exposition().await.unwrap().body(), BODY);
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn certificates_that_do_not_fit_are_refused_with_the_reason() {
    let authority = Authority::new();
    let file = authority.file();
    let year = |year| date_time_ymd(year, 1, 1);

    let server = authority
        .server("127.0.0.1", |params| {
            params.not_before = year(2000);
            params.not_after = year(2001);
        })
        .await;
    let expired = "its certificate has expired, or the clock of this machine is wrong";
    refused(&server, builder(&server).with_ca_file(file.path()), expired).await;

    let server = authority
        .server("127.0.0.1", |params| params.not_before = year(4000))
        .await;
    let early = "its certificate is not valid yet, or the clock of this machine is wrong";
    refused(&server, builder(&server).with_ca_file(file.path()), early).await;

    let server = authority.server("scout.example", |_| {}).await;
    let other = "its certificate is for another name";
    refused(&server, builder(&server).with_ca_file(file.path()), other).await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused() {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let server = start(params.self_signed(&key).unwrap().der().clone(), &key).await;
    let unknown = "its certificate is from an unknown authority; to trust a private authority, add its certificate as a CA file";
    refused(&server, builder(&server), unknown).await;
}

#[tokio::test]
async fn a_port_that_speaks_no_modern_tls_is_refused() {
    let plain = &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..];
    let protocol_version_alert = &b"\x15\x03\x01\x00\x02\x02\x46"[..];
    for greeting in [plain, protocol_version_alert] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = vec![0; 4096];
            let length = stream.read(&mut seen).await.unwrap();
            stream.write_all(greeting).await.unwrap();
            String::from_utf8_lossy(&seen[..length]).into_owned()
        });
        let builder = ScoutClient::builder().with_token(TOKEN).with_base_url(&url);
        let error = acme(builder).exposition().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert_eq!(
            error.message(),
            format!(
                "cannot connect to `{url}`: the TLS handshake failed; is it an `https` server?"
            )
        );
        assert!(!server.await.unwrap().contains(TOKEN));
    }
}

#[tokio::test]
async fn a_server_that_never_shakes_hands_runs_into_the_connect_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let source = acme(
        ScoutClient::builder()
            .with_token(TOKEN)
            .with_base_url(&url)
            .with_connect_timeout(Duration::from_millis(100))
            .with_max_attempts(2)
            .with_backoff(Duration::from_millis(10)),
    );
    let error = source.exposition().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.message(), format!("timed out connecting to `{url}`"));
}

#[test]
fn a_file_without_certificates_is_named() {
    let message = |path: &std::path::Path| -> Error {
        let builder = ScoutClient::builder().with_token(TOKEN);
        builder.with_ca_file(path).build().unwrap_err()
    };
    let file = NamedTempFile::new().unwrap();
    let path = file.path();
    let error = message(path);
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        error.to_string(),
        format!(
            "cannot use the certificates of `{}`: it contains no certificate in PEM format",
            path.display()
        )
    );
    fs::write(
        path,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    let text = message(path).to_string();
    assert!(
        text.starts_with("cannot use the certificates of `"),
        "{text}"
    );
    let error = message(&path.with_extension("missing"));
    assert!(error.to_string().contains("No such file"), "{error}");
}

/// A configuration for a client of the test's own.
pub(crate) fn client_config() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
