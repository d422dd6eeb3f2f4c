//! The server over TLS, and certificates that change while it runs.

use super::{
    server::{TlsFiles, TlsVersion},
    *,
};

use std::{fs, path::PathBuf};

use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The files of a server, and the certificate that a client trusts.
struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn certificates(&self) -> PathBuf {
        self.directory.path().join("tls.crt")
    }

    fn key(&self) -> PathBuf {
        self.directory.path().join("tls.key")
    }

    fn server(&self, limits: Limits) -> Result<Server> {
        let files = TlsFiles {
            certificates: self.certificates(),
            key: self.key(),
            clients: None,
            min_version: TlsVersion::default(),
        };
        Server::new(router(), limits, Some(files.into()))
    }

    fn write(&self, new: &New) {
        fs::write(self.certificates(), &new.certificate_pem).unwrap();
        fs::write(self.key(), &new.key_pem).unwrap();
    }
}

/// A self-signed certificate for this machine.
pub(super) struct New {
    pub(super) certificate_pem: String,
    certificate: CertificateDer<'static>,
    pub(super) key_pem: String,
}

impl New {
    pub(super) fn generate() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate_pem: certificate.pem(),
            certificate: certificate.der().clone(),
            key_pem: key.serialize_pem(),
        }
    }

    /// Connects, trusting only this certificate.
    async fn connect(&self, running: &Running) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, running.connect().await).await
    }

    pub(super) async fn is_served(&self, running: &Running) -> bool {
        let Ok(mut stream) = self.connect(running).await else {
            return false;
        };
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.starts_with("HTTP/1.1 200 OK\r\n")
    }
}

/// Waits until the server has read its files again.
pub(super) async fn let_files_be_read() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_renewed_certificate_replaces_the_old_one() {
    let (first, second) = (New::generate(), New::generate());
    let files = Files::new();
    files.write(&first);
    let running = start(files.server(limits()).unwrap());
    assert!(first.is_served(&running).await);
    assert!(!second.is_served(&running).await);

    files.write(&second);
    let_files_be_read().await;
    while !second.is_served(&running).await {
        tokio::task::yield_now().await;
    }
    assert!(!first.is_served(&running).await);
}

#[tokio::test]
async fn the_last_certificate_is_served_while_the_files_do_not_match() {
    let (first, second) = (New::generate(), New::generate());
    let files = Files::new();
    files.write(&first);
    let running = start(files.server(limits()).unwrap());
    assert!(first.is_served(&running).await);
    fs::write(files.certificates(), &second.certificate_pem).unwrap();
    let_files_be_read().await;
    assert!(first.is_served(&running).await);
    fs::remove_file(files.key()).unwrap();
    let_files_be_read().await;
    assert!(first.is_served(&running).await);
    fs::write(files.key(), &second.key_pem).unwrap();
    let_files_be_read().await;
    while !second.is_served(&running).await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn input_that_is_not_tls_is_refused_and_the_next_client_is_served() {
    let new = New::generate();
    let files = Files::new();
    files.write(&new);
    let running = start(files.server(limits()).unwrap());
    let answer = running.exchange(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(!answer.starts_with("HTTP"), "{answer}");
    assert!(new.is_served(&running).await);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_arrive_times_out() {
    let new = New::generate();
    let files = Files::new();
    files.write(&new);
    let timeout = Duration::from_secs(7);
    let running = start(
        files
            .server(Limits {
                head: timeout,
                ..limits()
            })
            .unwrap(),
    );
    let begin = Instant::now();
    let mut stream = running.connect().await;
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0);
    assert_eq!(begin.elapsed().as_secs(), timeout.as_secs());
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let (first, second) = (New::generate(), New::generate());
    let files = Files::new();
    let refused = || {
        let error = files.server(limits()).unwrap_err();
        assert_eq!(error.kind(), scout_metrics_core::ErrorKind::Config);
        error.to_string()
    };
    let (certificates, key) = (files.certificates(), files.key());
    let (certificates, key) = (certificates.display(), key.display());

    let missing = format!("cannot read certificates from `{certificates}`");
    assert_eq!(refused(), missing);
    fs::write(files.certificates(), "not PEM").unwrap();
    assert_eq!(
        refused(),
        format!("`{certificates}` contains no certificate")
    );
    fs::write(files.certificates(), &first.certificate_pem).unwrap();
    assert_eq!(refused(), format!("cannot read a private key from `{key}`"));
    fs::write(files.key(), &second.key_pem).unwrap();
    assert_eq!(refused(), format!("the certificate does not match `{key}`"));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_arrive_does_not_delay_the_shutdown() {
    let files = Files::new();
    files.write(&New::generate());
    let running = start(files.server(limits()).unwrap());
    let mut stream = running.connect().await;
    let begin = Instant::now();
    running.stop.send(()).unwrap();
    running.serving.await.unwrap().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0);
}
