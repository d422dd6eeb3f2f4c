//! The token is in the requests and nowhere else.

use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
};

use scout_metrics_core::MetricsSource;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    BODY, TOKEN, acme, builder, leak_in,
    support::{Reply, Server, TEXT},
};

/// Returns everything that any test has logged since the first call, which each test makes before it starts a client.
pub(crate) fn logged() -> &'static Logged {
    static LOGGED: OnceLock<Logged> = OnceLock::new();
    LOGGED.get_or_init(|| {
        let logged = Logged::default();
        tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_writer(logged.clone())
            .init();
        logged
    })
}

#[derive(Clone, Default)]
pub(crate) struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logged {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Logged {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[tokio::test]
async fn the_token_is_in_no_log_no_debug_and_no_error() {
    let echo = format!("Location: /{TOKEN}\r\nRetry-After: {TOKEN}\r\nX-Token: {TOKEN}\r\n{TEXT}");
    let replies = [
        Reply::metrics(BODY),
        Reply::metrics(format!("{BODY}{TOKEN}")),
        Reply::metrics(format!("<html>{TOKEN}")),
        Reply::status("200 OK", &format!("Content-Type: {TOKEN}\r\n"), TOKEN),
        Reply::status(
            "200 OK",
            &format!("{TEXT}Content-Encoding: {TOKEN}\r\n"),
            TOKEN,
        ),
        Reply::status("302 Found", &echo, TOKEN),
        Reply::status("401 Unauthorized", &echo, TOKEN),
        Reply::status("403 Forbidden", &echo, TOKEN),
        Reply::status("429 Too Many Requests", &echo, TOKEN),
        Reply::status("503 Service Unavailable", &echo, TOKEN),
        Reply::raw(format!("HTTP/1.1 200 {TOKEN}\r\n{TOKEN}\r\n\r\n")),
        Reply::raw(TOKEN),
        Reply::nothing(),
    ];
    for reply in replies {
        let server = Server::start([reply]).await;
        let builder = builder(&server);
        assert!(!format!("{builder:?} {builder:#?}").contains(TOKEN));
        let source = acme(builder);
        assert!(!format!("{source} {source:?} {source:#?}").contains(TOKEN));
        assert_eq!(leak_in(&source.exposition().await), None);
        assert_eq!(leak_in(&source.scrape().await), None);
    }
    let text = logged().text();
    assert!(!text.contains(TOKEN), "{text}");
    for expected in [
        "scout_fetch",
        "organization=acme",
        "attempt=3",
        "status=503",
        "bytes=",
        "samples=1",
    ] {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_everyone_can_read_is_warned_of_once() {
    use std::{fs, os::unix::fs::PermissionsExt};

    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), TOKEN).unwrap();
    let server = Server::start([Reply::metrics(BODY)]).await;
    let source = acme(builder(&server).with_token_file(file.path()));
    for (mode, warnings) in [(0o640, 0), (0o644, 1), (0o644, 1)] {
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        source.exposition().await.unwrap();
        let warning = format!("0600 or 0640 path={}\n", file.path().display());
        assert_eq!(logged().text().matches(&warning).count(), warnings);
    }
}
