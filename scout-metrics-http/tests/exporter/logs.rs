//! The log lines of the exporter.

use super::*;

use std::sync::Mutex;

use tracing::{
    Level,
    subscriber::{self, DefaultGuard},
};

/// A log that a test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Captures the log of this thread until the guard is dropped.
    fn capture(&self) -> DefaultGuard {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::INFO)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn an_outage_is_logged_when_it_begins_and_when_it_ends() {
    let log = Log::default();
    let _guard = log.capture();
    let memory = source("acme");
    let router = Exporter::new()
        .with_source(memory.clone())
        .into_router()
        .unwrap();
    for _ in 0..2 {
        let error = Error::new(ErrorKind::Transport, "no answer").with_source("refused");
        memory.set(Err(error));
        for path in ["/metrics", PATH, "/metrics", "/"] {
            get(&router, path).await;
        }
        memory.set(source("acme").scrape().await);
        get(&router, "/metrics").await;
        get(&router, "/metrics").await;
    }
    let log = log.text();
    assert_eq!(log.matches("no answer: refused").count(), 2, "{log}");
    assert_eq!(log.matches("the source answers again").count(), 2, "{log}");
    assert_eq!(log.lines().count(), 4, "{log}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_bearer_file_that_everybody_can_read_is_logged() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, "first").unwrap();
    for (mode, count) in [(0o600, 0), (0o644, 1)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let log = Log::default();
        let _guard = log.capture();
        let router = authentication::router_with_file(&path).unwrap();
        assert_eq!(status_with_token(&router, "first").await, StatusCode::OK);
        let text = log.text();
        assert_eq!(
            text.matches("can read the token file").count(),
            count,
            "{text}"
        );
        assert!(!text.contains("first"), "{text}");
    }
}
