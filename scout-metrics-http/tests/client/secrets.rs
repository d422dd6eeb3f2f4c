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
    texts_of,
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
    pub(crate) fn text(&self) -> String {
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

#[tokio::test]
async fn an_error_quotes_no_token_however_it_is_split_into_chunks() {
    let sample = "scout_stream_vulnerabilities{streamName=\"a\",severity=\"HIGH\"} ";
    let bodies = [
        format!("{TOKEN} {TOKEN}\n"),
        format!("{sample}{TOKEN}\n"),
        format!("{sample}1 {TOKEN}\n"),
        format!("x{{{TOKEN}=\"1\"}} 1\n"),
        format!("x{{a=\"{TOKEN}\"{TOKEN}}} 1\n"),
        format!("x{{a=\"{TOKEN}\\q\"}} {TOKEN}\n"),
        format!("# TYPE x {TOKEN}\nx y\n"),
        format!("{}{TOKEN} y z\n", "x".repeat(60)),
        format!("y z {}{TOKEN}\n", "x".repeat(15)),
        format!("{}\n", TOKEN.repeat(9)),
    ];
    for body in bodies {
        for size in [1, 7, 13, 29] {
            let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{TEXT}\r\n");
            let chunked = body
                .as_bytes()
                .chunks(size)
                .fold(Reply::raw(head), |reply, chunk| {
                    let length = format!("{:x}\r\n", chunk.len());
                    reply.then([length.as_bytes(), chunk, b"\r\n"].concat())
                });
            let server = Server::start([chunked.then("0\r\n\r\n")]).await;
            let source = acme(builder(&server));
            for source in [source.clone(), source.with_anomalies_as_errors(true)] {
                let result = source.scrape().await;
                assert_eq!(leak_in(&result), None);
                for text in result.as_ref().err().map(texts_of).unwrap_or_default() {
                    let pieces = TOKEN.as_bytes().windows(12);
                    for piece in pieces.map(|piece| std::str::from_utf8(piece).unwrap()) {
                        assert!(!text.contains(piece), "{body}: {text}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn an_answer_without_data_after_a_good_one_is_warned_of() {
    let warning = "the exposition has no data, although the previous one had organization=hollow";
    let empty = || Reply::metrics("");
    let script = [
        empty(),
        Reply::metrics(BODY),
        empty(),
        empty(),
        Reply::metrics(BODY),
        empty(),
    ];
    let server = Server::start(script).await;
    let client = builder(&server).build().unwrap();
    let source = client.organization("hollow").unwrap();
    for warnings in [0, 0, 1, 1, 1, 2] {
        source.scrape().await.unwrap();
        assert_eq!(logged().text().matches(warning).count(), warnings);
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
